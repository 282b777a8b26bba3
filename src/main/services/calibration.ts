import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Calibration, calibrate } from '@shared/domain/calibration'
import type { Backend, BackendProbe, HardwareReport } from '@shared/domain/hardware'
import { bestBackend } from '@shared/domain/pools'
import type { SpeedEstimate } from '@shared/domain/speed'
import { type Bytes, GiB } from '@shared/domain/units'
import type { ForkEngine } from '@shared/engine/protocol'
import { type ErrorValue, SnugError, toErrorValue } from '@shared/errors'
import type { CalibrationView, MeasuredModel } from '@shared/ipc/machine'
import type { Log } from '@shared/log'
import { createEngineClient } from '../../engine/client'
import type { CalibrationsRepository } from '../db/repositories/calibrations'
import type { MeasuredSpeedRow } from '../db/repositories/measuredSpeeds'
import type { ModelRow } from '../db/repositories/models'
import { Changes, follow } from './follow'
import { nameOf } from './libraryRows'
import { machineKey } from './machineKey'

/** Less than this free, of memory or disk: measuring would swap, and the figures would be those of the disk. */
const leastFree = 2 * GiB
/** The usual time of one backend, milliseconds; and when its process is ended. */
const usualMs = 30_000
const limitMs = 180_000

export interface CalibrationServiceOptions {
  fork: ForkEngine
  rows: Pick<CalibrationsRepository, 'all' | 'put'>
  /** What replies measured on this machine as it is, the newest first. */
  measured: (report: HardwareReport) => Promise<MeasuredSpeedRow[]>
  /** Models on the list. */
  models: () => ModelRow[]
  hardware: { report(options?: { fresh?: boolean }): Promise<HardwareReport> }
  probe: () => Promise<BackendProbe[]>
  /** What would be said of a model with this plan if it had never been run: `recommendation` by the calibration or the table. */
  predict: (model: ModelRow, plan: MeasuredSpeedRow) => Promise<SpeedEstimate | null>
  /** Files of the slices go here, and nowhere else. */
  folder: string
  onBattery: () => Promise<boolean>
  diskFree: (folder: string) => Promise<Bytes | null>
  /** A model is loading, or a reply is being written: it would be slowed down, and so would the measurement. */
  busy?: () => boolean
  log: Log
  now?: () => number
}

interface Running {
  abort: AbortController
  fraction: number
  since: number
  backends: number
  done: Promise<void>
}

/** Measures this machine once and again when it changed, and keeps what replies measured. */
export class CalibrationService {
  readonly #options: CalibrationServiceOptions
  readonly #changes = new Changes()
  #running: Running | null = null
  #error: ErrorValue | null = null
  #view: CalibrationView = { running: null, results: [], error: null, models: [] }

  constructor(options: CalibrationServiceOptions) {
    this.#options = options
  }

  get running(): boolean {
    return this.#running !== null
  }

  /** Calibrations of the machine as it is now; what was measured with another driver or engine is left out. */
  async current(report: HardwareReport): Promise<Calibration[]> {
    const rows = this.#options.rows.all()
    if (rows.length === 0) return []
    const probes = await this.#options.probe()
    return rows
      .filter(({ key, calibration }) => key === machineKey(calibration.backend, report, probes))
      .map(({ calibration }) => calibration)
  }

  /** What a reply with this backend says something about: this machine, as the present calibrations predict it. */
  async keyOf(backend: Backend, report: HardwareReport): Promise<string> {
    const probes = await this.#options.probe()
    const rows = this.#options.rows.all()
    const part = (one: Backend): string => {
      const key = machineKey(one, report, probes)
      return `${key}@${rows.find((row) => row.key === key)?.at ?? 0}`
    }
    return backend === 'cpu' ? part('cpu') : `${part(backend)}+${part('cpu')}`
  }

