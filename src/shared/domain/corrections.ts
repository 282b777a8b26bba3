import { median, modelError } from './calibration'
import type { MemoryOptions } from './memory'
import type { Range } from './units'

/** Where a model runs: what is learned of one says nothing sure of another. */
export type RunPlace = 'cpu' | 'gpu' | 'split'

/** What a reply says of this machine: measured ÷ predicted for the very plan and depth it was written with. */
export interface SpeedRatio {
  modelId: string
  place: RunPlace
  mixture: boolean
  threads: number
  decode: number
  prefill: number | null
}

export interface Correction {
  /** What predictions are multiplied with. */
  factor: number
  /** Half of the distance between the models' own ratios, as a logarithm. */
  spread: number
  /** So many models said so. */
  models: number
}

type Kind = `${RunPlace}/${'dense' | 'mixture'}`
export type Corrections = Partial<Record<Kind, { decode: Correction; prefill: Correction | null }>>

/** A single model, or a machine that was busy all the time, cannot move a prediction further. */
const most = 2

export function runPlace(blocks: number, { gpuLayers, gpus }: Pick<MemoryOptions, 'gpuLayers' | 'gpus'>): RunPlace {
  if (gpuLayers <= 0 || gpus.length === 0) return 'cpu'
  return gpuLayers > blocks ? 'gpu' : 'split'
}

export function kindOf(place: RunPlace, mixture: boolean): Kind {
  return `${place}/${mixture ? 'mixture' : 'dense'}`
}

/**
 * The median over the models of the median over each one's replies, so that one that is used all day counts once. Two models are believed
 * by two thirds, three by three quarters: factor = ratio ^ (n ÷ (n + 1)).
 */
export function correctionsOf(ratios: readonly SpeedRatio[]): Corrections {
  const corrections: Corrections = {}
  for (const kind of new Set(ratios.map(({ place, mixture }) => kindOf(place, mixture)))) {
    const own = withUsualThreads(ratios.filter(({ place, mixture }) => kindOf(place, mixture) === kind))
    const decode = correctionOf(own.map(({ modelId, decode: ratio }) => ({ modelId, ratio })))
    const prefill = correctionOf(own.flatMap(({ modelId, prefill: ratio }) => (ratio === null ? [] : [{ modelId, ratio }])))
    if (decode !== null) corrections[kind] = { decode, prefill }
  }
  return corrections
}

/** A reply with another number of threads than most was slowed down on purpose. On a card the number hardly matters. */
function withUsualThreads(ratios: readonly SpeedRatio[]): readonly SpeedRatio[] {
  const counts = new Map<number, number>()
  for (const { threads } of ratios) counts.set(threads, (counts.get(threads) ?? 0) + 1)
  const usual = [...counts].toSorted((a, b) => b[1] - a[1] || b[0] - a[0])[0]?.[0]
  return ratios.filter(({ place, threads }) => place === 'gpu' || threads === usual)
}

function correctionOf(ratios: readonly { modelId: string; ratio: number }[]): Correction | null {
  const usable = ratios.filter(({ ratio }) => ratio > 0 && Number.isFinite(ratio))
  const logs = [...new Set(usable.map(({ modelId }) => modelId))].map((model) => {
    const ratio = median(usable.filter(({ modelId }) => modelId === model).map((one) => one.ratio))
    return Math.log(Math.min(most, Math.max(1 / most, ratio)))
  })
  if (logs.length === 0) return null
  const models = logs.length
  return {
    factor: Math.exp(median(logs) * (models / (models + 1))),
    spread: models < 3 ? 0 : median(logs.map((log) => Math.abs(log - median(logs)))),
    models,
  }
}

/** Moved to where the models used here were, and narrower by √(1 + n), but never narrower than a model can be off, nor than they differ. */
export function correctRange(range: Range, by: Correction | null | undefined): Range {
  if (by == null) return range
  const [low, high] = range
  const centre = Math.sqrt(low * high) * by.factor
  const half = Math.max(Math.log(1 + modelError), by.spread, Math.log(high / low) / 2 / Math.sqrt(1 + by.models))
  return [centre / Math.exp(half), centre * Math.exp(half)]
}
