import type { LoadPlan } from '@shared/domain/fit'
import type { EngineEstimate } from '@shared/engine/protocol'
import { SnugError } from '@shared/errors'
import type { EngineHost } from '../engine/engineHost'

/** llama.cpp's own no-allocation mode in the expendable process. A simulated configuration may end that process: then the formula stands. */
export function dryRunOf(host: EngineHost, path: string) {
  return async (plan: LoadPlan): Promise<EngineEstimate | null> => {
    try {
      return await host.tools('estimate', {
        path,
        contextSize: plan.contextSize,
        batchSize: plan.batchSize,
        gpuLayers: plan.gpuLayers,
        kvCacheType: plan.kvCacheType,
        flashAttention: plan.flashAttention,
        useMmap: plan.useMmap,
        backend: plan.backend,
      })
    } catch (error) {
      if (error instanceof SnugError && error.code === 'fit/impossible') throw error
      return null
    }
  }
}
