import type { GgufTensor } from './ggufHeader'

type Placed = Pick<GgufTensor, 'name' | 'bytes' | 'offset'>

/** What is left unexplained of the card's bytes: alignment of its buffers. */
const slackBytes = 1024 * 1024

/**
 * With mmap llama.cpp's buffer on the processor is all of the file from its first tensor there to its last, also what lies on a card in
 * between (get_mapping_range, llama-model-loader.cpp). In between lies something where a device refused the tensors above its limit: which
 * ones is told by the bytes that it did take.
 */
export function mappedSpanBytes(tensors: readonly Placed[], blocks: number, gpuLayers: number, tied: boolean, gpuBytes: number): number {
  const first = blocks + 1 - gpuLayers
  const here: Placed[] = []
  const offered: Placed[] = []
  for (const tensor of tensors) {
    const block = /^blk\.(\d+)\./.exec(tensor.name)?.[1]
    const input = /^(token_|per_layer_token_|position_)/.test(tensor.name)
    const onCard = block === undefined ? !input : Number(block) >= first
    ;(onCard ? offered : here).push(tensor)
    // The output layer would get a copy of a tied embedding.
    if (tied && tensor.name === 'token_embd.weight') offered.push(tensor)
  }
  let left = offered.reduce((sum, { bytes }) => sum + bytes, 0) - gpuBytes
  const refused: Placed[] = []
  for (const tensor of offered.toSorted((a, b) => b.bytes - a.bytes)) {
    if (left < slackBytes) break
    refused.push(tensor)
    left -= tensor.bytes
  }
  // Otherwise something else is missing on the card (a tensor that llama.cpp leaves out).
  if (Math.abs(left) < slackBytes) here.push(...refused)
  if (here.length === 0) return 0
  return Math.max(...here.map(({ offset, bytes }) => offset + bytes)) - Math.min(...here.map(({ offset }) => offset))
}
