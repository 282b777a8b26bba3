import { type Precision, ruleOfThumbSize } from './ruleOfThumb'
import type { Bytes, Range } from './units'

export type Stage = 'inference' | 'lora' | 'full-fine-tuning' | 'training'
export const stages: readonly Stage[] = ['inference', 'lora', 'full-fine-tuning', 'training']

/** What fills the memory of a stage. Words in i18n under `training.part.<kind>`. */
export type StagePartKind = 'parameters' | 'gradients' | 'optimizer' | 'intermediate' | 'kernels'

/** Multiples of the model's size S (the field guide): training 12–20 ×, full fine-tuning 8–15 ×, LoRA 1.2–2 ×, inference 1.2–5 ×. Editable. */
export const stageMultiples: Readonly<Record<Stage, Range>> = {
  inference: [1.2, 5],
  lora: [1.2, 2],
  'full-fine-tuning': [8, 15],
  training: [12, 20],
}

export interface StagePart {
  kind: StagePartKind
  bytes: Range
}

export interface StageMemory {
  stage: Stage
  /** The model itself, S = N × B. */
  modelBytes: Bytes
  bytes: Range
  /** They add up to `bytes`, end by end. The parameters are exactly S; how the rest is shared is a convention, so it is shown hatched. */
  parts: StagePart[]
}

/** How the memory beyond the parameters is shared, by weight: Adam keeps two moments and a master copy for one gradient. */
const shares: Readonly<Record<Stage, Partial<Record<StagePartKind, number>>>> = {
  inference: { intermediate: 0.9, kernels: 0.1 },
  lora: { gradients: 0.05, optimizer: 0.15, intermediate: 0.7, kernels: 0.1 },
  'full-fine-tuning': { gradients: 0.14, optimizer: 0.56, intermediate: 0.25, kernels: 0.05 },
  training: { gradients: 0.11, optimizer: 0.44, intermediate: 0.4, kernels: 0.05 },
}

export function stageMemory(
  parameters: number,
  precision: Precision,
  stage: Stage,
  multiples: Readonly<Record<Stage, Range>> = stageMultiples,
): StageMemory {
  const modelBytes = ruleOfThumbSize(parameters, precision)
  const [low, high] = multiples[stage]
  const rest: Range = [modelBytes * (low - 1), modelBytes * (high - 1)]
  const parts: StagePart[] = [{ kind: 'parameters', bytes: [modelBytes, modelBytes] }]
  for (const [kind, share] of Object.entries(shares[stage]) as [StagePartKind, number][])
    parts.push({ kind, bytes: [rest[0] * share, rest[1] * share] })
  return { stage, modelBytes, bytes: [modelBytes * low, modelBytes * high], parts }
}
