import { totalmem } from 'node:os'
import type { Bytes } from '@shared/domain/units'
import { kvCacheBytes, maxCheckpointBytes, maxCheckpoints } from '@shared/domain/kvCache'
import { plannedBatchSize, plannedMmap } from '@shared/domain/memory'
import type { LoadedModel, LoadRequest } from '@shared/engine/protocol'
import { SnugError } from '@shared/errors'
import type { Llama, LlamaContext } from 'node-llama-cpp'
import { createBufferLog } from './bufferLog'
import { usableCores } from './cores'
import type { ModelSession } from './generate'
import { inspectFile } from './ggufFile'
import { createIdleCores } from './idleCores'
import { createLineKeeper, type EngineLog, forwardLine, loadError, openLlama } from './llama'
import { createPromptThreads } from './promptThreads'
import type { CallContext } from './server'
import { createThreadGovernor } from './threadGovernor'
import { createVocabulary } from './vocabulary'

/** A context that a person can use, without the memory of a native one (DESIGN.md §4). */
const defaultContextSize = 8192
/** At most one sign of life a second while a file is read. */
const aliveMs = 1000

type Loaded = ModelSession & { loaded: LoadedModel; modelBytes: Bytes; residentBefore: Bytes }

/** Loads a model and its one context. Every default is chosen here, none is left to a library (DESIGN.md §2). */
export async function loadModel(request: LoadRequest, call: CallContext, log: EngineLog): Promise<Loaded> {
  const started = performance.now()
  const residentBefore = process.memoryUsage.rss()
  // Bounded and checked before any library sees the file.
  const facts = await inspectFile(request.path)
  const flashAttention = request.flashAttention === 'auto' && request.kvCacheType !== 'f16' ? true : request.flashAttention
  if (request.kvCacheType !== 'f16' && flashAttention === false)
    throw new SnugError('fit/impossible', 'a quantized KV cache needs flash attention', { reason: 'kv-needs-flash-attention' })

  const buffers = createBufferLog()
  const lines = createLineKeeper()
  let lastAlive = 0
  const threads = request.threads === 'auto' ? usableCores() : request.threads
  const { llama, backend } = await openLlama({
    backend: request.backend,
    threads,
    amx: facts.weights.stacked !== true,
    onLine: (level, text) => {
      lines.push(level, text)
      for (const line of text.split('\n')) buffers.push(line)
      forwardLine(log, level, text)
      const now = performance.now()
      if (now - lastAlive >= aliveMs) {
        lastAlive = now
        call.emit({ kind: 'alive' })
      }
    },
  })
  const onGpu = backend !== 'cpu'
  const contextSize =
    request.contextSize === 'auto' ? Math.min(defaultContextSize, facts.trainContextSize || defaultContextSize) : request.contextSize
  const batchSize = Math.min(
    contextSize,
    request.batchSize === 'auto' ? plannedBatchSize(facts.geometry.vocabularySize, onGpu) : request.batchSize,
  )
  await refuseImpossibleCache(kvCacheBytes(facts.geometry, contextSize, batchSize, request.kvCacheType), llama)
  const kvCacheType = ({ f16: 'F16', q8_0: 'Q8_0', q4_0: 'Q4_0' } as const)[request.kvCacheType]
  // Lines of the probe of backends and of simulations are not those of this load.
  lines.clear()
  try {
    let lastProgress = -1
    const model = await llama.loadModel({
      modelPath: request.path,
      gpuLayers: !onGpu ? 0 : request.gpuLayers === 'auto' ? { fitContext: { contextSize } } : request.gpuLayers,
      useMmap: request.useMmap === 'auto' ? plannedMmap(onGpu) : request.useMmap,
      // The library would try the trained context first, which can end the process (a KV tensor above a device's limit). The fit has
      // decided already; what does not fit after all fails in llama.cpp, and the ladder goes on.
      ignoreMemorySafetyChecks: onGpu && request.gpuLayers !== 'auto',
      defaultContextFlashAttention: flashAttention,
      experimentalDefaultContextKvCacheKeyType: kvCacheType,
      experimentalDefaultContextKvCacheValueType: kvCacheType,
      loadSignal: call.signal,
      onLoadProgress: (fraction) => {
        if (fraction - lastProgress < 0.01 && fraction < 1) return
        lastProgress = fraction
        call.emit({ kind: 'load-progress', fraction })
      },
    })
    const context = await model.createContext({
      contextSize,
      batchSize,
      sequences: 1,
      threads,
      flashAttention,
      experimentalKvCacheKeyType: kvCacheType,
      experimentalKvCacheValueType: kvCacheType,
      createSignal: call.signal,
      // A smaller context than promised is a step of the load ladder, taken and told by main.
      failedCreationRemedy: false,
    })
    const sequence = context.getSequence({ checkpoints: { max: maxCheckpoints, interval: false, maxMemory: maxCheckpointBytes } })
    const usage = await buffers.settle({ model: model.memoryUsage, context: context.memoryUsage })
    const loaded: LoadedModel = {
      backend,
      gpuLayers: model.gpuLayers,
      totalLayers: model.fileInsights.totalLayers,
      contextSize: context.contextSize,
      batchSize: context.batchSize,
      threads,
      flashAttention: usesFlashAttention(context, lines),
      kvCacheType: request.kvCacheType,
      useMmap: model.useMmap,
      trainContextSize: model.trainContextSize,
      loadMs: performance.now() - started,
      buffers: usage,
      needsCheckpoints: sequence.needsCheckpoints,
    }
    return {
      model,
      sequence,
      vocabulary: createVocabulary(model),
      batchSize: context.batchSize,
      rate: { tokensPerMs: null },
      threads: createThreadGovernor(threads, undefined, createIdleCores(threads), request.bestThreads?.decode),
      promptThreads: createPromptThreads(threads, undefined, createIdleCores(threads), request.bestThreads?.prefill),
      loaded,
      modelBytes: facts.sizeBytes,
      residentBefore,
    }
  } catch (error) {
    throw loadError(error, lines, request.path)
  }
}

/** llama.cpp's own check would walk every cell first: 30 s and gigabytes for a context of 2·10⁸. */
async function refuseImpossibleCache(cacheBytes: Bytes, llama: Llama): Promise<void> {
  const { total: vram } = await llama.getVramState()
  const machine = totalmem() + vram
  if (cacheBytes > machine)
    throw new SnugError('engine/out-of-memory', 'the KV cache alone is larger than the memory of this machine', {
      neededBytes: cacheBytes,
      totalBytes: machine,
    })
}

/** With `auto` only the log tells what llama.cpp decided. */
function usesFlashAttention(context: LlamaContext, lines: ReturnType<typeof createLineKeeper>): boolean {
  if (context.flashAttention !== 'auto') return context.flashAttention
  return lines.find(/Flash Attention (?:was )?(enabled|disabled)/i)?.[1]?.toLowerCase() === 'enabled'
}
