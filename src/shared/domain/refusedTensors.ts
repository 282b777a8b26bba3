import type { WeightFacts } from './gguf'
import { between, weightSums } from './layerSums'
import type { LayerRun } from './layerRuns'
import type { MemoryDevice, MemoryOptions } from './memory'
import type { Bytes } from './units'

/** What limits of devices change about where weights lie. */
export interface Refusals {
  /** What of its blocks each GPU leaves to the processor, in the order of `gpus`. */
  leftBytes: readonly Bytes[]
  /** What the processor holds as it is in the file, or with mmap reaches over. */
  hostBytes: Bytes
  /** Copied to a layout of the processor although a card is visible. */
  repackBytes: Bytes
}

/**
 * A device takes no tensor above its limit: matrices of experts of a block on the card then stay with the processor, and so does the output
 * matrix. Those of a type that the processor repacks are copied, in every block, also where nobody offered them to the card, with no layer on it either; with mmap the
 * others stretch the buffer over all blocks up to theirs (mappedSpan.ts has llama.cpp's rule, by single tensors). `endBytes`: what of the
 * processor is outside the blocks. null: no device refuses anything.
 */
export function refusals(
  weights: WeightFacts,
  runs: readonly LayerRun[],
  output: MemoryDevice,
  { gpus, useMmap }: Pick<MemoryOptions, 'gpus' | 'useMmap'>,
  endBytes: Bytes,
): Refusals | null {
  const large = weights.largeTensors ?? []
  if (large.length === 0 || gpus.every(({ maxTensorBytes }) => maxTensorBytes === undefined)) return null
  const limitOf = (index: number) => gpus[index]?.maxTensorBytes ?? Number.POSITIVE_INFINITY
  const head = gpus.findIndex(({ device }) => device === output)
  const leftBytes = gpus.map(() => 0)
  const host = runs[0] ?? { from: 0, to: 0 }
  let repackBytes = 0
  /** Replaced by copies: of the blocks, and of the output (a tied one stays for the input). */
  const replaced = { blocks: 0, output: 0 }
  let mappedTo = host.to
  for (const { layer, bytes, copyBytes } of large) {
    const gpu = layer === null ? head : runs.findIndex(({ from, to }) => layer >= from && layer < to) - 1
    // A block of the processor is offered to the first card's kind of memory.
    if (bytes <= limitOf(Math.max(0, gpu))) continue
    if (layer !== null && gpu >= 0) leftBytes[gpu] = (leftBytes[gpu] ?? 0) + bytes
    repackBytes += copyBytes
    if (copyBytes === 0) mappedTo = Math.max(mappedTo, layer === null ? 0 : layer + 1)
    else if (layer !== null) replaced.blocks += bytes
    else if (!weights.outputIsTied) replaced.output += bytes
  }
  const { bytes } = weightSums(weights)
  const left = leftBytes.reduce((sum, one) => sum + one, 0)
  const plain = between(bytes, host.from, host.to) + left - replaced.blocks + endBytes - replaced.output
  // The output matrix lies before the blocks or behind them: where a block is mapped, the span reaches over it as often as not.
  const mapped = between(bytes, 0, mappedTo) + endBytes - (mappedTo === 0 ? replaced.output : 0)
  return { leftBytes, repackBytes, hostBytes: useMmap ? mapped : plain }
}
