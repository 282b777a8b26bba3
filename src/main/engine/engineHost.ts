import type { GenerationStats } from '@shared/domain/chat'
import type { EngineStatus, LadderStep } from '@shared/domain/library'
import type {
  CallName,
  EngineCalls,
  EngineEvent,
  ForkEngine,
  GenerateRequest,
  LoadedModel,
  LoadRequest,
  PromptPiece,
} from '@shared/engine/protocol'
import type { Bytes, Range } from '@shared/domain/units'
import { SnugError, toErrorValue } from '@shared/errors'
import type { Log } from '@shared/log'
import { Changes, follow } from '../services/follow'
import { type LadderLimits, nextRung } from './ladder'
import { type EngineLimits, type Loaded, defaultLimits, generateOnce, loadOnce } from './loadedModel'
import { ToolsLane } from './toolsLane'
import { CrashCount } from './watchdog'

export interface LoadOptions extends Omit<LoadRequest, 'path'>, LadderLimits {
  /** A restart that nobody asked for; refused after three crashes in five minutes. */
  automatic?: boolean
  signal?: AbortSignal
  /** How long it is expected to take, milliseconds; told with its progress. */
  expectedMs?: Range | null
}

export interface EngineHostOptions {
  fork: ForkEngine
  log: Log
  now?: () => number
  /** After each reply that came to its end. */
  replied?: (stats: GenerationStats) => void
  /** Shorter in tests only. */
  limits?: Partial<EngineLimits>
}

interface Plan {
  modelId: string
  /** What worked, ladder included: a restart after its process was lost takes it again; any other load is planned anew. */
  request: LoadRequest
  ladder: LadderStep[]
}

/** Starts, watches and ends the worker processes: one for tools, one for the loaded model. */
export class EngineHost {
  readonly #fork: ForkEngine
  readonly #log: Log
  readonly #watched: { limits: EngineLimits; log: Log }
  readonly #replied: (stats: GenerationStats) => void
  readonly #tools: ToolsLane
  readonly #crashes: CrashCount
  readonly #changes = new Changes()
  #status: EngineStatus = { state: 'empty' }
  #loaded: Loaded | null = null
  /** Loads and unloads one after the other. */
  #turn: Promise<unknown> = Promise.resolve()
  #plan: Plan | null = null
  #generating = false
  #disposed = false
  /** Of the load in progress: another load or an unload takes its place. */
  #loading: AbortController | null = null

  constructor(options: EngineHostOptions) {
    this.#fork = options.fork
    this.#log = options.log
    this.#watched = { limits: { ...defaultLimits, ...options.limits }, log: options.log }
    this.#replied = options.replied ?? (() => {})
    this.#tools = new ToolsLane(options.fork, options.log.child('tools'))
    this.#crashes = new CrashCount(options.now)
  }

  /** Asks the expendable process; without `timeoutMs` the call's own limit applies (2 s for a render). */
  tools<C extends CallName>(
    call: C,
    args: EngineCalls[C]['args'],
    timeoutMs?: number,
    signal?: AbortSignal,
  ): Promise<EngineCalls[C]['reply']> {
    return this.#tools.call(call, args, timeoutMs, signal)
  }

  status(): EngineStatus {
    return this.#status
  }

  followStatus(signal?: AbortSignal): AsyncGenerator<EngineStatus, void, void> {
    return follow(this.#changes, () => this.#status, { signal, pauseMs: 50 })
  }

  onStatus(listener: () => void): () => void {
    return this.#changes.on(listener)
  }

  get generating(): boolean {
    return this.#generating
  }

  get loaded(): { modelId: string; model: LoadedModel; pid: number | undefined } | null {
    return this.#loaded === null ? null : { modelId: this.#loaded.modelId, model: this.#loaded.model, pid: this.#loaded.client.process.pid }
  }

  /** Loads in place of what is loaded, down the ladder where the plan does not work. */
  load(modelId: string, path: string, options: LoadOptions, onProgress: (fraction: number) => void = () => {}): Promise<LoadedModel> {
    this.#loading?.abort()
    const loading = new AbortController()
    this.#loading = loading
    return this.#inTurn(async () => {
      if (this.#disposed || loading.signal.aborted) throw new SnugError('cancelled', 'loading was cancelled')
      if (options.automatic === true) this.#refuseRestart(modelId)
      else this.#crashes.clear()
      await this.#endModel()
      const {
        automatic: _automatic,
        signal: asked,
        expectedMs = null,
        minContextSize,
        trainContextSize,
        totalLayers,
        hasGpu,
        ...planned
      } = options
      const before = options.automatic === true && this.#plan?.modelId === modelId ? this.#plan : null
      this.#plan = before
      const request = before?.request.path === path ? before.request : { ...planned, path }
      const limits = { minContextSize, trainContextSize, totalLayers, hasGpu }
      const signal = asked === undefined ? loading.signal : AbortSignal.any([asked, loading.signal])
      return this.#climbDown(modelId, request, before?.ladder ?? [], limits, signal, onProgress, expectedMs)
    })
  }

