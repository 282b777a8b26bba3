import type { Backend } from './hardware'
import { cachedLayers, tokensSeen } from './layerSums'
import type { SizedModel } from './memory'
import { blockBits } from './quantization'
import type { Bytes } from './units'

/** One slice of a model that was run here: what a token reads of it, and how long it took. Milliseconds, bytes, tokens. */
export interface SliceMeasurement {
  name: string
  /**
   * `wide` slices differ in their type only; `narrow` and `vocabulary` ones show what is not reading; `mixture` what choosing experts costs;
   * most of `output` is its output matrix; `large` ones are wide ones with more blocks, or wider ones: more than the caches hold;
   * `heads` ones are mostly attention, with heads of other widths than the first wide one's.
   */
  role: 'wide' | 'narrow' | 'vocabulary' | 'output' | 'mixture' | 'large' | 'heads'
  /** Of the embedding. */
  width: number
  /** Read for one token: blocks and output matrix. */
  bytesByType: Record<string, Bytes>
  layers: number
  vocabulary: number
  /** Over all layers: see `attentionElements`. */
  attention: number
  /** Query heads over all layers, and the width of one. */
  heads: number
  headDim: number
  /** Milliseconds of each decoded token, by how many tokens were before it. */
  decode: { depth: number; ms: number[] }[]
  /** Batches of a prompt, in order. */
  prefill: { from: number; tokens: number; ms: number }[]
}

export interface CalibrationRun {
  backend: Backend
  device: string
  threads: { decode: number; prefill: number }
  slices: SliceMeasurement[]
  /** How long all of it took. */
  tookMs: number
  /** Load average at the start: other work shows in it. null where the system has none. */
  load: number | null
}

/** This machine with one backend. Predictions from it are times that add up: see calibratedTimes.ts. */
export interface Calibration extends Omit<CalibrationRun, 'slices' | 'tookMs'> {
  /** Bytes per second at decode, by tensor type. */
  bandwidth: Record<string, number>
  /** Operations per second of a prompt, by tensor type. */
  flops: Record<string, number>
  /** The one large output matrix is read so many times as fast as the matrices of the blocks, among which threads wait for each other. */
  output: number
  /** Per token, whatever the model: call, sampler. */
  tokenMs: number
  /** Per token and block: graph, threads that wait for each other. */
  layerMs: number
  /** Per token and thousand tokens of vocabulary: sampling. */
  vocabularyMs: number
  /** Per token decoded and thousand million `attentionElements` × depth. */
  depthMs: number
  prefillLayerMs: number
  /** Per token of a prompt and million query heads × depth, by the width of a head, narrowest first: it is hardly a matter of the elements. */
  prefillDepth: ByHead[]
  /** What larger models than the slices take longer; absent where nothing was seen of it. */
  beyond?: BeyondCaches
  /** Time of a mixture ÷ time of the same bytes or operations in a dense model. */
  mixture: { decode: number; prefill: number }
  /** Half of the middle half of the measurements ÷ their median, over all slices. */
  spread: number
}

/** Milliseconds that hold for heads about as wide. */
export interface ByHead {
  headDim: number
  ms: number
}

/** Beyond the caches everything takes longer than in a wide slice: nothing up to `fromBytes`, all of it from `toBytes` on, between them a part. */
export interface BeyondCaches {
  fromBytes: Bytes
  toBytes: Bytes
  /** Bytes per second at decode, by the tensor types that were measured there: each is read no faster, and no other one faster than the fastest. */
  decode: Record<string, number>
  /** Time of an operation of a prompt ÷ that of the wide slice of the type, by type, in order of width. */
  prompt: Record<string, { width: number; factor: number }[]>
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? 0
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2
}

/** Half of the middle half of the values, as a share of their median. */
export function halfSpread(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
  const centre = median(values)
  return centre === 0 ? 0 : (at(0.75) - at(0.25)) / 2 / centre
}

/** Bytes of tensors of one type ÷ bytes of one weight. */
export function parametersOf(type: string, bytes: Bytes): number {
  return (bytes * 8) / (blockBits[type] ?? 4.5)
}

const operations = (bytesByType: Record<string, Bytes>): number =>
  Object.entries(bytesByType).reduce((sum, [type, bytes]) => sum + 2 * parametersOf(type, bytes), 0)

/** What attention goes through for each token before: query heads × (K + V width), over all layers with a cache. */
export function attentionElements({ geometry }: Pick<SizedModel, 'geometry'>, depth: number): number {
  let sum = 0
  for (const layers of cachedLayers(geometry))
    sum += layers.count * (layers.headDimK + layers.headDimV) * tokensSeen(layers, depth, geometry)
  return sum * geometry.headCount
}

