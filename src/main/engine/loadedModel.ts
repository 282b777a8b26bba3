import type { GenerationStats } from '@shared/domain/chat'
import type { EngineEvent, ForkEngine, GenerateRequest, LoadedModel, LoadRequest } from '@shared/engine/protocol'
import { SnugError } from '@shared/errors'
import type { Log } from '@shared/log'
import { createEngineClient, type EngineClient } from '../../engine/client'
import { readyWithin } from './toolsLane'
import { watchdog } from './watchdog'

export interface EngineLimits {
  readyMs: number
  /** A load without progress for this long is ended. */
  loadStallMs: number
  /** A reply without progress for this long, or ten of its slowest slices, is ended. */
  generateStallMs: number
  /** After a stop the process may go on for this long, then it is ended. */
  stopMs: number
}

export const defaultLimits: EngineLimits = { readyMs: 20_000, loadStallMs: 30_000, generateStallMs: 60_000, stopMs: 5_000 }

/** A process and the model in it. */
export interface Loaded {
  client: EngineClient
  modelId: string
  model: LoadedModel
  /** Ended by us, because it was asked for or because it hung; anything else is a crash. */
  ended: 'asked' | 'stalled' | null
}

interface Watched {
  limits: EngineLimits
  log: Log
}

/** One load in a fresh process: after a failed one nobody knows what the old process still holds. It is ended where it makes no progress. */
export async function loadOnce(
  { modelId, request, fork }: { modelId: string; request: LoadRequest; fork: ForkEngine },
  { limits, log }: Watched,
  signal: AbortSignal,
  onProgress: (fraction: number) => void,
): Promise<Loaded> {
  if (signal.aborted) throw new SnugError('cancelled', 'cancelled')
  const client = createEngineClient(fork('model'))
  const own = log.child('model')
  client.onLog((level, text) => own[level](text))
  let stalled = false
  const dog = watchdog(
    () => limits.loadStallMs,
    () => {
      stalled = true
      void client.process.kill()
    },
  )
  const onAbort = () => void client.process.kill()
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    await readyWithin(client, limits.readyMs)
    dog.progress()
    const model = await client.call('load', request, {
      signal,
      onEvent: (event) => {
        dog.progress()
        if (event.kind === 'load-progress') onProgress(event.fraction)
      },
    })
    return { client, modelId, model, ended: null }
  } catch (error) {
    if (client.closed === null) await client.process.kill()
    if (stalled) throw new SnugError('engine/stalled', 'loading made no progress and was ended', { modelId }, { cause: error })
    throw error
  } finally {
    dog.end()
    signal.removeEventListener('abort', onAbort)
  }
}

/** One reply; an abort answers with what there is, or ends the process when it does not answer, and so does a reply that stands still. */
export async function generateOnce(
  loaded: Loaded,
  { limits, log }: Watched,
  request: GenerateRequest,
  { signal, onEvent }: { signal?: AbortSignal; onEvent?: (event: EngineEvent) => void },
): Promise<GenerationStats> {
  let slowestSliceMs = 0
  let last = performance.now()
  const dog = watchdog(
    () => Math.max(limits.generateStallMs, 10 * slowestSliceMs),
    () => {
      loaded.ended ??= 'stalled'
      void loaded.client.process.kill()
    },
  )
  let stopTimer: NodeJS.Timeout | undefined
  const onAbort = () => {
    stopTimer = setTimeout(() => {
      log.warn('the engine did not stop and is ended')
      loaded.ended ??= 'asked'
      void loaded.client.process.kill()
    }, limits.stopMs)
  }
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    return await loaded.client.call('generate', request, {
      ...(signal ? { signal } : {}),
      onEvent: (event) => {
        const now = performance.now()
        if (event.kind === 'prefill') slowestSliceMs = Math.max(slowestSliceMs, now - last)
        last = now
        dog.progress()
        onEvent?.(event)
      },
    })
  } catch (error) {
    // Unloaded or stopped by force: what there is of the reply is what was wanted.
    if (signal?.aborted === true || loaded.ended === 'asked') throw new SnugError('cancelled', 'stopped', {}, { cause: error })
    if (loaded.ended === 'stalled') throw new SnugError('engine/stalled', 'the engine made no progress and was ended', {}, { cause: error })
    throw error
  } finally {
    dog.end()
    clearTimeout(stopTimer)
    signal?.removeEventListener('abort', onAbort)
  }
}
