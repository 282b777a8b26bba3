import { attentionElements, halfSpread, median } from './calibration'
import { type FitReport, type LoadPlan, withParts } from './fit'
import type { MemoryPart, SizedModel } from './memory'
import { type SpeedEstimate, firstTokenMs } from './speed'
import type { Bytes } from './units'

/** How the copy is to be run: as the plan of the fit says, so that what is measured is what was predicted. */
export interface CopyTarget {
  plan: LoadPlan
  /** null: as many as the processor has cores for this process. */
  threads: number | null
  /** What a calibration found best: the copy begins with these, as a chat does. */
  bestThreads?: { decode: number; prefill: number }
  /** Blocks up to so many bytes are run whole, and slices differ by about so many; left out: what the engine thinks right. */
  budget?: { whole: Bytes; difference: Bytes }
}

/** A slice of the copy, run here. Milliseconds, bytes, tokens. */
export interface CopySlice {
  blocks: number
  /** Of its blocks, read for one token. */
  blockBytes: Bytes
  /** For each token before: see `attentionElements`. */
  attention: { depth: number; elements: number }[]
  /** Milliseconds of single tokens, in rounds that took turns with those of the other slice. */
  decode: { depth: number; rounds: number[][] }[]
  /** Batches of a prompt. */
  prefill: { from: number; tokens: number; ms: number }[]
}

/** Slices on one kind of device: the graphics card, or the processor. Fewer blocks first; one slice is the whole model. */
export interface CopyPlacement {
  gpu: boolean
  slices: CopySlice[]
}

export interface CopyRun {
  placements: CopyPlacement[]
  threads: number
  /** What was written, and how long all of it took. */
  diskBytes: Bytes
  tookMs: number
  /** Load average at the start: other work shows in it. null where the system has none. */
  load: number | null
}

/** One placement, brought to what a block's byte costs and what is there once. */
interface Costs {
  perByteMs: number
  endsMs: number
}

/** Time of a token with nothing before it = ends + bytes of the blocks × cost of one; two slices tell both. */
function costs(slices: readonly CopySlice[], of: (slice: CopySlice) => number): Costs {
  const [small] = slices
  const large = slices.at(-1)
  if (small === undefined || large === undefined) return { perByteMs: 0, endsMs: 0 }
  if (small === large) return { perByteMs: of(large) / Math.max(1, large.blockBytes), endsMs: 0 }
  // However noisy, more blocks take more time, and not more than all of it.
  const perByteMs = Math.min(
    of(large) / Math.max(1, large.blockBytes),
    Math.max(0, of(large) - of(small)) / Math.max(1, large.blockBytes - small.blockBytes),
  )
  return { perByteMs, endsMs: Math.max(0, of(small) - small.blockBytes * perByteMs) }
}

const first = (slice: CopySlice): CopySlice['decode'][number] | undefined => slice.decode[0]
const shallow = (slice: CopySlice): number => median(first(slice)?.rounds.flat() ?? [])
const perToken = (batch: { tokens: number; ms: number }): number => batch.ms / batch.tokens
const firstBatches = (slice: CopySlice): number => median(slice.prefill.filter(({ from }) => from === 0).map(perToken))

/** The faster quarter's end: depths are measured one after the other, and what else runs for a moment is no cost of depth. */
function undisturbed(ms: readonly number[]): number {
  return ms.toSorted((a, b) => a - b)[Math.floor((ms.length - 1) / 4)] ?? 0
}

/** What the tokens before one cost it, from the slice: between measured depths in a straight line, beyond the deepest as before it. */
function depthMs(slice: CopySlice, depth: number): number {
  const points = slice.decode
    .toSorted((a, b) => a.depth - b.depth)
    .map(({ depth: at, rounds }) => ({ elements: elementsOf(slice, at), ms: undisturbed(rounds.flat()) }))
  const elements = elementsOf(slice, depth)
  const above = points.findIndex((point) => point.elements >= elements)
  const at = above < 0 ? points.length - 1 : above
  const [low, high] = [points[at - 1], points[at]]
  if (low === undefined || high === undefined || high.elements === low.elements) return 0
  const each = Math.max(0, high.ms - low.ms) / (high.elements - low.elements)
  return Math.max(0, low.ms - (points[0]?.ms ?? 0)) + each * (elements - low.elements)
}

/** Milliseconds a token of a prompt and element of attention. */
function promptDepthCost(slice: CopySlice): number {
  const last = slice.prefill.findLast(({ from }) => from > 0)
  if (last === undefined) return 0
  const prefilled = elementsOf(slice, last.from + last.tokens / 2) - elementsOf(slice, (slice.prefill[0]?.tokens ?? 0) / 2)
  return prefilled <= 0 ? 0 : Math.max(0, perToken(last) - firstBatches(slice)) / prefilled
}

function elementsOf(slice: CopySlice, depth: number): number {
  const points = slice.attention.toSorted((a, b) => a.depth - b.depth)
  const above = points.findIndex((point) => point.depth >= depth)
  const [low, high] = [points[above - 1] ?? { depth: 0, elements: 0 }, points[above] ?? points.at(-1)]
  if (high === undefined || high.depth === low.depth) return high?.elements ?? 0
  return low.elements + ((high.elements - low.elements) * (depth - low.depth)) / (high.depth - low.depth)
}

