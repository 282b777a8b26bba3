import type { KvCacheType, LayerGeometry, ModelGeometry, WeightFacts } from './gguf'
import { type Bytes, type Range, MiB } from './units'

/** Kinds of a part. On screen: weights (+ repack) · KV cache (+ state, checkpoint) · compute (+ output) · overhead. The reserve is a margin, never a part. */
export type MemoryKind = 'weights' | 'repack' | 'kv' | 'state' | 'checkpoint' | 'compute' | 'output' | 'overhead'
/** `cpu`, `gpu0`, `gpu1` … */
export type MemoryDevice = 'cpu' | `gpu${number}`

export interface MemoryPart {
  device: MemoryDevice
  kind: MemoryKind
  bytes: Bytes
}

/** How sure a figure is; shown beside it. */
export type EstimateLevel = 'rule' | 'formula' | 'dry-run' | 'measured'

/** What the formula needs of a model; `ModelFacts` is one, and so is a catalogue entry at a quantization (`catalogModel`). */
export interface SizedModel {
  parameters: number
  activeParameters: number
  trainContextSize: number
  geometry: ModelGeometry
  weights: WeightFacts
  tokenizer: { model: string; tokens: number }
}

export interface MemoryOptions {
  /** 0 … blocks + 1; the output layer is the first to be offloaded. */
  gpuLayers: number
  contextSize: number
  batchSize: number
  kvCacheType: KvCacheType
  flashAttention: boolean
  useMmap: boolean
  /** GPUs that layers go to, with their share of the layers (llama.cpp splits by free memory). Empty: CPU only, and only then is anything repacked. */
  gpus: readonly { device: MemoryDevice; share: number; contextBytes: Bytes }[]
}

/** Bytes of one element: block bytes ÷ block elements (gguf-py GGML_QUANT_SIZES). */
export const kvElementBytes: Readonly<Record<KvCacheType, number>> = { f16: 2, q8_0: 34 / 32, q4_0: 18 / 32 }

/** llama.cpp pads the cells of a sequence to 256 (facts: engine.md §1). */
export function paddedCells(contextSize: number): number {
  return Math.ceil(contextSize / 256) * 256
}

/** Sliding layers keep min(context, window + batch + 1) cells, padded; the + 1 is node-llama-cpp's (gemma3 4B at 16,384: 1,792 cells). */
export function slidingCells(contextSize: number, slidingWindow: number, batchSize: number): number {
  return Math.min(paddedCells(contextSize), paddedCells(slidingWindow + batchSize + 1))
}

/** KV cache of one layer: cells × (kvHeads × headDimK × bytes(K) + kvHeads × headDimV × bytes(V)); llama.cpp llama-kv-cache.cpp. */
export function layerCacheBytes(
  layer: LayerGeometry,
  geometry: ModelGeometry,
  contextSize: number,
  batchSize: number,
  type: KvCacheType,
): Bytes {
  if (layer.kind !== 'full' && layer.kind !== 'sliding') return 0
  const cells =
    layer.kind === 'sliding' && geometry.slidingWindow !== null
      ? slidingCells(contextSize, geometry.slidingWindow, batchSize)
      : paddedCells(contextSize)
  return cells * layer.kvHeads * (layer.headDimK + layer.headDimV) * kvElementBytes[type]
}

/** A constant per sequence, F32, independent of the context (llama-memory-recurrent.cpp). */
export function layerStateBytes(layer: LayerGeometry): Bytes {
  if (layer.kind === 'recurrent') return layer.stateBytes
  return layer.kind === 'full' ? (layer.stateBytes ?? 0) : 0
}

export function kvCacheBytes(geometry: ModelGeometry, contextSize: number, batchSize: number, type: KvCacheType): Bytes {
  return geometry.layers.reduce((sum, layer) => sum + layerCacheBytes(layer, geometry, contextSize, batchSize, type), 0)
}

/** Models that cannot rewind (sliding window, recurrent) keep checkpoints: at most 4 and 256 MiB (DESIGN.md §2). */
export const maxCheckpoints = 4
export const maxCheckpointBytes = 256 * MiB

export function checkpointBytes(geometry: ModelGeometry, batchSize: number, type: KvCacheType): Bytes {
  const one = geometry.layers.reduce((sum, layer) => {
    if (layer.kind === 'recurrent' || layer.kind === 'full') return sum + layerStateBytes(layer)
    if (layer.kind !== 'sliding' || geometry.slidingWindow === null) return sum
    return (
      sum +
      layerCacheBytes({ ...layer, kind: 'full' }, geometry, Math.min(geometry.slidingWindow, geometry.trainContextSize), batchSize, type)
    )
  }, 0)
  return Math.min(one * maxCheckpoints, maxCheckpointBytes)
}

