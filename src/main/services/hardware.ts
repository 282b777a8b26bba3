import type { BackendProbe, EngineProbe, HardwareReport, NvidiaSmi, RawHardware } from '@shared/domain/hardware'
import type { EngineStatus } from '@shared/domain/library'
import { mergeHardware } from '@shared/domain/mergeHardware'
import { type Bytes, MiB } from '@shared/domain/units'
import type { ProbeWishes } from '../engine/backendProbes'
import { type StaticHardware, readDisk, readNvidiaSmi, readRam, readStatic } from '../platform/gpuProbe'

export interface HardwareServiceOptions {
  /** The engine's view, one row per backend; it wins on what it can see. May throw: the report then does without. */
  probe: (wishes: ProbeWishes) => Promise<(BackendProbe | EngineProbe)[]>
  /** Where models come and go: what was read before one did is not given any more. */
  host?: { status(): EngineStatus; onStatus(listener: () => void): () => void }
  modelsDir: string | (() => string)
  /** For tests of the whole app: another machine, as its sources were recorded; only the disk is the one here. */
  recorded?: RawHardware | undefined
  /** Sees every report that was read; never asks for one. */
  seen?: (report: HardwareReport) => void
  /** For tests: sources other than this machine. */
  sources?: Partial<{
    nvidiaSmi: typeof readNvidiaSmi
    static: typeof readStatic
    ram: typeof readRam
    disk: typeof readDisk
    now: () => number
  }>
}

/** A report younger than this is given again. */
const cacheMs = 5000
/** How often a follower looks, and what change of free memory it reports. */
const followMs = 3000
const noticeableBytes = 64 * MiB

interface Look {
  began: number
  fresh: boolean
  report: Promise<HardwareReport>
}

export class HardwareService {
  private last: { report: HardwareReport; began: number; at: number } | null = null
  private pending: Look | null = null
  private fixed: StaticHardware | null = null
  private probes: BackendProbe[] = []
  /** Free memory of each card right after the engine was asked, in the order of nvidia-smi. */
  private freeAtProbe: Bytes[] = []
  /** When a model was loaded or ended last. */
  private movedAt = 0
  private readonly options: HardwareServiceOptions
  readonly dispose: () => void

  constructor(given: HardwareServiceOptions) {
    const options = given.recorded === undefined ? given : { ...given, ...sourcesOf(given.recorded) }
    this.options = options
    let state = options.host?.status().state
    this.dispose =
      options.host?.onStatus(() => {
        const before = state
        state = options.host?.status().state
        // While one loads its memory is on the move, and the engine is not asked besides.
        if (state !== before && state !== 'loading') this.movedAt = this.now()
      }) ?? (() => {})
  }

  /** Cached for five seconds or until a model comes or goes; calls at the same time share one look. */
  async report({ fresh = false }: { fresh?: boolean } = {}): Promise<HardwareReport> {
    const { last, pending } = this
    if (!fresh && last !== null && last.began >= this.movedAt && this.now() - last.at < cacheMs) return last.report
    if (pending !== null && (pending.fresh || !fresh) && pending.began >= this.movedAt) return await pending.report
    const look: Look = { began: this.now(), fresh, report: this.after(pending, fresh) }
    this.pending = look
    try {
      return await look.report
    } finally {
      if (this.pending === look) this.pending = null
    }
  }

  /** The report now, then one whenever free memory or a device changed noticeably. Ends with the signal. */
  async *follow(signal?: AbortSignal, everyMs = followMs): AsyncGenerator<HardwareReport> {
    let shown = await this.report()
    yield shown
    for (;;) {
      await sleep(everyMs, signal)
      if (signal?.aborted === true) return
      const next = await this.report()
      if (!changed(shown, next)) continue
      shown = next
      yield next
    }
  }

  private now(): number {
    return this.options.sources?.now?.() ?? Date.now()
  }

  /** Looks do not overlap: the later one would be overwritten by the earlier. */
  private async after(before: Look | null, fresh: boolean): Promise<HardwareReport> {
    await before?.report.catch(() => undefined)
    return await this.look(fresh)
  }

  private async look(fresh: boolean): Promise<HardwareReport> {
    const sources = this.options.sources ?? {}
    const modelsDir = typeof this.options.modelsDir === 'string' ? this.options.modelsDir : this.options.modelsDir()
    const began = this.now()
    const before = this.probes
    const [disk] = await Promise.all([
      (sources.disk ?? readDisk)(modelsDir),
      this.options.probe({ fresh, since: this.movedAt }).then(
        (probes) => {
          this.probes = probes
        },
        () => {
          // The engine is busy or broken: what it said before still stands, and the other sources speak.
        },
      ),
    ])
    // After the engine was asked: the processes that asked have ended, and what they took is free again.
    const nvidiaSmi = this.withFreeAtProbe(await (sources.nvidiaSmi ?? readNvidiaSmi)(), this.probes !== before)
    if (this.fixed === null || fresh) this.fixed = await (sources.static ?? readStatic)(nvidiaSmi.state === 'timed-out')
    const { modules, ...fixed } = this.fixed
    const ram = (sources.ram ?? readRam)()
    const report = mergeHardware({ ...fixed, nvidiaSmi, probes: this.probes, ram: { ...ram, modules }, disk })
    this.last = { report, began, at: this.now() }
    this.options.seen?.(report)
    return report
  }

  private withFreeAtProbe(smi: NvidiaSmi, asked: boolean): NvidiaSmi {
    if (smi.state !== 'ok') return smi
    if (asked || this.freeAtProbe.length !== smi.gpus.length) this.freeAtProbe = smi.gpus.map(({ freeBytes }) => freeBytes)
    return { ...smi, gpus: smi.gpus.map((card, index) => ({ ...card, freeAtProbeBytes: this.freeAtProbe[index] ?? card.freeBytes })) }
  }
}

function sourcesOf({ nvidiaSmi, probes, ram, graphics, cpu, os }: RawHardware): Pick<HardwareServiceOptions, 'probe' | 'sources'> {
  return {
    probe: async () => probes,
    sources: { nvidiaSmi: async () => nvidiaSmi, static: async () => ({ graphics, cpu, os, modules: ram.modules }), ram: () => ram },
  }
}

function changed(before: HardwareReport, after: HardwareReport): boolean {
  const moved = (a: number | null, b: number | null): boolean => (a === null || b === null ? a !== b : Math.abs(a - b) >= noticeableBytes)
  return (
    moved(before.ram.available, after.ram.available) ||
    moved(before.disk?.free ?? null, after.disk?.free ?? null) ||
    before.gpus.length !== after.gpus.length ||
    before.gpus.some((gpu, index) => moved(gpu.vramFree, after.gpus[index]?.vramFree ?? null)) ||
    before.backends.some((row, index) => row.state !== after.backends[index]?.state)
  )
}

function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    signal?.addEventListener('abort', end, { once: true })
  })
}
