import type { CapabilityScore, CatalogEntry, UseCase } from './catalog'
import type { FitReport, Verdict } from './fit'
import type { QuantizationLoss } from './quantization'
import type { SizeClassInfo } from './sizeClass'
import type { Bytes, Range } from './units'

/** The outcome, named from speed: the pill. Where it runs is the verdict, the second text. */
export type SpeedGrade = 'fast' | 'comfortable' | 'slow' | 'will-not-run'

/** One sentence of why, as data: the words are in i18n under `recommend.reason.<kind>`. */
export type RecommendationReason =
  | { kind: 'full-gpu'; device: string; spareBytes: Bytes; contextSize: number; decode: Range }
  | { kind: 'partial-gpu'; device: string; gpuLayers: number; totalLayers: number; contextSize: number; decode: Range }
  | { kind: 'cpu'; spareBytes: Bytes; contextSize: number; decode: Range }
  | { kind: 'slow'; decode: Range; wantedTokensPerSecond: number; contextSize: number }
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
}
