import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type CopyResult, type CopyTarget, copySpeed, withCopy } from '@shared/domain/emptyCopy'
import type { FitReport, LoadPlan } from '@shared/domain/fit'
import type { KvCacheType, ModelFacts } from '@shared/domain/gguf'
import type { BackendProbe, HardwareReport } from '@shared/domain/hardware'
import type { Bytes } from '@shared/domain/units'
import type { CallName, EngineCalls, EngineEvent, ForkEngine } from '@shared/engine/protocol'
import { SnugError, toErrorValue } from '@shared/errors'
import type { CopyStage, CopySubject, CopyTestView } from '@shared/ipc/copies'
import type { Log } from '@shared/log'
import { createEngineClient } from '../../engine/client'
import { machineKey } from './machineKey'
import type { CopyStore } from './copyStore'
import { Changes, follow } from './follow'
import type { CopyLookup, FitQuery } from './recommendation'

/** What is tested: a header here (a file, or what was fetched of one), and how it would be loaded. */
export interface CopyModel {
  path: string
  facts: ModelFacts
}

export interface CopyWishes {
  contextSize?: number
  kvCacheType?: KvCacheType
}

/** Predicted beside measured. */
export interface CopyOutcome {
  predicted: FitReport
  measured: FitReport
  result: CopyResult
}

export interface CopyTestsOptions {
  fork: ForkEngine
  fit: (model: CopyModel, query: FitQuery) => Promise<FitReport>
  /** The header of a file of a repository. */
  header: (subject: CopySubject) => Promise<CopyModel>
  hardware: { report(options?: { fresh?: boolean }): Promise<HardwareReport> }
  probe: () => Promise<BackendProbe[]>
  /** Copies lie here while they are tested, each in a folder of its own. */
  folder: string
  store: CopyStore
  /** Of the processor, where it was measured; default: it was not. */
  bestThreads?: () => Promise<CopyTarget['bestThreads'] | null>
  onBattery: () => Promise<boolean>
  diskFree: (folder: string) => Promise<Bytes | null>
  /** Something else measures or answers now. */
  busy: () => boolean
  log: Log
  now?: () => number
}

/** The usual time of it all, and when a process is ended; milliseconds. */
const usualMs = 20_000
const limitMs = 180_000
/** A folder of a copy that old belongs to nobody: a test ends long before. */
const staleMs = 600_000
/** Of the time, loading the whole copy takes about so much. */
const memoryShare = 0.3

interface Running {
  abort: AbortController
  subject: CopySubject
  stage: CopyStage
  fraction: number
  since: number
  done: Promise<void>
}

/** "Test here, before any download": runs a model of which only the header is known, as a copy without its weights. */
export class CopyTests {
  readonly #options: CopyTestsOptions
  readonly #changes = new Changes()
  #running: Running | null = null
  #testing = false
  #error: CopyTestView['error'] = null
  #done: CopyTestView['done'] = null

  constructor(options: CopyTestsOptions) {
    this.#options = options
  }

  get busy(): boolean {
    return this.#testing
  }

