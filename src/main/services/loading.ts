import { access } from 'node:fs/promises'
import type { KvCacheType, ModelFacts } from '@shared/domain/gguf'
import type { LoadPreset } from '@shared/domain/preset'
import type { LoadedModel } from '@shared/engine/protocol'
import { SnugError, toErrorValue } from '@shared/errors'
import type { ModelRow, ModelsRepository } from '../db/repositories/models'
import type { EngineHost, LoadOptions } from '../engine/engineHost'
import type { ExpectedLoad } from './loadRecords'
import type { SettingsService } from './settings'

/** What a person chose; null is automatic. */
export interface LoadWishes {
  contextSize?: number | null
  gpuLayers?: number | 'max' | null
  kvCacheType?: KvCacheType | null
  cpuOnly?: boolean
  /** Processor threads at most: fewer decode only while something else takes the cores. */
  threads?: number | null
}

export interface LoadingOptions {
  host: EngineHost
  models: Pick<ModelsRepository, 'get'>
  settings: Pick<SettingsService, 'get' | 'set'>
  /** What fits here, from the machine's report; what it leaves out stays automatic. */
  plan?: (path: string, facts: ModelFacts, wishes: LoadWishes & { contextSize: number }) => Promise<PlannedLoad>
  /** A model is loaded, with what was expected of it where it was planned. */
  loaded?: (modelId: string, facts: ModelFacts | null, model: LoadedModel, expected: ExpectedLoad | null) => void
}

/** Options of a load, and what they are expected to lead to. */
export type PlannedLoad = Partial<LoadOptions> & { expected?: ExpectedLoad }

/** A realistic context, not the model's native one: 128K of cache can be larger than the weights. */
const usualContext = 8_192

/** What is kept for the model counts where nothing else was asked for. Its context is a usual one, no wish: a longer chat gets its room. */
function withPreset(wishes: LoadWishes, preset: LoadPreset | null): LoadWishes {
  if (preset === null) return wishes
  const { gpuLayers, kvCacheType, threads } = preset
  return {
    ...wishes,
    gpuLayers: wishes.gpuLayers ?? (wishes.cpuOnly === true ? null : gpuLayers),
    kvCacheType: wishes.kvCacheType ?? kvCacheType,
    threads: wishes.threads ?? threads,
  }
}

interface Running {
  modelId: string
  done: Promise<LoadedModel>
}

/** From a row of the library to a loaded model. */
export class LoadingService {
  readonly #options: LoadingOptions
  /** The newest load, from the moment it is asked for: while it is planned, the host does not know of it yet. */
  #running: Running | null = null

  constructor(options: LoadingOptions) {
    this.#options = options
  }

  /** The model that a conversation is answered by: its own, else the one on its way or in memory, else the last one. Throws where there is none. */
  modelFor(modelId: string | null): ModelRow {
    const { host, models, settings } = this.#options
    const id = modelId ?? this.#running?.modelId ?? host.loaded?.modelId
    if (id !== undefined) return this.model(id)
    const { lastModelId } = settings.get()
    const last = lastModelId === null ? undefined : models.get(lastModelId)
    // The last choice was taken off the list: that is no choice any more.
    if (last === undefined || last.removedAt !== null) throw new SnugError('model/not-loaded', 'no model was chosen')
    return last
  }

  /** The model of that id, where it is still there to be asked. */
  usable(id: string | null): ModelRow | null {
    const row = id === null ? undefined : this.#options.models.get(id)
    return row === undefined || row.removedAt !== null || row.state === 'missing' || row.state === 'damaged' ? null : row
  }

  model(id: string): ModelRow {
    const row = this.#options.models.get(id)
    if (row === undefined || row.removedAt !== null) throw new SnugError('model/not-found', `no model ${id}`, { modelId: id })
    return row
  }

  /** A person asked for it: in place of what is loaded. */
  async load(modelId: string, wishes: LoadWishes = {}, signal?: AbortSignal): Promise<LoadedModel> {
    return this.#load(this.model(modelId), wishes, { minContextSize: 0, ...(signal ? { signal } : {}) })
  }

  /**
   * A reply needs it: loads only where something else, or nothing, is loaded, and waits for a load of the same model that is under way,
   * because its options are a person's. `heldTokens`: what the chat already holds.
   */
  async ensure(model: ModelRow, heldTokens: number, signal: AbortSignal, onLoad: () => void): Promise<LoadedModel> {
    for (;;) {
      const running = this.#running?.modelId === model.id ? this.#running : null
      const { loaded } = this.#options.host
      if (running === null && loaded?.modelId === model.id) return loaded.model
      onLoad()
      try {
        if (running === null) return await this.#load(model, {}, { minContextSize: heldTokens, automatic: true, signal })
        return await unlessAborted(running.done, signal)
      } catch (error) {
        // Loaded again with other options meanwhile: that load is the one to wait for.
        const again = toErrorValue(error).code === 'cancelled' && !signal.aborted && this.#running?.modelId === model.id
        if (!again) throw error
      }
    }
  }