/**
 * Activations of one batch while a block runs: mask (F16) + hidden rows + gate and up of the feed-forward part; llama1b at 4,096 on a GPU
 * without its output matrix measures 60.0 MiB = 4 + 6 × 4 + 2 × 16. Without flash attention the scores come on top.
 */
export function blockComputeBytes(geometry: ModelGeometry, contextSize: number, batchSize: number, flashAttention: boolean): Bytes {
  const batch = Math.min(batchSize, contextSize)
  const cells = paddedCells(contextSize)
  const experts = geometry.experts?.used ?? 1
  const scores = flashAttention ? 0 : geometry.headCount * cells * batch * 4
  return cells * batch * 2 + batch * 4 * (6 * geometry.embeddingLength + 2 * geometry.feedForwardLength * experts) + scores
}

/** Logits of one batch: vocabulary × batch × 4, two hidden rows, and a quarter of the mask that the allocator cannot reuse (fitted to three loads, ≤ 1 %). */
export function outputComputeBytes(geometry: ModelGeometry, contextSize: number, batchSize: number): Bytes {
  const batch = Math.min(batchSize, contextSize)
  return batch * 4 * (geometry.vocabularySize + 2 * geometry.embeddingLength) + (paddedCells(contextSize) * batch * 2) / 4
}

/** Growth of the process by the vocabulary (tokens and merges) and the first evaluation, above all buffers (facts: engine.md §1, [M3]). */
export function processOverheadBytes(tokenizer: { model: string; tokens: number }): Bytes {
  const bytesPerToken = tokenizer.model === 'gpt2' || tokenizer.model === 'bpe' ? 1450 : 620
  return tokenizer.tokens * bytesPerToken + 64 * MiB
}

/** Which block lies where: block i is on a GPU iff i ≥ blocks + 1 − gpuLayers (llama-model.cpp); the output layer goes first. */
export function placeLayers(
  blocks: number,
  options: Pick<MemoryOptions, 'gpuLayers' | 'gpus'>,
): { blocks: MemoryDevice[]; output: MemoryDevice } {
  const layers = Math.max(0, Math.min(options.gpuLayers, blocks + 1))
  const total = options.gpus.reduce((sum, gpu) => sum + gpu.share, 0)
  if (layers === 0 || total <= 0) return { blocks: Array.from({ length: blocks }, () => 'cpu'), output: 'cpu' }
  const first = blocks + 1 - layers
  const placed: MemoryDevice[] = []
  for (let index = 0; index < first; index++) placed.push('cpu')
  let edge = 0
  let output: MemoryDevice = 'cpu'
  for (const [index, gpu] of options.gpus.entries()) {
    edge += gpu.share / total
    const until = index === options.gpus.length - 1 ? layers : Math.round(edge * layers)
    while (placed.length - first < until) placed.push(gpu.device)
    output = placed[placed.length - 1] ?? gpu.device
  }
  // The last position is the output layer, not a block.
  return { blocks: placed.slice(0, blocks), output }
}

/**
 * Formula level: what llama.cpp reserves, part by part; sums per device and kind, nothing rounded. Written with plain sums, as ranking the
 * catalogue asks it many thousand times.
 */