  /** What a kill left behind. Another Snug may be at work: what is young and has a living owner stays. */
  async cleanUp(): Promise<void> {
    const { folder, log } = this.#options
    for (const name of await readdir(folder).catch(() => [])) {
      const path = join(folder, name)
      const info = await stat(path).catch(() => null)
      const age = (this.#options.now?.() ?? Date.now()) - (info?.mtimeMs ?? 0)
      if (lives(Number(name.split('-')[0])) && age < staleMs) continue
      log.info('removing what a test left behind', { name })
      await rm(path, { recursive: true, force: true })
    }
  }

  /** For the pages: begins, and is followed. */
  start(subject: CopySubject, wishes: CopyWishes): void {
    if (this.#running !== null) throw new SnugError('engine/busy', 'another copy is being tested')
    const running: Running = {
      abort: new AbortController(),
      subject,
      stage: 'header',
      fraction: 0,
      since: this.#now(),
      done: Promise.resolve(),
    }
    this.#running = running
    this.#error = null
    running.done = this.#run(running, wishes)
    this.#changes.emit()
  }

  async cancel(): Promise<void> {
    const running = this.#running
    running?.abort.abort()
    await running?.done
  }

  async *follow(signal?: AbortSignal): AsyncGenerator<CopyTestView, void, void> {
    yield* follow(this.#changes, () => this.#view(), { signal, pauseMs: 100 })
  }

  /** What was measured with the machine as it is now; results of another driver or engine are not used. */
  async lookup(report: HardwareReport): Promise<CopyLookup> {
    const all = await this.#options.store.all()
    if (all.length === 0) return (_repository, _quantization, _file, fit) => fit
    const probes = await this.#options.probe()
    const valid = all.filter(({ machine, result }) => machine === machineKey(result.plan.backend, report, probes))
    return (repository, quantization, file, fit) => {
      const found = valid.find(
        ({ subject }) =>
          subject !== null &&
          subject.repository.toLowerCase() === repository.toLowerCase() &&
          subject.quantization.toUpperCase() === quantization.toUpperCase() &&
          (file === null || subject.file === file),
      )
      return found === undefined ? fit : withCopy(fit, found.result, found.at)
    }
  }

  /** Measures and waits. Nothing is loaded that does not fit beside what is there already. */
  async test(
    model: CopyModel,
    wishes: CopyWishes,
    subject: CopySubject | null,
    signal: AbortSignal,
    onProgress: (stage: CopyStage, fraction: number) => void,
  ): Promise<CopyOutcome> {
    if (this.#testing) throw new SnugError('engine/busy', 'another copy is being tested')
    this.#testing = true
    try {
      const predicted = await unless(signal, this.#fits(model, wishes))
      const { folder } = this.#options
      await mkdir(folder, { recursive: true })
      const own = await mkdtemp(join(folder, `${process.pid}-`))
      try {
        const result = await this.#measure(model, predicted.plan, own, signal, onProgress)
        const at = this.#now()
        const report = await this.#options.hardware.report()
        const machine = machineKey(predicted.plan.backend, report, await this.#options.probe())
        await this.#options.store.put({ subject, machine, at, result })
        return { predicted, measured: withCopy(predicted, result, at), result }
      } finally {
        await rm(own, { recursive: true, force: true })
      }
    } finally {
      this.#testing = false
    }
  }

  async dispose(): Promise<void> {
    await this.cancel()
  }

  async #run(running: Running, wishes: CopyWishes): Promise<void> {
    const { subject, abort } = running
    try {
      const model = await unless(abort.signal, this.#options.header(subject))
      const { result } = await this.test(model, wishes, subject, abort.signal, (stage, fraction) => {
        running.stage = stage
        running.fraction = Math.max(running.fraction, fraction)
        this.#changes.emit()
      })
      this.#done = { ...subject, result, at: this.#now() }
    } catch (error) {
      const value = toErrorValue(error)
      if (!abort.signal.aborted) {
        this.#options.log.warn('an empty copy could not be tested', { ...subject, code: value.code, message: value.message })
        this.#error = { subject, value }
      }
    } finally {
      this.#running = null
      this.#changes.emit()
    }
  }

  async #fits(model: CopyModel, wishes: CopyWishes): Promise<FitReport> {
    const { busy, onBattery, fit, diskFree, folder } = this.#options
    if (model.facts.kind !== 'model') throw new SnugError('model/unsupported', 'no model to chat with', { kind: model.facts.kind })
    if (busy()) throw new SnugError('engine/busy', 'a reply is being written, or the machine is being measured')
    if (await onBattery()) throw new SnugError('calibration/not-now', 'on battery', { reason: 'battery' })
    const predicted = await fit(model, wishes)
    // What our own loaded model would give back is not free now.
    const now = predicted.verdict === 'too-big' ? predicted : await fit(model, { ...wishes, beside: true, ...pinned(predicted.plan) })
    if (now.verdict === 'too-big')
      throw new SnugError('copy/too-big', 'it does not fit in the memory that is free now, so it was not loaded', {
        reason: predicted.verdict === 'too-big' ? 'too-big' : 'beside-loaded',
        neededBytes: now.totalBytes,
        missingBytes: Math.max(0, ...now.pools.map((pool) => -pool.spareBytes)),
      })
    // A hole takes its size where files have none (Windows); elsewhere the header is all.
    const neededBytes = process.platform === 'win32' ? model.facts.sizeBytes : model.facts.headerBytes
    const freeBytes = await diskFree(folder)
    if (freeBytes !== null && freeBytes < neededBytes)
      throw new SnugError('calibration/not-now', 'no room for the copy on the disk', { reason: 'disk', freeBytes, neededBytes })
    return predicted
  }

  async #measure(
    { path, facts }: CopyModel,
    plan: LoadPlan,
    directory: string,
    signal: AbortSignal,
    onProgress: (stage: CopyStage, fraction: number) => void,
  ): Promise<CopyResult> {
    const started = this.#now()
    onProgress('memory', 0.01)
    const { buffers } = await this.#engine(
      'copyMemory',
      {
        path,
        directory: join(directory, 'memory'),
        backend: plan.backend,
        gpuLayers: plan.gpuLayers,
        contextSize: plan.contextSize,
        batchSize: plan.batchSize,
        threads: 'auto',
        flashAttention: plan.flashAttention,
        kvCacheType: plan.kvCacheType,
        useMmap: plan.useMmap,
      },
      signal,
      (event) => {
        if (event.kind === 'load-progress') onProgress('memory', event.fraction * memoryShare)
      },
    )
    onProgress('speed', memoryShare)
    // Without them it begins with all, and finds the best as a chat does.
    const best = (await this.#options.bestThreads?.().catch(() => null)) ?? null
    const target: CopyTarget = { plan, threads: null, ...(best === null ? {} : { bestThreads: best }) }
    const run = await this.#engine('copySpeed', { ...target, path, directory: join(directory, 'speed') }, signal, (event) => {
      if (event.kind === 'calibrate') onProgress('speed', memoryShare + event.fraction * (1 - memoryShare))
    })
    const { speed, spread } = copySpeed(facts, target, run)
    return {
      plan,
      memory: buffers.parts,
      speed,
      spread,
      threads: run.threads,
      load: run.load,
      tookMs: this.#now() - started,
      diskBytes: run.diskBytes,
    }
  }

  /** In a process of its own, ended whatever happens. */
  async #engine<C extends CallName>(
    name: C,
    args: EngineCalls[C]['args'],
    signal: AbortSignal,
    onEvent: (event: EngineEvent) => void,
  ): Promise<EngineCalls[C]['reply']> {
    const client = createEngineClient(this.#options.fork('tools'))
    try {
      return await client.call(name, args, { signal, timeoutMs: limitMs, onEvent })
    } finally {
      await client.process.kill()
    }
  }

  #now(): number {
    return this.#options.now?.() ?? Date.now()
  }

  #view(): CopyTestView {
    const running = this.#running
    if (running === null) return { running: null, error: this.#error, done: this.#done }
    const { subject, stage, fraction, since } = running
    const elapsed = this.#now() - since
    // Its own pace, once enough of it was seen.
    const left = fraction > 0.3 ? (elapsed / fraction) * (1 - fraction) : usualMs * (1 - fraction)
    return {
      running: { ...subject, stage, fraction, secondsLeft: Math.max(1, Math.round(left / 1000)) },
      error: this.#error,
      done: this.#done,
    }
  }
}

/** So that what is checked is what will be loaded. */
function pinned({ contextSize, batchSize, gpuLayers, kvCacheType, flashAttention, useMmap }: LoadPlan): FitQuery {
  return { contextSize, batchSize, gpuLayers, kvCacheType, flashAttention, useMmap }
}

/** Nobody waits for what was cancelled: a header that is fetched, or a dry run, goes on to its end and is kept. */
async function unless<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  let stop = () => {}
  const cancelled = new Promise<never>((_, reject) => {
    stop = () => reject(new SnugError('cancelled', 'cancelled'))
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  })
  try {
    return await Promise.race([work, cancelled])
  } finally {
    signal.removeEventListener('abort', stop)
    work.catch(() => {
      // Told by the race, or of no interest any more.
    })
  }
}

function lives(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // Somebody else's is alive, too.
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
