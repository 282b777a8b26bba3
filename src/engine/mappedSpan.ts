import type { GgufTensor } from './ggufHeader'

export type PlacedTensor = Pick<GgufTensor, 'name' | 'bytes' | 'offset'> & {
  /** What the processor takes for a copy in its own layout where it computes it; 0: it is not copied. */
  copyBytes: number
  /** The same for a tied embedding where it is the output matrix. */
  outputCopyBytes: number
}

export interface HostWeights {
  /** With mmap: from the first to the last tensor that stays in the file. */
  spanBytes: number
  /** What is copied to a layout of the processor although a card is visible. */
  repackBytes: number
  /** What of the file that replaces: without mmap it is nowhere else. */
  movedBytes: number
}

/** What is left unexplained of the card's bytes: alignment of its buffers. */
const slackBytes = 1024 * 1024

/**
 * With mmap llama.cpp's buffer on the processor is all of the file from its first tensor there to its last, also what lies on a card in
 * between (get_mapping_range, llama-model-loader.cpp). In between lies something where a device refused the tensors above its limit: which
 * ones is told by the bytes that it did take.
 *
 * With a card the processor's tensors go to memory that the card can read, and none is repacked, unless the card refuses the tensor: then
 * the next kind of buffer is asked, which repacks (make_cpu_buft_list and select_weight_buft, llama-model.cpp). That holds for every block,
 * also for those that nobody offered to the card.
 */
export function hostWeights(
  tensors: readonly PlacedTensor[],
  blocks: number,
  gpuLayers: number,
  tied: boolean,
  gpuBytes: number,
): HostWeights {
  const first = blocks + 1 - gpuLayers
  const here: PlacedTensor[] = []
  /** A tied embedding is offered for the output, and stays for the input as well. */
  const offered: (PlacedTensor & { stays?: boolean })[] = []
  for (const tensor of tensors) {
    const block = /^blk\.(\d+)\./.exec(tensor.name)?.[1]
    const input = /^(token_|per_layer_token_|position_)/.test(tensor.name)
    const onCard = block === undefined ? !input : Number(block) >= first
    ;(onCard ? offered : here).push(tensor)
    if (tied && tensor.name === 'token_embd.weight') offered.push({ ...tensor, copyBytes: tensor.outputCopyBytes, stays: true })
  }
  let left = offered.reduce((sum, { bytes }) => sum + bytes, 0) - gpuBytes
  const refused: typeof offered = []
  for (const tensor of offered.toSorted((a, b) => b.bytes - a.bytes)) {
    if (left < slackBytes) break
    refused.push(tensor)
    left -= tensor.bytes
  }
  // Otherwise something else is missing on the card (a tensor that llama.cpp leaves out).
  const explained = refused.length > 0 && Math.abs(left) < slackBytes
  const limit = explained ? Math.min(...refused.map(({ bytes }) => bytes)) : Number.POSITIVE_INFINITY
  const all: typeof offered = explained ? [...here, ...refused] : here
  const repacked = all.filter(({ bytes, copyBytes }) => copyBytes > 0 && bytes >= limit)
  const mapped = all.filter((tensor) => !repacked.includes(tensor))
  const repackBytes = repacked.reduce((sum, { copyBytes }) => sum + copyBytes, 0)
  const movedBytes = repacked.reduce((sum, { bytes, stays }) => sum + (stays === true ? 0 : bytes), 0)
  if (mapped.length === 0) return { spanBytes: 0, repackBytes, movedBytes }
  const spanBytes = Math.max(...mapped.map(({ offset, bytes }) => offset + bytes)) - Math.min(...mapped.map(({ offset }) => offset))
  return { spanBytes, repackBytes, movedBytes }
}