/** Tokens before each one of the answer and of the prompt, for what is said with one figure: as in `predictSpeed`. */
const usualDepths = { depth: 256, promptDepth: 500 }

export interface CopySpeed {
  speed: SpeedEstimate
  /** Half of the middle half of the rounds' results ÷ their median. */
  spread: number
}

/** From slices to the whole: blocks by the bytes that a token reads of them, attention by its elements. */
export function copySpeed(model: SizedModel, { plan }: CopyTarget, run: CopyRun, depths = usualDepths): CopySpeed {
  const all = model.weights.activeLayerBytes
  const blocks = all.length
  // Layer i lies on a card iff i ≥ blocks + 1 − gpuLayers (llama-model.cpp).
  const from = run.placements.some(({ gpu }) => gpu) ? Math.max(0, blocks + 1 - plan.gpuLayers) : blocks
  const bytesOn = (gpu: boolean): number => all.reduce((sum, bytes, index) => sum + (index >= from === gpu ? bytes : 0), 0)
  const shareOn = (gpu: boolean): number => (gpu ? blocks - from : from) / Math.max(1, blocks)
  // The output matrix lies on the card as soon as one layer does.
  const withOutput = run.placements.find(({ gpu }) => gpu) ?? run.placements[0]
  const total = (of: (slice: CopySlice) => number): number =>
    run.placements.reduce((sum, placement) => {
      const { perByteMs, endsMs } = costs(placement.slices, of)
      return sum + perByteMs * bytesOn(placement.gpu) + (placement === withOutput ? endsMs : 0)
    }, 0)
  /** Of the largest slice, brought to the blocks that lie where it ran. */
  const attention = (depth: number, of: (slice: CopySlice, elements: number) => number): number =>
    run.placements.reduce((sum, { gpu, slices }) => {
      const slice = slices.at(-1)
      return slice === undefined ? sum : sum + of(slice, attentionElements(model, depth) * shareOn(gpu))
    }, 0)
  const decoding = (depth: number): number =>
    attention(depth, (slice, elements) => (depthMs(slice, depth) * elements) / Math.max(1, elementsOf(slice, depth)))
  const decodeAt = (depth: number): number => 1000 / (total(shallow) + decoding(depth))
  const prefillAt = (depth: number): number =>
    1000 / (total(firstBatches) + attention(depth, (slice, elements) => promptDepthCost(slice) * elements))
  const rounds = Math.min(...run.placements.flatMap(({ slices }) => slices.map((slice) => first(slice)?.rounds.length ?? 0)))
  const spread = halfSpread(Array.from({ length: rounds }, (_, round) => total((slice) => median(first(slice)?.rounds[round] ?? []))))
  const typical = { decode: decodeAt(depths.depth), prefill: prefillAt(depths.promptDepth) }
  const decode = [decodeAt(plan.contextSize), decodeAt(0)] as const
  return {
    speed: {
      decode: [decode[0], decode[1]],
      prefill: [typical.prefill * (1 - Math.min(0.5, spread)), typical.prefill * (1 + Math.min(0.5, spread))],
      ttftMs: firstTokenMs([typical.decode, typical.decode], [typical.prefill, typical.prefill]),
      source: 'copy',
      typical,
    },
    spread,
  }
}

/** A test that was made here. */
export interface CopyResult {
  plan: LoadPlan
  /** The buffers that llama.cpp reported. */
  memory: MemoryPart[]
  speed: SpeedEstimate
  spread: number
  threads: number
  load: number | null
  tookMs: number
  diskBytes: Bytes
}

/** The same with another context: the time of a token grows with what is before it. */
function speedAt({ speed, plan }: CopyResult, contextSize: number): SpeedEstimate {
  const [full, empty] = [1 / speed.decode[0], 1 / speed.decode[1]]
  return { ...speed, decode: [1 / (empty + ((full - empty) * contextSize) / Math.max(1, plan.contextSize)), speed.decode[1]] }
}

/** A speed that varied by more was measured beside other work: it is shown, and the prediction stands. */
const mostSpread = 0.25

/**
 * What was measured with an empty copy in place of what was predicted, as far as it was run like this: speed where the same layers lie on the
 * same device with the same cache, memory only where the whole plan is the same. What replies measured stays.
 */
export function withCopy(report: FitReport, result: CopyResult, at: number): FitReport {
  const { plan } = report
  const alike = (['backend', 'gpuLayers', 'kvCacheType'] as const).every((key) => plan[key] === result.plan[key])
  if (!alike) return report
  const same = (['contextSize', 'batchSize', 'flashAttention', 'useMmap'] as const).every((key) => plan[key] === result.plan[key])
  const better = same ? withParts(report, result.memory, 'measured') : report
  const speed = speedAt(result, plan.contextSize)
  const steady = result.spread <= mostSpread
  return {
    ...better,
    ...(report.speed.source === 'measured' || !steady ? {} : { speed }),
    copy: {
      predicted: { totalBytes: report.totalBytes, speed: report.speed },
      measured: { totalBytes: same ? better.totalBytes : null, speed, spread: result.spread, steady },
      at,
    },
  }
}
