import { type CapabilityScore, type CatalogEntry, type CatalogModel, type CatalogQuantization, type UseCase, catalogModel } from './catalog'
import { type FitMachine, type FitOptions, type FitReport, type LoadPlan, type Verdict, defaultFitOptions, planFit } from './fit'
import { missingWhenEmpty } from './freeing'
import { saidActiveParameters } from './gguf'
import { type QuantizationLoss, compareQuantizations, quantizationInfo, quantizationLoss } from './quantization'
import { type SizeClassInfo, sizeClass } from './sizeClass'
import { type SpeedEstimate, withMeasured } from './speed'
import type { Bytes, Range } from './units'

/** The outcome, named from speed: the pill. Where it runs is the verdict, the second text. */
export type SpeedGrade = 'fast' | 'comfortable' | 'slow' | 'will-not-run'

/** One sentence of why, as data: the words are in i18n under `recommend.reason.<kind>`. */
export type RecommendationReason =
  /** `cards`: of several `device` is the first, and what is spare is spare on all of them together. */
  | { kind: 'full-gpu'; device: string; cards: number; spareBytes: Bytes; contextSize: number; decode: Range }
  | { kind: 'partial-gpu'; device: string; cards: number; gpuLayers: number; totalLayers: number; contextSize: number; decode: Range }
  | { kind: 'cpu'; spareBytes: Bytes; contextSize: number; decode: Range }
  | { kind: 'slow'; decode: Range; wantedTokensPerSecond: number; contextSize: number }
  /** It writes fast enough, but reads a long prompt too slowly. */
  | { kind: 'slow-start'; ttftMs: Range; wantedMs: number; decode: Range }
  /** By the memory that is usually free it fits; other programs hold some of it now. */
  | { kind: 'once-freed'; freeUpBytes: Bytes; contextSize: number; decode: Range }
  /** It fits now, in more memory than is usually free. */
  | { kind: 'only-now'; usuallyMissingBytes: Bytes; contextSize: number; decode: Range }
  | { kind: 'free-up'; freeUpBytes: Bytes; contextSize: number }
  | { kind: 'too-big'; missingBytes: Bytes; contextSize: number }
  | { kind: 'demonstration'; decode: Range }

/** One model at one quantization on this machine: a row inside the card. */
export interface QuantizationFit {
  quantization: string
  bitsPerWeight: number
  loss: QuantizationLoss
  repository: string | null
  file: string | null
  sizeBytes: Bytes
  /** False: worked out from bits per weight, shown with "about". */
  sizeIsExact: boolean
  verdict: Verdict
  grade: SpeedGrade
  fit: FitReport
}

export interface Recommendation {
  model: CatalogEntry
  sizeClass: SizeClassInfo
  /** The best quantization for this machine and use; it is also in `alternatives`. */
  best: QuantizationFit
  /** Every quantization, smallest first. */
  alternatives: QuantizationFit[]
  reason: RecommendationReason
  /** Published score for the use, null: shown as "not rated". */
  capability: CapabilityScore | null
  notRated: boolean
  /** Fast enough for the use, and fits: only these may be called recommended. */
  usable: boolean
  /** Made for the use asked for. */
  suits: boolean
  use: UseCase
  /** By which it was judged. */
  needs: UseNeeds
}

/** What a use needs: tokens per second at decode, and context (issue: chat 8K and 7 tokens/s, code and reasoning 16K and 15). */
export interface UseNeeds {
  decode: number
  contextSize: number
  firstTokenMs: number
}

export const useNeeds: Readonly<Record<UseCase, UseNeeds>> = {
  chat: { decode: 7, contextSize: 8192, firstTokenMs: 10_000 },
  code: { decode: 15, contextSize: 16_384, firstTokenMs: 10_000 },
  reasoning: { decode: 15, contextSize: 16_384, firstTokenMs: 10_000 },
  chinese: { decode: 7, contextSize: 8192, firstTokenMs: 10_000 },
  small: { decode: 15, contextSize: 8192, firstTokenMs: 10_000 },
}

