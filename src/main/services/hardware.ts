import type { BackendProbe, EngineProbe, HardwareReport } from '@shared/domain/hardware'
import { mergeHardware } from '@shared/domain/mergeHardware'
import { MiB } from '@shared/domain/units'
import { type StaticHardware, readDisk, readNvidiaSmi, readRam, readStatic } from '../platform/gpuProbe'

export interface HardwareServiceOptions {
  /** The engine's view, one row per backend; it wins on what it can see. May throw: the report then does without. */
  probe: () => Promise<(BackendProbe | EngineProbe)[]>
  modelsDir: string | (() => string)
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

export class HardwareService {
  private last: { report: HardwareReport; at: number } | null = null
  private pending: Promise<HardwareReport> | null = null
  private fixed: StaticHardware | null = null
  private probes: BackendProbe[] = []

  constructor(private readonly options: HardwareServiceOptions) {}

  /** Cached for five seconds; calls at the same time share one look. */
  async report(options: { fresh?: boolean } = {}): Promise<HardwareReport> {
    const now = this.now()
    if (options.fresh !== true && this.last !== null && now - this.last.at < cacheMs) return this.last.report
    this.pending ??= this.look(options.fresh === true).finally(() => {
      this.pending = null
    })
    return await this.pending
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

  private async look(fresh: boolean): Promise<HardwareReport> {
    const sources = this.options.sources ?? {}
    const modelsDir = typeof this.options.modelsDir === 'string' ? this.options.modelsDir : this.options.modelsDir()
    const [nvidiaSmi, disk] = await Promise.all([
      (sources.nvidiaSmi ?? readNvidiaSmi)(),
      (sources.disk ?? readDisk)(modelsDir),
      this.options.probe().then(
        (probes) => {
          this.probes = probes
        },
        () => {
          // The engine is busy or broken: what it said before still stands, and the other sources speak.
        },
      ),
    ])
    if (this.fixed === null || fresh) this.fixed = await (sources.static ?? readStatic)(nvidiaSmi.state === 'timed-out')
    const { modules, ...fixed } = this.fixed
    const ram = (sources.ram ?? readRam)()
    const report = mergeHardware({ ...fixed, nvidiaSmi, probes: this.probes, ram: { ...ram, modules }, disk })
    this.last = { report, at: this.now() }
    this.options.seen?.(report)
    return report
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
