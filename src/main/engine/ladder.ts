import type { LadderStep } from '@shared/domain/library'
import type { LoadRequest } from '@shared/engine/protocol'
import type { ErrorCode } from '@shared/errors'

export interface LadderLimits {
  /** Tokens that the chat already holds: never below it. */
  minContextSize: number
  trainContextSize: number
  /** Blocks and the output layer. */
  totalLayers: number
  /** False where the machine has no GPU that llama.cpp can use: steps about layers would change nothing. */
  hasGpu: boolean
}

export interface Rung {
  request: LoadRequest
  step: LadderStep
}

/** What a smaller configuration can cure; a bad file or a refused combination cannot be cured. */
const curable: readonly ErrorCode[] = ['engine/out-of-memory', 'engine/load-failed', 'engine/crashed', 'engine/stalled']
/** Contexts worth trying, tokens. */
const contexts = [8_192, 4_096, 2_048]
const smallestContext = 512

/** The next smaller configuration after a failed load (DESIGN.md §2): shorter context → KV cache Q8_0 → fewer GPU layers → CPU. */
export function nextRung(failed: LoadRequest, limits: LadderLimits, because: ErrorCode): Rung | null {
  if (!curable.includes(because)) return null
  const onGpu = limits.hasGpu && failed.backend !== 'cpu' && failed.gpuLayers !== 0
  // A hang is the driver's, not the size's: no smaller form of it is tried.
  if (because === 'engine/stalled') return onGpu ? toCpu(failed, because) : null
  return shorterContext(failed, limits, because) ?? smallerCache(failed, because) ?? (onGpu ? fewerLayers(failed, limits, because) : null)
}

function shorterContext(failed: LoadRequest, limits: LadderLimits, because: ErrorCode): Rung | null {
  const from = failed.contextSize === 'auto' ? Math.min(8_192, limits.trainContextSize) : failed.contextSize
  const floor = Math.max(smallestContext, limits.minContextSize)
  const to = [limits.trainContextSize, ...contexts, floor]
    .filter((size) => size >= floor && size < from && (size <= limits.trainContextSize || size === floor))
    .reduce((longest, size) => Math.max(longest, size), 0)
  // The floor itself is only for chats that are longer than the usual steps.
  if (to === 0 || (to === floor && to < 2_048 && from <= 2_048)) return null
  return { request: { ...failed, contextSize: to }, step: { change: 'context', from, to, because } }
}

function smallerCache(failed: LoadRequest, because: ErrorCode): Rung | null {
  if (failed.kvCacheType !== 'f16') return null
  // llama.cpp takes a quantized V cache with flash attention only.
  return {
    request: { ...failed, kvCacheType: 'q8_0', flashAttention: true },
    step: { change: 'kv-cache', from: 'f16', to: 'q8_0', because },
  }
}

function fewerLayers(failed: LoadRequest, limits: LadderLimits, because: ErrorCode): Rung {
  const from = typeof failed.gpuLayers === 'number' ? Math.min(failed.gpuLayers, limits.totalLayers) : limits.totalLayers
  const to = Math.floor(from / 2)
  // An eighth on the GPU gains less than its transfers cost.
  if (to < limits.totalLayers / 8 || to < 1) return toCpu(failed, because)
  return { request: { ...failed, gpuLayers: to }, step: { change: 'gpu-layers', from, to, because } }
}

function toCpu(failed: LoadRequest, because: ErrorCode): Rung {
  // What was planned for a card is not what a processor takes (ADR 0007).
  return { request: { ...failed, backend: 'cpu', gpuLayers: 0, batchSize: 'auto', useMmap: 'auto' }, step: { change: 'cpu', because } }
}