/** What a person wants instead of `useNeeds`, by use: the context is chosen beside it. */
export type OwnNeeds = Partial<Record<UseCase, Partial<Pick<UseNeeds, 'decode' | 'firstTokenMs'>>>>

export function needsOf(use: UseCase, own: OwnNeeds = {}): UseNeeds {
  return { ...useNeeds[use], ...own[use] }
}

/** Three times what the use needs is fast. */
const fastFactor = 3

/** The middle of a range whose ends are factors apart. */
export function typical(range: Range): number {
  return Math.sqrt(range[0] * range[1])
}

export function speedGrade(verdict: Verdict, speed: SpeedEstimate, needs: UseNeeds): SpeedGrade {
  if (verdict === 'too-big') return 'will-not-run'
  const decode = typical(speed.decode)
  if (decode < needs.decode || typical(speed.ttftMs) > needs.firstTokenMs) return 'slow'
  return decode >= needs.decode * fastFactor ? 'fast' : 'comfortable'
}

/** Models whose name is light enough for "small and fast". */
const smallBelow = 5e9

export interface RecommendOptions {
  use: UseCase
  needs: UseNeeds
  fit: Partial<FitOptions>
  /** Speed of one quantization of this model, where it was used here with this plan. */
  measured?: (quantization: string, plan: LoadPlan) => { decode?: number; prefill?: number } | null
  /** What an empty copy of one quantization did here: in place of what was predicted. */
  copied?: (quantization: string, fit: FitReport) => FitReport
}

/** Prices one model at every quantization, picks the best one for the use, and says why. */
export function recommendModel(entry: CatalogEntry, machine: FitMachine, options: RecommendOptions): Recommendation | null {
  const contextSize = Math.min(options.fit.contextSize ?? options.needs.contextSize, entry.geometry.trainContextSize)
  const fitOptions: FitOptions = { ...defaultFitOptions, ...options.fit, contextSize }
  const alternatives = entry.quantizations
    .map((quantization) => priceQuantization(entry, quantization, machine, fitOptions, options))
    .toSorted((a, b) => a.sizeBytes - b.sizeBytes)
  const best = bestQuantization(alternatives)
  if (best === null) return null
  const capability = entry.capability?.[options.use] ?? null
  return {
    model: entry,
    sizeClass: sizeClass(entry.parameters, saidActiveParameters(entry)),
    best,
    alternatives,
    reason: reasonFor(entry, best, options.needs),
    capability,
    notRated: capability === null,
    usable: isUsable(best),
    suits: options.use === 'small' ? entry.parameters < smallBelow && !entry.demonstration : entry.uses.includes(options.use),
    use: options.use,
    needs: options.needs,
  }
}

/** First what is usable for the use (without clear loss), then capability, then speed; what is too slow by how much it is. */
export function rankRecommendations(recommendations: readonly Recommendation[]): Recommendation[] {
  const group = (item: Recommendation): number => {
    if (item.best.verdict === 'too-big') return 9
    if (item.model.demonstration) return 8
    if (!item.usable) return 4 + howSlow(item)
    if (item.best.loss === 'clear') return 3
    if (onlyNow(item.best) === 1) return 2.5
    return item.suits ? 1 : 2
  }
  const ranked = recommendations.toSorted(
    (a, b) => group(a) - group(b) || standIn(b) - standIn(a) || typical(b.best.fit.speed.decode) - typical(a.best.fit.speed.decode),
  )
  return byScore(ranked, group)
}

/**
 * Published scores reorder the models that have one on the same test, among the places that they hold by the stand-in: no model moves up or
 * down for lack of a score, and the order has no circles (comparing pairs, now by score, now by stand-in, would have).
 */
