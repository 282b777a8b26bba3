import type { KvCacheType, ModelGeometry, WeightFacts } from './gguf'
import { checkpointBytes, kvElementBytes, oneCheckpointBytes, paddedCells, slidingCells } from './kvCache'
import { layerRuns } from './layerRuns'
import { between, layerSums, weightSums } from './layerSums'
import { type Refusals, refusals } from './refusedTensors'
import { type Bytes, MiB } from './units'

/** Kinds of a part. On screen: weights (+ repack) · KV cache (+ state, checkpoint) · compute (+ output) · overhead. The reserve is a margin, never a part. */
export type MemoryKind = 'weights' | 'repack' | 'kv' | 'state' | 'checkpoint' | 'compute' | 'output' | 'overhead'
/** In the order of every bar and list. */
export const memoryKinds: readonly MemoryKind[] = ['weights', 'repack', 'kv', 'state', 'checkpoint', 'compute', 'output', 'overhead']
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
  /** `merges` is left out where nobody knows (catalogue). */
  tokenizer: { model: string; tokens: number; merges?: number }
}

export interface MemoryOptions {
  /** 0 … blocks + 1; the output layer is the first to be offloaded. */
  gpuLayers: number
  contextSize: number
  batchSize: number
  kvCacheType: KvCacheType
  flashAttention: boolean
  useMmap: boolean
  /** What loads here took beyond the formula's overhead (`loadsNote`); left out: nothing. */
  learnedOverheadBytes?: Bytes
  /** GPUs that layers go to, with their share of the layers (llama.cpp splits by free memory). Empty: CPU only, and only then is anything repacked. */
  gpus: readonly {
    device: MemoryDevice
    share: number
    contextBytes: Bytes
    /** Larger tensors stay in RAM, with what is computed from them (Vulkan's maxStorageBufferRange: 128 MiB on software, gigabytes on cards). */
    maxTensorBytes?: Bytes
  }[]
}

/** Attention scores of one batch, kept only without flash attention. */
function scoreBytes(geometry: ModelGeometry, contextSize: number, batch: number): Bytes {
  return geometry.headCount * paddedCells(contextSize) * batch * 4
}

/**
 * Activations of one batch while a block runs: mask (F16) + hidden rows + gate and up of the feed-forward part; llama1b at 4,096 on a GPU
 * without its output matrix measures 60.0 MiB = 4 + 6 × 4 + 2 × 16, qwen3moe at 8,192 56.0 = 8 + 24 + 2 × 8 experts × 1.5. Without flash
 * attention the scores come on top.
 */
export function blockComputeBytes(geometry: ModelGeometry, contextSize: number, batchSize: number, flashAttention: boolean): Bytes {
  const batch = Math.min(batchSize, contextSize)
  const inner =
    geometry.experts === null
      ? geometry.feedForwardLength
      : (geometry.expertFeedForwardLength ?? geometry.feedForwardLength) * geometry.experts.used
  const scores = flashAttention ? 0 : scoreBytes(geometry, contextSize, batch)
  return paddedCells(contextSize) * batch * 2 + batch * 4 * (6 * geometry.embeddingLength + 2 * inner) + scores
}

/** Logits of one batch: vocabulary × batch × 4, two hidden rows, and a quarter of the mask that the allocator cannot reuse (fitted to three loads, ≤ 1 %). */
export function outputComputeBytes(geometry: ModelGeometry, contextSize: number, batchSize: number): Bytes {
  const batch = Math.min(batchSize, contextSize)
  return batch * 4 * (geometry.vocabularySize + 2 * geometry.embeddingLength) + (paddedCells(contextSize) * batch * 2) / 4
}

/** What the host keeps for a GPU: the input rows twice, and the mask (F16 with flash attention, else F32); SmolLM2 at 8,192: 8 + 2.25 MiB. */
function hostComputeBytes(geometry: ModelGeometry, contextSize: number, batchSize: number, flashAttention: boolean): Bytes {
  const batch = Math.min(batchSize, contextSize)
  return batch * 4 * 2 * geometry.embeddingLength + paddedCells(contextSize) * batch * (flashAttention ? 2 : 4)
}

/** A process with llama.cpp, before any vocabulary. */
const processBytes = 12 * MiB
/** Each entry in the tables of llama.cpp, of the library and of Snug; a merge costs more than a token (twice as many: 380 bytes each). */
const tokenBytes = { bpe: 350, other: 560 } as const
const mergeBytes = 380
/** Merges for each token where the file is not known: 1.0 (Qwen, SmolLM2) to 2.2 (Llama 3, gpt-oss). */
const usualMerges = 1.5