  /** Begins; refuses where the figures would be wrong. Follow it with `follow`. */
  async start(): Promise<void> {
    if (this.#running !== null) throw new SnugError('engine/busy', 'this machine is being measured already')
    const report = await this.#refuseWrongTime()
    if (this.#running !== null) throw new SnugError('engine/busy', 'this machine is being measured already')
    const best = bestBackend(report)
    const backends: Backend[] = best === 'cpu' ? ['cpu'] : [best, 'cpu']
    const running: Running = {
      abort: new AbortController(),
      fraction: 0,
      since: this.#now(),
      backends: backends.length,
      done: Promise.resolve(),
    }
    this.#running = running
    this.#error = null
    running.done = this.#run(running, backends, report)
    void this.refresh()
  }

  /** Measures and waits: for the command line. */
  async run(signal: AbortSignal, onChange: (view: CalibrationView) => void): Promise<CalibrationView> {
    await this.start()
    const off = this.#changes.on(() => onChange(this.#view))
    const stop = () => void this.cancel()
    signal.addEventListener('abort', stop, { once: true })
    try {
      await this.#running?.done
    } finally {
      off()
      signal.removeEventListener('abort', stop)
    }
    if (this.#error !== null) throw SnugError.from(this.#error)
    if (signal.aborted) throw new SnugError('cancelled', 'cancelled')
    await this.refresh()
    return this.#view
  }

  async cancel(): Promise<void> {
    const running = this.#running
    running?.abort.abort()
    await running?.done
  }

  async *follow(signal?: AbortSignal): AsyncGenerator<CalibrationView, void, void> {
    await this.refresh()
    yield* follow(this.#changes, () => this.#view, { signal, pauseMs: 100 })
  }

  /** Once measured, a machine with another driver or a new engine is measured again by itself. */
  async repeatIfChanged(): Promise<void> {
    const rows = this.#options.rows.all()
    if (rows.length === 0 || this.#running !== null) return
    const current = await this.current(await this.#options.hardware.report())
    if (current.length === rows.length) return
    this.#options.log.info('the machine changed since it was measured')
    await this.start()
  }

  async dispose(): Promise<void> {
    await this.cancel()
  }

  async #refuseWrongTime(): Promise<HardwareReport> {
    const { folder, diskFree, onBattery, hardware, busy } = this.#options
    if (busy?.() === true) throw new SnugError('engine/busy', 'a model is loading, or a reply is being written')
    const refuse = (reason: 'memory' | 'disk' | 'battery', data: Record<string, unknown> = {}) => {
      throw new SnugError('calibration/not-now', `the speed cannot be measured now: ${reason}`, { reason, ...data })
    }
    const report = await hardware.report()
    if (report.ram.available < leastFree) refuse('memory', { freeBytes: report.ram.available, neededBytes: leastFree })
    const free = await diskFree(folder)
    if (free !== null && free < leastFree) refuse('disk', { freeBytes: free, neededBytes: leastFree })
    if (await onBattery()) refuse('battery')
    return report
  }

  async #run(running: Running, backends: readonly Backend[], report: HardwareReport): Promise<void> {
    const { rows, log } = this.#options
    try {
      const probes = await this.#options.probe()
      for (const [index, backend] of backends.entries()) {
        const result = await this.#measure(backend, running, (fraction) => {
          running.fraction = (index + fraction) / backends.length
          this.#tell()
        })
        rows.put({ key: machineKey(backend, report, probes), calibration: result, at: this.#now() })
      }
    } catch (error) {
      const value = toErrorValue(error)
      if (!running.abort.signal.aborted) {
        log.warn('calibration failed', { code: value.code, message: value.message })
        this.#error = value
      }
    } finally {
      this.#running = null
      await this.refresh()
    }
  }

  /** In a process of its own, ended whatever happens; its files go with it. */
  async #measure(backend: Backend, running: Running, onFraction: (fraction: number) => void): Promise<Calibration> {
    const { fork, folder } = this.#options
    await mkdir(folder, { recursive: true })
    const directory = await mkdtemp(join(folder, 'slices-'))
    const client = createEngineClient(fork('tools'))
    try {
      const run = await client.call(
        'calibrate',
        { backend, directory },
        {
          signal: running.abort.signal,
          timeoutMs: limitMs,
          onEvent: (event) => {
            if (event.kind === 'calibrate') onFraction(event.fraction)
          },
        },
      )
      return calibrate(run)
    } finally {
      await client.process.kill()
      await rm(directory, { recursive: true, force: true })
    }
  }

  #now(): number {
    return this.#options.now?.() ?? Date.now()
  }

  #tell(): void {
    this.#view = { ...this.#view, running: this.#progress(), error: this.#error }
    this.#changes.emit()
  }

  #progress(): CalibrationView['running'] {
    const running = this.#running
    if (running === null) return null
    const usual = (usualMs * running.backends * (1 - running.fraction)) / 1000
    const elapsed = (this.#now() - running.since) / 1000
    // Its own pace, once enough of it was seen.
    const secondsLeft = running.fraction > 0.2 ? (elapsed / running.fraction) * (1 - running.fraction) : usual
    return { fraction: running.fraction, secondsLeft: Math.max(1, Math.round(secondsLeft)) }
  }

  /** Also after a reply: what is shown of the models changes with it. */
  async refresh(): Promise<void> {
    try {
      const report = await this.#options.hardware.report()
      const current = await this.current(report)
      const backends = new Set(current.map(({ backend }) => backend))
      const results = this.#options.rows
        .all()
        .map(({ calibration, at }) => ({ calibration, at, stale: !backends.has(calibration.backend) }))
      this.#view = { ...this.#view, results, models: await this.#models(report) }
    } catch (error) {
      this.#options.log.warn('the speed of this machine could not be looked up', { message: toErrorValue(error).message })
    }
    this.#tell()
  }

  /** Each with the plan that was used last. */
  async #models(report: HardwareReport): Promise<MeasuredModel[]> {
    const known = new Map(this.#options.models().map((row) => [row.id, row]))
    const list: MeasuredModel[] = []
    for (const measured of await this.#options.measured(report)) {
      const { modelId, decode, prefill, replies, at } = measured
      const row = known.get(modelId)
      if (row === undefined || row.facts === null || row.facts.scripted || list.some(({ id }) => id === modelId)) continue
      const predicted = await this.#options.predict(row, measured)
      if (predicted === null) continue
      list.push({
        id: modelId,
        name: nameOf(row),
        quantization: row.facts.quantization,
        predicted,
        measured: { decode, prefill },
        replies,
        at,
      })
    }
    return list
  }
}