function byScore(ranked: readonly Recommendation[], group: (item: Recommendation) => number): Recommendation[] {
  const result = [...ranked]
  const tests = new Map<string, number[]>()
  for (const [index, item] of ranked.entries()) {
    if (item.capability === null) continue
    const key = `${group(item)} ${item.capability.test}`
    tests.set(key, [...(tests.get(key) ?? []), index])
  }
  for (const places of tests.values()) {
    const items = places.flatMap((place) => ranked[place] ?? [])
    const best = items.toSorted((a, b) => (b.capability?.score ?? 0) - (a.capability?.score ?? 0))
    for (const [turn, place] of places.entries()) {
      const item = best[turn]
      if (item !== undefined) result[place] = item
    }
  }
  return result
}

/** 0 … 3: up to 2, 4, 8 times too slow, more. */
function howSlow(item: Recommendation): number {
  return Math.min(3, Math.floor(Math.log2(slowBy(item))))
}

/** How many times slower than the use needs; 1 where it is fast enough. */
export function slowBy({ needs, best }: Pick<Recommendation, 'needs' | 'best'>): number {
  const { decode, ttftMs } = best.fit.speed
  return Math.max(needs.decode / typical(decode), typical(ttftMs) / needs.firstTokenMs, 1)
}

/** Made once: the catalogue is priced again with every change of the header of Discover. */
const models = new WeakMap<CatalogQuantization, { entry: CatalogEntry; amx: boolean; model: CatalogModel }>()

function modelOf(entry: CatalogEntry, quantization: CatalogQuantization, amx: boolean): CatalogModel {
  const known = models.get(quantization)
  if (known?.entry === entry && known.amx === amx) return known.model
  const model = catalogModel(entry, quantization, amx)
  models.set(quantization, { entry, amx, model })
  return model
}

function priceQuantization(
  entry: CatalogEntry,
  quantization: CatalogQuantization,
  machine: FitMachine,
  options: FitOptions,
  { needs, measured, copied }: Pick<RecommendOptions, 'needs' | 'measured' | 'copied'>,
): QuantizationFit {
  const model = modelOf(entry, quantization, machine.amx === true)
  const planned = planFit(model, machine, options)
  const rates = measured?.(quantization.name, planned.plan) ?? null
  const timed = rates === null ? planned : { ...planned, speed: withMeasured(planned.speed, rates) }
  const fit = copied?.(quantization.name, timed) ?? timed
  return {
    quantization: quantization.name,
    bitsPerWeight: (model.sizeBytes * 8) / entry.parameters,
    loss: quantizationLoss(quantization.name, quantization.bitsPerWeight),
    repository: quantization.repository,
    file: quantization.file,
    sizeBytes: model.sizeBytes,
    sizeIsExact: model.sizeIsExact,
    verdict: fit.verdict,
    grade: speedGrade(fit.verdict, fit.speed, needs),
    fit,
  }
}

/** What the choice of a quantization goes by. */
export type QuantizationChoice = Pick<
  QuantizationFit,
  'quantization' | 'bitsPerWeight' | 'loss' | 'sizeBytes' | 'verdict' | 'grade' | 'fit'
>

function isUsable(candidate: QuantizationChoice): boolean {
  return candidate.grade === 'fast' || candidate.grade === 'comfortable'
}

/** What fits in this minute's memory alone is no model for this machine. */
function onlyNow({ fit }: Pick<QuantizationFit, 'fit'>): 0 | 1 {
  return fit.usuallyMissingBytes === undefined ? 0 : 1
}

/** More than 8.5 bits cost twice the memory and time for a divergence of 0.001: never chosen by itself. */
const neededBits = 9

/**
 * The best quantization: among those fast enough, what usually fits, what lies wholly on the GPU before a split (unless only with clear
 * loss), then the least loss. If none is fast enough, the fastest without clear loss; if none fits, the smallest one without clear loss, as what to aim for.
 */