/** Of the blocks: a prompt needs the output matrix, which is tied in a slice, only once. */
const blockOperations = (slice: SliceMeasurement): number => Math.max(0, operations(slice.bytesByType) - 2 * slice.vocabulary * slice.width)

const typeOf = (slice: SliceMeasurement): string => Object.entries(slice.bytesByType).toSorted((a, b) => b[1] - a[1])[0]?.[0] ?? 'Q4_K'
const total = (slice: SliceMeasurement): Bytes => Object.values(slice.bytesByType).reduce((sum, bytes) => sum + bytes, 0)
/** The faster quarter's end: what else runs for a moment makes single tokens slower, never faster. `disturbance` says how often that is. */
function usual(ms: readonly number[]): number {
  return ms.toSorted((a, b) => a - b)[Math.floor((ms.length - 1) / 4)] ?? 0
}
const shallow = (slice: SliceMeasurement): number => usual(slice.decode.find(({ depth }) => depth < 256)?.ms ?? [])
/** Of the batches with nothing before them the fastest; 0: none was measured. */
const firstBatch = (slice: SliceMeasurement): number => {
  const times = slice.prefill.filter(({ from }) => from === 0).map(({ ms, tokens }) => ms / tokens)
  return times.length === 0 ? 0 : Math.min(...times)
}

/**
 * From times to rates. Two narrow slices with few and many blocks tell what a block costs beside reading, a third with a large vocabulary what
 * sampling costs; what is then left of a wide slice's time is reading. Rates and costs depend on each other, so both are refined in turn.
 */
export function calibrate(run: CalibrationRun): Calibration {
  const { slices, tookMs: _tookMs, ...facts } = run
  const wide = slices.filter(({ role }) => role === 'wide')
  const narrow = slices.filter(({ role }) => role === 'narrow').toSorted((a, b) => a.layers - b.layers)
  const [few, many] = [narrow[0], narrow.at(-1)]
  const words = slices.find(({ role }) => role === 'vocabulary')
  const bandwidth: Record<string, number> = {}
  const flops: Record<string, number> = {}
  let [tokenMs, layerMs, vocabularyMs, prefillLayerMs] = [0, 0, 0, 0]
  for (let round = 0; round < 8; round++) {
    for (const slice of wide) {
      bandwidth[typeOf(slice)] = readRate(slice, { tokenMs, layerMs, vocabularyMs })
      const computing = firstBatch(slice) - slice.layers * prefillLayerMs
      if (firstBatch(slice) > 0) flops[typeOf(slice)] = (blockOperations(slice) / Math.max(computing, firstBatch(slice) / 2)) * 1000
    }
    if (few === undefined || many === undefined || many.layers === few.layers) continue
    const beside = (slice: SliceMeasurement): number => shallow(slice) - (total(slice) / (bandwidth[typeOf(slice)] ?? Infinity)) * 1000
    layerMs = Math.max(0, (beside(many) - beside(few)) / (many.layers - few.layers))
    // It is made to have hardly anything to read.
    if (words !== undefined && words.vocabulary > few.vocabulary)
      vocabularyMs = Math.max(0, (shallow(words) - beside(few)) / ((words.vocabulary - few.vocabulary) / 1000))
    tokenMs = Math.max(0, beside(few) - few.layers * layerMs - (few.vocabulary / 1000) * vocabularyMs)
    const computing = (blockOperations(many) / (flops[typeOf(many)] ?? Infinity)) * 1000
    prefillLayerMs = Math.max(0, (firstBatch(many) - computing) / many.layers)
  }
  const solved = { bandwidth, flops, tokenMs, layerMs, vocabularyMs, prefillLayerMs }
  // Its weights push the cache of a token out of the processor's caches before the next one, as a model's do; those of `heads` are too small.
  const deep = wide.find((slice) => slice.decode.some(({ depth }) => depth >= 256))
  const undisturbed = {
    ...facts,
    ...solved,
    depthMs: depthCost(deep),
    prefillDepth: slices.flatMap(promptDepth).toSorted((one, other) => one.headDim - other.headDim),
    ...beyondCaches(
      wide,
      slices.filter(({ role }) => role === 'large'),
      solved,
    ),
    output: outputFactor(
      slices.find(({ role }) => role === 'output'),
      solved,
    ),
    mixture: mixtureFactors(
      slices.find(({ role }) => role === 'mixture'),
      solved,
    ),
    spread: median(slices.flatMap(({ decode }) => decode.map(({ ms }) => halfSpread(ms)))),
  }
  return disturbed(undisturbed, disturbance(slices.filter(({ role }) => role === 'wide' || role === 'large')))
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length)