/** Growth of the process by the libraries and the vocabulary, above all buffers (docs/accuracy.md: the processor's rows). */
export function processOverheadBytes(tokenizer: SizedModel['tokenizer']): Bytes {
  if (tokenizer.model !== 'gpt2' && tokenizer.model !== 'bpe') return processBytes + tokenizer.tokens * tokenBytes.other
  return processBytes + tokenizer.tokens * tokenBytes.bpe + (tokenizer.merges ?? tokenizer.tokens * usualMerges) * mergeBytes
}

/** Formula level: what llama.cpp reserves, part by part; sums per device and kind, nothing rounded. */
export function memoryParts(model: SizedModel, options: MemoryOptions): MemoryPart[] {
  const place = placed(model, options)
  const parts: MemoryPart[] = []
  for (let index = 0; index <= options.gpus.length; index++) {
    const device = options.gpus[index - 1]?.device ?? 'cpu'
    const bytes = bytesByKind(model, options, place, index)
    for (const [at, kind] of memoryKinds.entries()) {
      const own = bytes[at] ?? 0
      if (own > 0) parts.push({ device, kind, bytes: own })
    }
  }
  return parts
}

/** The same by device alone: the processor's first, then those of `options.gpus` in their order. For searching, which needs no parts. */
export function deviceBytes(model: SizedModel, options: MemoryOptions): number[] {
  const place = placed(model, options)
  const sums: number[] = []
  for (let index = 0; index <= options.gpus.length; index++) {
    const bytes = bytesByKind(model, options, place, index)
    let sum = 0
    for (let at = 0; at < bytes.length; at++) sum += Math.max(0, bytes[at] ?? 0)
    sums.push(sum)
  }
  return sums
}

interface Placed extends ReturnType<typeof layerRuns> {
  /** Where the output matrix lies in the end. */
  head: MemoryDevice
  refused: Refusals | null
}

function placed(model: SizedModel, options: MemoryOptions): Placed {
  const { runs, output } = layerRuns(model.geometry.layers.length, options)
  const head = takesOutput(model, options, output) ? output : 'cpu'
  const refused = options.gpus.length === 0 ? null : refusals(model.weights, runs, output, options, endBytes(model, 'cpu', head))
  return { runs, output, head, refused }
}

/** Given again with each call: ranking the catalogue asks many thousand times. */
const kindBytes = new Float64Array(memoryKinds.length)

/** Bytes of each of `memoryKinds` on one device: 0 is the processor, 1 the first of `gpus`. */
function bytesByKind(model: SizedModel, options: MemoryOptions, place: Placed, index: number): Float64Array {
  const { geometry, weights } = model
  const { contextSize, batchSize, kvCacheType, gpus, useMmap } = options
  const { head, refused } = place
  const gpu = gpus[index - 1]
  const device = gpu?.device ?? 'cpu'
  const from = place.runs[index]?.from ?? 0
  const to = place.runs[index]?.to ?? 0
  let repack = 0
  let own: Bytes
  if (gpus.length === 0 && weights.repackableBytes > 0) {
    repack = weights.repackableBytes
    own = useMmap ? weights.mappedBytesWhenRepacked : (weights.plainBytesWhenRepacked ?? weights.totalBytes - repack)
  } else if (gpu === undefined && refused !== null) {
    repack = refused.repackBytes
    own = refused.hostBytes
  } else {
    own = between(weightSums(weights).bytes, from, to) + endBytes(model, device, head) - (refused?.leftBytes[index - 1] ?? 0)
  }
  const { full, sliding, state } = layerSums(geometry)
  const fullCells = paddedCells(contextSize)
  const windowCells = geometry.slidingWindow === null ? fullCells : slidingCells(contextSize, geometry.slidingWindow, batchSize)
  kindBytes[0] = own
  kindBytes[1] = repack
  kindBytes[2] = (between(full, from, to) * fullCells + between(sliding, from, to) * windowCells) * kvElementBytes[kvCacheType]
  kindBytes[3] = between(state, from, to)
  kindBytes[4] = gpu === undefined ? checkpointBytes(geometry, kvCacheType) : 0
  kindBytes[5] = computeBytes(model, options, place.output, device)
  kindBytes[6] = gpu === undefined ? geometry.vocabularySize * 4 : 0
  kindBytes[7] = gpu === undefined ? processOverheadBytes(model.tokenizer) + (options.learnedOverheadBytes ?? 0) : gpu.contextBytes
  return kindBytes
}

/** Tied embeddings stay in RAM for the input and are duplicated where the output matrix lies (TENSOR_DUPLICATED). */
function endBytes({ weights }: SizedModel, device: MemoryDevice, head: MemoryDevice): Bytes {
  const ends = Math.max(0, weights.totalBytes - (weightSums(weights).bytes.at(-1) ?? 0) - (weights.outputIsTied ? 0 : weights.outputBytes))
  const output = device !== head || (weights.outputIsTied && head === 'cpu') ? 0 : weights.outputBytes
  return (device === 'cpu' ? ends : 0) + output
}