export function bestQuantization<Choice extends QuantizationChoice>(alternatives: readonly Choice[]): Choice | null {
  const fallback = alternatives.length === 1 ? (alternatives[0] ?? null) : null
  const offered = alternatives.filter((candidate) => candidate.bitsPerWeight < neededBits || alternatives.length === 1)
  const usable = offered.filter(isUsable)
  const clear = (candidate: QuantizationChoice): number => (candidate.loss === 'clear' ? 1 : 0)
  const split = (candidate: QuantizationChoice): number => (candidate.verdict === 'full-gpu' ? 0 : 1)
  const [first] = usable.toSorted(
    (a, b) => clear(a) - clear(b) || onlyNow(a) - onlyNow(b) || split(a) - split(b) || compareQuantizations(b.quantization, a.quantization),
  )
  if (first !== undefined) return first
  const [fastest] = offered
    .filter((candidate) => candidate.verdict !== 'too-big')
    .toSorted((a, b) => clear(a) - clear(b) || typical(b.fit.speed.decode) - typical(a.fit.speed.decode))
  if (fastest !== undefined) return fastest
  return offered.toSorted((a, b) => clear(a) - clear(b) || a.sizeBytes - b.sizeBytes)[0] ?? fallback
}

/**
 * Orders models that nobody rated; never shown as a score. Doublings of size, √(all × active parameters) for a mixture, less what the
 * quantization loses (mean KL divergence: 0.03 at Q4_K_M, 0.33 at Q2_K, four doublings per unit), plus one doubling per year of release:
 * the density of capability was measured to double every 3.5 months (Xiao et al., Densing law of LLMs, 2025), of which this takes a third.
 */
export function standIn(item: Pick<Recommendation, 'model' | 'best'>): number {
  const size = Math.log2(Math.sqrt(item.model.parameters * item.model.activeParameters) / 1e9)
  const divergence = quantizationInfo(item.best.quantization)?.klDivergence ?? (item.best.loss === 'clear' ? 0.3 : 0.02)
  const [year, month] = (item.model.released ?? '2024-07').split('-').map(Number)
  return size - 4 * divergence + ((year ?? 2024) - 2024 + ((month ?? 1) - 1) / 12)
}

function reasonFor(entry: CatalogEntry, best: QuantizationFit, needs: UseNeeds): RecommendationReason {
  const { fit } = best
  const { contextSize } = fit.plan
  const { decode } = fit.speed
  const gpus = fit.pools.filter((pool) => pool.id !== 'cpu' && pool.takesBytes > 0)
  const [gpu] = gpus
  const cards = gpus.length
  const ram = fit.pools.find((pool) => pool.devices.includes('cpu'))
  if (fit.verdict === 'too-big') {
    if (fit.freeUpBytes !== null) return { kind: 'free-up', freeUpBytes: fit.freeUpBytes, contextSize }
    return { kind: 'too-big', missingBytes: missingWhenEmpty(fit.pools, fit.parts), contextSize }
  }
  if (entry.demonstration) return { kind: 'demonstration', decode }
  // How slow it would be stands in the same sentence.
  if (fit.freeUpBytes !== null) return { kind: 'once-freed', freeUpBytes: fit.freeUpBytes, contextSize, decode }
  if (fit.usuallyMissingBytes !== undefined) return { kind: 'only-now', usuallyMissingBytes: fit.usuallyMissingBytes, contextSize, decode }
  if (best.grade === 'slow' && typical(decode) >= needs.decode)
    return { kind: 'slow-start', ttftMs: fit.speed.ttftMs, wantedMs: needs.firstTokenMs, decode }
  if (best.grade === 'slow') return { kind: 'slow', decode, wantedTokensPerSecond: needs.decode, contextSize }
  if (fit.verdict === 'full-gpu' && gpu !== undefined)
    return {
      kind: 'full-gpu',
      device: gpu.name,
      cards,
      spareBytes: gpus.reduce((sum, pool) => sum + pool.spareBytes, 0),
      contextSize,
      decode,
    }
  if (fit.verdict === 'partial-gpu' && gpu !== undefined) {
    return {
      kind: 'partial-gpu',
      device: gpu.name,
      cards,
      gpuLayers: fit.plan.gpuLayers,
      totalLayers: fit.plan.totalLayers,
      contextSize,
      decode,
    }
  }
  return { kind: 'cpu', spareBytes: ram?.spareBytes ?? 0, contextSize, decode }
}
