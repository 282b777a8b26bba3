import type { GenerationStats } from '@shared/domain/chat'
import type { ModelFacts } from '@shared/domain/gguf'
import type { LoadedModel } from '@shared/engine/protocol'
import type { MeasuredSpeeds } from './measuredSpeeds'
import type { SpeedSamples } from './speedSamples'

export interface LearningOptions {
  models: { get(modelId: string): { facts: ModelFacts | null } | undefined }
  samples: Pick<SpeedSamples, 'add' | 'isSpilling'>
  measuredSpeeds: Pick<MeasuredSpeeds, 'add'>
  /** What it shows of the models changes. */
  calibration: { refresh(): Promise<void> }
}

/** What a finished reply says of its model, its plan and this machine. The figures of a card that is too full are those of none. */
export function learning({ models, samples, measuredSpeeds, calibration }: LearningOptions) {
  return async (modelId: string, stats: GenerationStats, loaded: LoadedModel): Promise<void> => {
    const facts = models.get(modelId)?.facts ?? null
    if (facts === null || (await samples.isSpilling(facts, loaded, stats))) return
    await measuredSpeeds.add(modelId, loaded, stats)
    await samples.add(modelId, facts, loaded, stats)
    await calibration.refresh()
  }
}