/**
 * What a token and a batch take on average ÷ undisturbed, by the middle slice: a core that is taken away now and then (another program,
 * another guest of a virtual machine) makes everything slower by the same share, and an answer is as fast as its tokens are on average.
 */
function disturbance(slices: readonly SliceMeasurement[]): { decode: number; prefill: number } {
  const shares = (times: (slice: SliceMeasurement) => readonly number[], least: (ms: readonly number[]) => number): number => {
    const each = slices.flatMap((slice) => {
      const ms = times(slice)
      return ms.length > 1 && least(ms) > 0 ? [mean(ms) / least(ms)] : []
    })
    return each.length === 0 ? 1 : Math.max(1, median(each))
  }
  return {
    // The slowest of a slice stays out: one alone may be anything.
    decode: shares(({ decode }) => (decode.find(({ depth }) => depth < 256)?.ms ?? []).toSorted((a, b) => a - b).slice(0, -1), usual),
    prefill: shares(
      ({ prefill }) => prefill.filter(({ from }) => from === 0).map(({ ms, tokens }) => ms / tokens),
      (ms) => Math.min(...ms),
    ),
  }
}

/** Where not even a quarter of the tokens came about as fast as the fastest, none may have been undisturbed. */
const mostDisturbed = 1.25

/** Something else ran while this slice did. */
export function isDisturbed(slice: SliceMeasurement): boolean {
  return slice.decode.some(({ ms }) => usual(ms) > mostDisturbed * Math.min(...ms))
}

/** Of two measurements of the same slice what was less disturbed: nothing makes it faster than it is. */
export function leastDisturbed(one: SliceMeasurement, other: SliceMeasurement): SliceMeasurement {
  return {
    ...one,
    decode: shallow(other) < shallow(one) ? other.decode : one.decode,
    prefill: firstBatch(other) < firstBatch(one) ? other.prefill : one.prefill,
  }
}

function disturbed(by: Calibration, { decode, prefill }: { decode: number; prefill: number }): Calibration {
  const slower = (rates: Record<string, number>, share: number): Record<string, number> =>
    Object.fromEntries(Object.entries(rates).map(([type, rate]) => [type, rate / share]))
  return {
    ...by,
    bandwidth: slower(by.bandwidth, decode),
    tokenMs: by.tokenMs * decode,
    layerMs: by.layerMs * decode,
    vocabularyMs: by.vocabularyMs * decode,
    depthMs: by.depthMs * decode,
    flops: slower(by.flops, prefill),
    prefillLayerMs: by.prefillLayerMs * prefill,
    prefillDepth: by.prefillDepth.map((one) => ({ ...one, ms: one.ms * prefill })),
    ...(by.beyond === undefined ? {} : { beyond: { ...by.beyond, decode: slower(by.beyond.decode, decode) } }),
  }
}

type Costs = Pick<Calibration, 'tokenMs' | 'layerMs' | 'vocabularyMs'>

/** What a token takes that is not reading. */
const besideReading = (slice: SliceMeasurement, by: Costs): number =>
  by.tokenMs + slice.layers * by.layerMs + (slice.vocabulary / 1000) * by.vocabularyMs

/** Bytes per second. However the rest comes out, most of such a slice's time is reading. */
function readRate(slice: SliceMeasurement, by: Costs): number {
  return (total(slice) / Math.max(shallow(slice) - besideReading(slice, by), shallow(slice) / 2)) * 1000
}

function depthCost(slice: SliceMeasurement | undefined): number {
  const last = slice?.decode.at(-1)
  if (slice === undefined || last === undefined) return 0
  return Math.max(0, ((usual(last.ms) - shallow(slice)) / (last.depth * slice.attention)) * 1e9)
}

/** Of a slice that was given a prompt of several batches. */
function promptDepth({ prefill, heads, headDim }: SliceMeasurement): ByHead[] {
  if (prefill.filter(({ from }) => from > 0).length < 2) return []
  return [{ headDim, ms: Math.max(0, (slope(prefill.map(({ from, tokens, ms }) => [from, ms / tokens])) / heads) * 1e6) }]
}

