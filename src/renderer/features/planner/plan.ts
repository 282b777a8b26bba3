import {
  type Precision,
  bytesPerParameter,
  defaultQuantizationFactor,
  ruleOfThumbQuantized,
  ruleOfThumbSize,
} from '@shared/domain/ruleOfThumb'
import { type ParallelismAdvice, adviseParallelism, devicesNeeded } from '@shared/domain/parallelism'
import { type SizeClassInfo, sizeClass } from '@shared/domain/sizeClass'
import { type Stage, type StageMemory, stageMemory, stageMultiples, stages } from '@shared/domain/training'
import type { Bytes, Range } from '@shared/domain/units'

/** Multiples of the model's size, by stage; `quantized`: k of S′ = N × B′ × k. */
export type Multiples = Readonly<Record<Stage | 'quantized', Range>>

export const usualMultiples: Multiples = { quantized: defaultQuantizationFactor, ...stageMultiples }

export interface StagePlan extends StageMemory {
  devices: Range
}

export interface Plan {
  modelBytes: Bytes
  bytesPerParameter: number
  /** Only precisions that files are quantized to. */
  quantizedBytes: Range | null
  sizeClass: SizeClassInfo
  stages: StagePlan[]
}

export function makePlan(parameters: number, precision: Precision, usableBytes: Bytes, multiples: Multiples): Plan {
  return {
    modelBytes: ruleOfThumbSize(parameters, precision),
    bytesPerParameter: bytesPerParameter[precision],
    quantizedBytes: precision === 'INT8' || precision === 'INT4' ? ruleOfThumbQuantized(parameters, precision, multiples.quantized) : null,
    sizeClass: sizeClass(parameters),
    stages: stages.map((stage) => {
      const memory = stageMemory(parameters, precision, stage, multiples)
      return { ...memory, devices: devicesNeeded(memory.bytes, usableBytes).devices }
    }),
  }
}

/** One matrix of a dense model: hidden size grows with the square root of parameters over layers; 1/100 of the model bounds it from above. */
const largestShare = 0.01

export function adviceFor(stage: StagePlan, devices: number, usableBytes: Bytes): ParallelismAdvice {
  return adviseParallelism({
    // More devices than the low end needs were chosen for the high end.
    needed: stage.bytes[devices > stage.devices[0] ? 1 : 0],
    usable: usableBytes,
    largestMatrix: stage.modelBytes * largestShare,
    devices,
    dataTooLarge: stage.stage === 'training' || stage.stage === 'full-fine-tuning',
  })
}

/** "32.8" → 32.8e9, null out of range. */
export function parseBillions(text: string): number | null {
  const value = Number(text.trim().replace(/b$/i, '').replace(',', '.'))
  return text.trim() !== '' && Number.isFinite(value) && value >= 0.01 && value <= 2_000 ? value * 1e9 : null
}

const lowest = Math.log(0.1)
const highest = Math.log(400)

/** The slider is logarithmic from 0.1 to 400 billion: position 0 … 1000. */
export function positionOf(parameters: number): number {
  const value = (Math.log(Math.max(0.1, parameters / 1e9)) - lowest) / (highest - lowest)
  return Math.round(Math.min(1, Math.max(0, value)) * 1000)
}

export function parametersAt(position: number): number {
  const billions = Math.exp(lowest + (position / 1000) * (highest - lowest))
  return Number(billions.toPrecision(billions < 10 ? 2 : 3)) * 1e9
}