  unload(): Promise<void> {
    this.#loading?.abort()
    return this.#inTurn(async () => {
      await this.#endModel()
      this.#plan = null
      this.#set({ state: 'empty' })
    })
  }

  /** Its row is taken off the list: what nobody can name any more stays in no memory. */
  async letGo(modelId: string): Promise<void> {
    const status = this.#status
    const held = this.#loaded?.modelId ?? (status.state === 'empty' ? null : status.modelId)
    if (held === modelId) await this.unload()
  }

  count(prompt: PromptPiece[]): Promise<{ tokens: number }> {
    return this.#model().client.call('count', { prompt }, { timeoutMs: 60_000 })
  }

  /** By how much the process of the model has grown since before its load; null: it is busy. */
  grown(): Promise<{ bytes: Bytes | null }> {
    return this.#model().client.call('grown', { settleMs: 300 }, { timeoutMs: 10_000 })
  }

  saveState(path: string): Promise<{ bytes: number }> {
    return this.#model().client.call('saveState', { path }, { timeoutMs: 30_000 })
  }

  loadState(path: string): Promise<{ tokens: number }> {
    return this.#model().client.call('loadState', { path }, { timeoutMs: 30_000 })
  }

  /** One reply at a time. */
  async generate(
    request: GenerateRequest,
    options: { signal?: AbortSignal; onEvent?: (event: EngineEvent) => void } = {},
  ): Promise<GenerationStats> {
    const loaded = this.#model()
    if (this.#generating) throw new SnugError('engine/busy', 'another reply is being written')
    this.#generating = true
    try {
      const stats = await generateOnce(loaded, this.#watched, request, options)
      this.#replied(stats)
      return stats
    } catch (error) {
      // "Send again" would be the wrong advice: nothing starts by itself any more.
      if (toErrorValue(error).code === 'engine/crashed' && this.#crashes.tooMany) throw unavailable(loaded.modelId)
      throw error
    } finally {
      this.#generating = false
    }
  }

  /** Nothing is left running. */
  async dispose(): Promise<void> {
    this.#disposed = true
    this.#loading?.abort()
    await this.#turn
    await Promise.all([this.#tools.dispose(), this.#endModel()])
  }

  async #climbDown(
    modelId: string,
    planned: LoadRequest,
    before: LadderStep[],
    limits: LadderLimits,
    signal: AbortSignal,
    onProgress: (fraction: number) => void,
    expectedMs: Range | null,
  ): Promise<LoadedModel> {
    const expected = expectedMs === null ? {} : { expectedMs }
    const ladder = [...before]
    let request = planned
    for (;;) {
      this.#set({ state: 'loading', modelId, fraction: 0, ...expected })
      try {
        const loaded = await this.#attempt(modelId, request, signal, (fraction) => {
          this.#set({ state: 'loading', modelId, fraction, ...expected })
          onProgress(fraction)
        })
        this.#loaded = loaded
        this.#plan = { modelId, request, ladder }
        this.#set(readyStatus(loaded, ladder))
        return loaded.model
      } catch (caught) {
        const error = toErrorValue(caught)
        this.#log.warn('a load failed', { ...request, code: error.code, message: error.message })
        if (error.code === 'cancelled' || signal.aborted) {
          this.#set({ state: 'empty' })
          throw new SnugError('cancelled', 'loading was cancelled')
        }
        if (error.code === 'engine/crashed' || error.code === 'engine/stalled') this.#crashes.add()
        const onGpu = limits.hasGpu && request.backend !== 'cpu' && request.gpuLayers !== 0
        const rung = this.#crashes.tooMany ? null : nextRung(request, limits, error.code)
        if (rung === null) {
          this.#set({ state: 'failed', modelId, error: { ...error, data: error.data ?? {} }, canTryCpu: onGpu })
          throw SnugError.from(error)
        }
        ladder.push(rung.step)
        request = rung.request
      }
    }
  }

  async #attempt(modelId: string, request: LoadRequest, signal: AbortSignal, onProgress: (fraction: number) => void): Promise<Loaded> {
    const loaded = await loadOnce({ modelId, request, fork: this.#fork }, this.#watched, signal, onProgress)
    loaded.client.onClose((reason) => this.#lost(loaded, reason))
    const { closed } = loaded.client
    if (closed !== null) throw new SnugError('engine/crashed', 'the engine process ended after loading', { reason: closed })
    return loaded
  }

  /** The model's process is gone; its open calls are rejected by the client. */
  #lost(loaded: Loaded, reason: string): void {
    if (this.#loaded !== loaded) return
    this.#loaded = null
    if (loaded.ended === 'asked') return this.#set({ state: 'empty' })
    this.#crashes.add()
    this.#log.error('the engine process ended', { reason, modelId: loaded.modelId })
    const error = this.#crashes.tooMany
      ? unavailable(loaded.modelId)
      : new SnugError(loaded.ended === 'stalled' ? 'engine/stalled' : 'engine/crashed', `the engine ended (${reason})`, { reason })
    this.#set({
      state: 'failed',
      modelId: loaded.modelId,
      error: { code: error.code, message: error.message, data: error.data },
      canTryCpu: loaded.model.backend !== 'cpu' && loaded.model.gpuLayers > 0,
    })
  }

  #refuseRestart(modelId: string): void {
    if (this.#crashes.tooMany) throw unavailable(modelId)
  }

  #model(): Loaded {
    if (this.#loaded === null) throw new SnugError('model/not-loaded', 'no model is loaded')
    return this.#loaded
  }

  async #endModel(): Promise<void> {
    const loaded = this.#loaded
    this.#loaded = null
    if (loaded === null) return
    loaded.ended ??= 'asked'
    await loaded.client.process.kill()
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work)
    // The next in turn does not care how this one ended; its own caller does.
    this.#turn = result.catch(() => undefined)
    return result
  }

  #set(status: EngineStatus): void {
    this.#status = status
    this.#changes.emit()
  }
}

function readyStatus({ modelId, model }: Loaded, ladder: LadderStep[]): EngineStatus {
  const { contextSize, gpuLayers, totalLayers, threads, backend } = model
  return {
    state: 'ready',
    modelId,
    contextSize,
    gpuLayers,
    totalLayers,
    threads,
    backend,
    parts: model.buffers.parts,
    level: 'measured',
    ladder,
  }
}

function unavailable(modelId: string): SnugError {
  return new SnugError('engine/unavailable', 'the engine crashed three times in five minutes', { modelId })
}