/** The middle one of the slopes of all pairs (Theil and Sen): a batch that was disturbed bends no line. */
function slope(points: readonly (readonly [number, number])[]): number {
  const pairs = points.flatMap(([x, y], index) => points.slice(index + 1).flatMap(([x2, y2]) => (x2 === x ? [] : [(y2 - y) / (x2 - x)])))
  return pairs.length === 0 ? 0 : median(pairs)
}

/** Each large slice beside the wide one of its type. */
function beyondCaches(wide: readonly SliceMeasurement[], large: readonly SliceMeasurement[], by: Solved): Pick<Calibration, 'beyond'> {
  const each = (slice: SliceMeasurement): number => firstBatch(slice) / blockOperations(slice)
  const pairs = large.flatMap((far) => {
    const near = wide.find((slice) => typeOf(slice) === typeOf(far))
    return near === undefined || firstBatch(near) === 0 ? [] : [{ near, far }]
  })
  if (pairs.length === 0) return {}
  const decode: BeyondCaches['decode'] = {}
  const prompt: BeyondCaches['prompt'] = {}
  for (const { near, far } of pairs.toSorted((one, other) => one.far.width - other.far.width)) {
    const type = typeOf(far)
    decode[type] = Math.max(decode[type] ?? 0, readRate(far, by))
    ;(prompt[type] ??= []).push({ width: far.width, factor: bounded(each(far) / each(near)) })
  }
  const bytes = (which: 'near' | 'far'): number => Math.min(...pairs.map((pair) => total(pair[which])))
  return { beyond: { fromBytes: bytes('near'), toBytes: bytes('far'), decode, prompt } }
}

/** However a measurement was disturbed. */
const bounded = (value: number): number => Math.min(4, Math.max(0.5, value))

type Solved = Costs & Pick<Calibration, 'bandwidth' | 'flops' | 'prefillLayerMs'>

function outputFactor(slice: SliceMeasurement | undefined, by: Solved): number {
  if (slice === undefined) return 1
  const type = typeOf(slice)
  const rate = rateOf(by.bandwidth, type)
  const bytes = (slice.vocabulary * slice.width * (blockBits[type] ?? 4.5)) / 8
  const blocksMs = ((total(slice) - bytes) / rate) * 1000
  const ms = shallow(slice) - besideReading(slice, by) - blocksMs
  return bounded(((bytes / rate) * 1000) / Math.max(ms, shallow(slice) / 4))
}

function mixtureFactors(slice: SliceMeasurement | undefined, by: Solved): Calibration['mixture'] {
  if (slice === undefined) return { decode: 1.15, prefill: 1.5 }
  const reading = (total(slice) / rateOf(by.bandwidth, typeOf(slice))) * 1000
  const computing = (blockOperations(slice) / rateOf(by.flops, typeOf(slice))) * 1000
  return {
    decode: bounded((shallow(slice) - besideReading(slice, by)) / reading),
    prefill: firstBatch(slice) === 0 ? 1.5 : bounded((firstBatch(slice) - slice.layers * by.prefillLayerMs) / computing),
  }
}

/** Processors have no fast way for these: they tell nothing of a type with as many bits. */
const slowTypes = ['Q5_0', 'Q5_1']

/** By rates that were measured, those of types that were not: asked for each model again. */
const nearestRates = new WeakMap<Readonly<Record<string, number>>, Map<string, number>>()

/** The rate of a type, or of the measured type nearest in bits per weight. */
export function rateOf(rates: Readonly<Record<string, number>>, type: string): number {
  const own = rates[type]
  if (own !== undefined) return own
  const others = nearestRates.get(rates) ?? new Map<string, number>()
  nearestRates.set(rates, others)
  const known = others.get(type)
  if (known !== undefined) return known
  const rate = nearestRate(rates, type)
  others.set(type, rate)
  return rate
}

function nearestRate(rates: Readonly<Record<string, number>>, type: string): number {
  const bits = (name: string): number => Math.log(blockBits[name] ?? 4.5)
  const near = Object.keys(rates).toSorted((a, b) => Math.abs(bits(a) - bits(type)) - Math.abs(bits(b) - bits(type)))
  const nearest = near.find((name) => slowTypes.includes(name) === slowTypes.includes(type)) ?? near[0]
  return nearest === undefined ? Infinity : (rates[nearest] ?? Infinity)
}

/**
 * What stays uncertain for a model that was not measured itself, beside the measured spread. Chosen, not fitted: the median error on models
 * that no calibration has seen which `npm run -s bench speed` allows.
 */
export const modelError = 0.1
