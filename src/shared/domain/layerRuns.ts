import type { MemoryDevice, MemoryOptions } from './memory'

/** One device's run of blocks, from `from` up to, not with, `to`. */
export interface LayerRun {
  device: MemoryDevice
  from: number
  to: number
}

/** The processor's blocks come first, then each GPU's; positions count the output layer, which is the last one. */
export function layerRuns(
  blocks: number,
  { gpuLayers, gpus }: Pick<MemoryOptions, 'gpuLayers' | 'gpus'>,
): { runs: LayerRun[]; output: MemoryDevice } {
  const layers = Math.max(0, Math.min(gpuLayers, blocks + 1))
  let total = 0
  for (const gpu of gpus) total += gpu.share
  const all: LayerRun[] = [{ device: 'cpu', from: 0, to: blocks }]
  if (layers === 0 || total <= 0) return { runs: all, output: 'cpu' }
  const first = blocks + 1 - layers
  all[0] = { device: 'cpu', from: 0, to: first }
  let [edge, from] = [0, first]
  let output: MemoryDevice = 'cpu'
  for (const [index, gpu] of gpus.entries()) {
    edge += gpu.share / total
    const to = index === gpus.length - 1 ? blocks + 1 : Math.max(from, first + Math.round(edge * layers))
    all.push({ device: gpu.device, from, to })
    if (to > from) output = gpu.device
    from = to
  }
  return { runs: all, output }
}

/** Which block lies where: block i is on a GPU iff i ≥ blocks + 1 − gpuLayers (llama-model.cpp); the output layer goes first. */
export function placeLayers(
  blocks: number,
  options: Pick<MemoryOptions, 'gpuLayers' | 'gpus'>,
): { blocks: MemoryDevice[]; output: MemoryDevice } {
  const place = layerRuns(blocks, options)
  const placed = place.runs.flatMap(({ device, from, to }) => Array.from({ length: to - from }, () => device))
  // The last position is the output layer, not a block.
  return { blocks: placed.slice(0, blocks), output: place.output }
}
