import { useState } from 'react'
import { client } from '../../lib/client'

export interface LoadOptions {
  contextSize?: number | null
  cpuOnly?: boolean
}

/** Loads a model and keeps what the call threw. Progress and outcome come by the engine's own stream. */
export function useLoad(): { load: (modelId: string, options?: LoadOptions) => void; error: unknown } {
  const [error, setError] = useState<unknown>(null)
  return {
    error,
    load: (modelId, options = {}) => {
      setError(null)
      void client.engine.load({ modelId, contextSize: options.contextSize ?? null, cpuOnly: options.cpuOnly ?? false }).catch(setError)
    },
  }
}
