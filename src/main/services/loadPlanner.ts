import type { ModelFacts } from '@shared/domain/gguf'
import { bufferKinds, totalBytes } from '@shared/domain/memory'
import type { DryRuns } from './dryRun'
import type { LoadWishes, PlannedLoad } from './loading'
import type { RecommendationService } from './recommendation'

/** A load is not kept waiting for a dry run that is not known yet. */
const plannerWaitMs = 500

/** What is loaded is what was predicted: the plan of the fit, with this machine's free memory now. Nothing fits: llama.cpp chooses, and the ladder steps down. */
export function loadPlanner(
  recommendation: RecommendationService,
  dryRuns: Pick<DryRuns, 'soon'>,
  /** What the calibration of the processor found; null where there is none that holds. */
  bestThreads: () => Promise<{ decode: number; prefill: number } | null> = async () => null,
) {
  return async (path: string, facts: ModelFacts, wishes: LoadWishes & { contextSize: number }): Promise<PlannedLoad> => {
    const { verdict, plan, parts, loadMs } = await recommendation.fitFile(facts, {
      contextSize: wishes.contextSize,
      dryRun: dryRuns.soon(path, facts, plannerWaitMs),
      ...(wishes.kvCacheType ? { kvCacheType: wishes.kvCacheType } : {}),
      ...(wishes.gpuLayers == null ? {} : { gpuLayers: wishes.gpuLayers }),
      ...(wishes.cpuOnly === true ? { backend: 'cpu' as const } : {}),
    })
    if (verdict === 'too-big') return {}
    // Where all lies on a card, the number of threads hardly matters.
    const threads = verdict === 'full-gpu' ? null : await bestThreads().catch(() => null)
    return {
      backend: plan.backend,
      gpuLayers: plan.gpuLayers,
      batchSize: plan.batchSize,
      useMmap: plan.useMmap,
      hasGpu: plan.backend !== 'cpu',
      expected: {
        gpuLayers: plan.gpuLayers,
        contextSize: plan.contextSize,
        bufferBytes: totalBytes(parts.filter(({ kind }) => bufferKinds.includes(kind))),
        ms: loadMs ?? null,
      },
      ...(threads === null ? {} : { bestThreads: threads }),
    }
  }
}