  /** A file that need not be in the library: for the command line. `minContextSize`: what the conversation already holds. */
  async loadFile(
    path: string,
    facts: ModelFacts,
    wishes: LoadWishes,
    more: Pick<LoadOptions, 'automatic' | 'signal' | 'minContextSize'>,
    onProgress: (fraction: number) => void,
  ): Promise<LoadedModel> {
    const { expected, ...options } = await this.#loadOptions(path, facts, wishes, more)
    const loaded = await this.#options.host.load(path, path, options, onProgress)
    this.#options.loaded?.(path, facts, loaded, expected ?? null)
    return loaded
  }

  async #load(model: ModelRow, wishes: LoadWishes, more: Partial<LoadOptions> & { minContextSize: number }): Promise<LoadedModel> {
    if (model.state === 'damaged')
      throw new SnugError('model/corrupt-file', model.problem?.message ?? 'the file is damaged', { path: model.path })
    try {
      await access(model.path)
    } catch (error) {
      throw new SnugError('model/not-found', 'the model file is not there', { path: model.path }, { cause: error })
    }
    // Chosen from here on, so that a message sent during the load has a model.
    this.#options.settings.set({ lastModelId: model.id })
    const running: Running = { modelId: model.id, done: this.#planAndLoad(model, wishes, more, () => this.#running === running) }
    this.#running = running
    try {
      return await running.done
    } finally {
      if (this.#running === running) this.#running = null
    }
  }

  async #planAndLoad(
    model: ModelRow,
    wishes: LoadWishes,
    more: Partial<LoadOptions> & { minContextSize: number },
    isNewest: () => boolean,
  ): Promise<LoadedModel> {
    const kept = withPreset(wishes, model.preset?.load ?? null)
    const usual = model.preset?.load.contextSize ?? null
    const { expected, ...options } = await this.#loadOptions(model.path, model.facts, kept, more, usual)
    // Planning takes its time: the load that was asked for last wins, whichever is planned first.
    if (!isNewest()) throw new SnugError('cancelled', 'another load took its place')
    const loaded = await this.#options.host.load(model.id, model.path, options)
    this.#options.loaded?.(model.id, model.facts, loaded, expected ?? null)
    return loaded
  }

  /** The person's wishes first, then what was planned for this machine, then llama.cpp's own choice. */
  async #loadOptions(
    path: string,
    facts: ModelFacts | null,
    wishes: LoadWishes,
    more: Partial<LoadOptions> & { minContextSize: number },
    keptContext: number | null = null,
  ): Promise<LoadOptions & { expected?: ExpectedLoad }> {
    const train = facts?.trainContextSize ?? usualContext
    const usual = Math.min(keptContext ?? this.#options.settings.get().contextSize ?? usualContext, train)
    // A chat that was longer than usual goes on at its length: to the next multiple of the cache's padding, and room to answer.
    const held = Math.min(train, Math.ceil((more.minContextSize + 1_024) / 256) * 256)
    const contextSize = wishes.contextSize ?? (more.minContextSize > 0 ? Math.max(usual, held) : usual)
    const planned = facts === null ? {} : await this.#options.plan?.(path, facts, { ...wishes, contextSize })
    return {
      backend: 'auto',
      gpuLayers: wishes.gpuLayers ?? 'auto',
      contextSize,
      batchSize: 'auto',
      threads: 'auto',
      // A quantized V cache is refused without it.
      flashAttention: wishes.kvCacheType && wishes.kvCacheType !== 'f16' ? true : 'auto',
      kvCacheType: wishes.kvCacheType ?? 'f16',
      useMmap: 'auto',
      trainContextSize: train,
      totalLayers: (facts?.geometry.layers.length ?? 31) + 1,
      hasGpu: wishes.cpuOnly !== true,
      ...planned,
      ...(planned?.expected === undefined ? {} : { expectedMs: planned.expected.ms }),
      ...(wishes.threads == null ? {} : { threads: wishes.threads }),
      ...(wishes.cpuOnly === true ? { backend: 'cpu' as const, gpuLayers: 0 } : {}),
      ...more,
    }
  }
}

/** Stops waiting at the abort; what is waited for goes on. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(new SnugError('cancelled', 'stopped'))
    if (signal.aborted) return onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    void work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