/** A device that cannot hold the output matrix in one tensor leaves it, and the logits, to the processor. */
function takesOutput({ weights }: SizedModel, { gpus }: MemoryOptions, device: MemoryDevice): boolean {
  return weights.outputBytes <= (gpus.find((gpu) => gpu.device === device)?.maxTensorBytes ?? Number.POSITIVE_INFINITY)
}

/**
 * With a GPU everything that a batch computes lies there, also for layers whose weights are in RAM: big batches take them over for the
 * moment (op offload), the output matrix too, which then needs room of its own. The host keeps the inputs, and what the GPU cannot hold.
 */
function computeBytes(model: SizedModel, options: MemoryOptions, output: MemoryDevice, device: MemoryDevice): Bytes {
  const { geometry, weights } = model
  const { contextSize, batchSize, flashAttention, gpus } = options
  const block = blockComputeBytes(geometry, contextSize, batchSize, flashAttention)
  const logits = outputComputeBytes(geometry, contextSize, batchSize)
  const [first] = gpus
  if (first === undefined) return Math.max(block, logits)
  const head = output === 'cpu' ? first.device : output
  const limit = (gpus.find((gpu) => gpu.device === device) ?? first).maxTensorBytes ?? Number.POSITIVE_INFINITY
  const scoresFit = flashAttention || scoreBytes(geometry, contextSize, Math.min(batchSize, contextSize)) <= limit
  const outputFits = takesOutput(model, options, head)
  if (device === 'cpu') {
    const host = scoresFit ? hostComputeBytes(geometry, contextSize, batchSize, flashAttention) : block
    return outputFits ? host : Math.max(host, logits)
  }
  const own = scoresFit ? block : blockComputeBytes(geometry, contextSize, batchSize, true)
  if (device !== head || !outputFits) return own
  return Math.max(own, logits + (output === 'cpu' ? weights.outputBytes : 0))
}

/** llama.cpp's own buffers: only these can be compared with what it reports. */
export const bufferKinds: readonly MemoryKind[] = ['weights', 'repack', 'kv', 'state', 'compute', 'output']

export function totalBytes(parts: readonly MemoryPart[], device?: MemoryDevice): Bytes {
  let sum = 0
  for (const part of parts) if (device === undefined || part.device === device) sum += part.bytes
  return sum
}

/** Tokens that a first long prompt has, and that a processor evaluates at once (slices of about 300 ms: engine/prefill.ts). */
const longPromptTokens = 600
const sliceTokens = 64

/**
 * What the process will really have grown by after its first long prompt (RSS): memory is reserved before it is touched. Of the compute
 * buffer a slice touches its share and no logits but one row; GPU parts are not in the process; of the checkpoints one was taken.
 */
export function residentBytes(model: SizedModel, options: MemoryOptions, parts: readonly MemoryPart[]): Bytes {
  return touchedBytes(model, options, parts, Math.min(longPromptTokens, options.contextSize), sliceTokens)
}

/** The same after a prompt of so many tokens, in slices of so many. */
export function touchedBytes(
  { geometry }: SizedModel,
  { batchSize, flashAttention, kvCacheType }: Pick<MemoryOptions, 'batchSize' | 'flashAttention' | 'kvCacheType'>,
  parts: readonly MemoryPart[],
  promptTokens: number,
  slice: number,
): Bytes {
  const touched = blockComputeBytes(geometry, promptTokens, Math.min(batchSize, slice), flashAttention)
  return parts.reduce(
    (sum, part) => {
      if (part.device !== 'cpu' || part.kind === 'checkpoint') return sum
      return sum + (part.kind === 'compute' ? Math.min(part.bytes, touched) : part.bytes)
    },
    oneCheckpointBytes(geometry, promptTokens, kvCacheType),
  )
}

/**
 * Batch sizes of a plan (n_batch and n_ubatch): the logits of one batch are most of the compute buffer. On a card 512 while they stay
 * under 300 MiB; on a processor, where a slice of a prompt is shorter than that anyway, 128 MiB (ADR 0007).
 */
export function plannedBatchSize(vocabularySize: number, onGpu = true): number {
  const limit = (onGpu ? 300 : 128) * MiB
  return [512, 256].find((batch) => vocabularySize * batch * 4 <= limit) ?? 128
}

/** Weights are read on a processor, where a mapped file stays beside its repacked copy, and mapped where a card takes them (ADR 0007). */
export function plannedMmap(onGpu: boolean): boolean {
  return onGpu
}