export function memoryParts(model: SizedModel, options: MemoryOptions): MemoryPart[] {
  const { geometry, weights } = model
  const { contextSize, batchSize, kvCacheType } = options
  const devices: MemoryDevice[] = ['cpu', ...options.gpus.map((gpu) => gpu.device)]
  const sums = devices.map(() => ({ weights: 0, repack: 0, kv: 0, state: 0, checkpoint: 0, compute: 0, output: 0, overhead: 0 }))
  const place = placeLayers(geometry.layers.length, options)
  const at = (device: MemoryDevice): Record<MemoryKind, number> | undefined => sums[devices.indexOf(device)]
  const [cpu] = sums
  const head = at(place.output)
  if (cpu === undefined || head === undefined) return []

  if (options.gpus.length === 0 && weights.repackableBytes > 0) {
    cpu.weights = options.useMmap ? weights.mappedBytesWhenRepacked : weights.totalBytes - weights.repackableBytes
    cpu.repack = weights.repackableBytes
  } else {
    // Tied embeddings stay in RAM for the input and are duplicated where the output layer lies (TENSOR_DUPLICATED).
    const ends = weights.totalBytes - sumOf(weights.layerBytes)
    const output = weights.outputIsTied ? 0 : weights.outputBytes
    cpu.weights += Math.max(0, ends - output)
    head.weights += weights.outputIsTied && place.output !== 'cpu' ? weights.outputBytes : output
    for (let index = 0; index < place.blocks.length; index++) {
      const home = at(place.blocks[index] ?? 'cpu')
      if (home !== undefined) home.weights += weights.layerBytes[index] ?? 0
    }
  }

  for (let index = 0; index < geometry.layers.length; index++) {
    const layer = geometry.layers[index]
    const home = at(place.blocks[index] ?? 'cpu')
    if (layer === undefined || home === undefined) continue
    home.state += layerStateBytes(layer)
    home.kv += layerCacheBytes(layer, geometry, contextSize, batchSize, kvCacheType)
  }
  cpu.checkpoint = checkpointBytes(geometry, batchSize, kvCacheType)

  const block = blockComputeBytes(geometry, contextSize, batchSize, options.flashAttention)
  const logits = outputComputeBytes(geometry, contextSize, batchSize)
  const inputRows = Math.min(batchSize, contextSize) * 4 * 2 * geometry.embeddingLength
  for (const [index, sum] of sums.entries()) {
    const device = devices[index] ?? 'cpu'
    // With a GPU build the GPU has a compute buffer even at 0 layers (op offload): it copies CPU weights for big batches.
    sum.compute = Math.max(device !== 'cpu' || place.blocks.includes('cpu') ? block : inputRows, place.output === device ? logits : 0)
    sum.overhead = options.gpus[index - 1]?.contextBytes ?? 0
  }
  cpu.output = geometry.vocabularySize * 4
  cpu.overhead = processOverheadBytes(model.tokenizer)
  return sums.flatMap((sum, index) =>
    memoryKinds.flatMap((kind) => (sum[kind] > 0 ? [{ device: devices[index] ?? 'cpu', kind, bytes: sum[kind] }] : [])),
  )
}

/** In the order of every bar and list. */
export const memoryKinds: readonly MemoryKind[] = ['weights', 'repack', 'kv', 'state', 'checkpoint', 'compute', 'output', 'overhead']

function sumOf(values: readonly number[]): number {
  let sum = 0
  for (const value of values) sum += value
  return sum
}

export function totalBytes(parts: readonly MemoryPart[], device?: MemoryDevice): Bytes {
  let sum = 0
  for (const part of parts) if (device === undefined || part.device === device) sum += part.bytes
  return sum
}

/**
 * What the process will really have grown by after its first long prompt: memory is reserved before it is touched. Logits rows are never
 * touched in a chat (one row is), GPU parts are not in the process, checkpoints come later.
 */
export function residentBytes(model: SizedModel, options: MemoryOptions, parts: readonly MemoryPart[]): Bytes {
  const block = blockComputeBytes(model.geometry, options.contextSize, options.batchSize, options.flashAttention)
  return parts.reduce((sum, part) => {
    if (part.device !== 'cpu' || part.kind === 'checkpoint') return sum
    if (part.kind === 'compute') return sum + Math.min(part.bytes, block)
    return sum + part.bytes
  }, 0)
}

/** Batch sizes of a plan: as large as keeps the logits of one batch under 300 MiB, as the logits are most of the compute buffer. */
export function plannedBatchSize(vocabularySize: number): number {
  for (const batch of [512, 256]) if (vocabularySize * batch * 4 <= 300 * MiB) return batch
  return 128
}

/** Rule of thumb (the field guide): S = N × B. */
export const bytesPerParameter = { FP32: 4, FP16: 2, BF16: 2, FP8: 1, INT8: 1, INT4: 0.5 } as const
export type Precision = keyof typeof bytesPerParameter

export function ruleOfThumbSize(parameters: number, precision: Precision): Bytes {
  return parameters * bytesPerParameter[precision]
}

/** Quantized: S′ = N × B′ × k, k from 1.1 to 1.2. */
export const defaultQuantizationFactor: Range = [1.1, 1.2]

export function ruleOfThumbQuantized(parameters: number, precision: Precision, factor: Range = defaultQuantizationFactor): Range {
  const size = ruleOfThumbSize(parameters, precision)
  return [size * factor[0], size * factor[1]]
}
