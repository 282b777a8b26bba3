import type { HardwareReport } from '@shared/domain/hardware'
import type { MemoryDevice } from '@shared/domain/memory'
import type { MemoryPool } from '@shared/domain/poolFit'
import { bestBackend, defaultPoolOptions, memoryPools } from '@shared/domain/pools'
import type { Bytes } from '@shared/domain/units'
import { memoryKey, quarterMs, quarterOf, usualDays, usualFree } from '@shared/domain/usualMemory'
import type { Log } from '@shared/log'
import type { FreeMemoryRepository } from '../db/repositories/freeMemory'

/** A page that is open reads the report every few seconds; one look a minute is enough for a quarter of an hour. */
const lookEveryMs = 60_000
const keptQuarters = (usualDays * 24 * 60 * 60_000) / quarterMs

export interface FreeMemoryOptions {
  rows: Pick<FreeMemoryRepository, 'add' | 'ofDevice'>
  /** What our own loaded model takes, by device: free memory that is in use by us. */
  ours: () => Partial<Record<MemoryDevice, Bytes>>
  /** A model is being loaded or measured: its memory is nobody's yet. */
  busy: () => boolean
  log: Log
  now?: () => number
}

/** What each memory of this machine usually has free. It looks at reports that were read for something else, and wakes no card for one. */
export class FreeMemory {
  #lookedAt = Number.NEGATIVE_INFINITY
  #known = new Map<string, Bytes | null>()

  constructor(private readonly options: FreeMemoryOptions) {}

  look(report: HardwareReport): void {
    const { rows, ours, busy, log, now = Date.now } = this.options
    const at = now()
    if (Math.abs(at - this.#lookedAt) < lookEveryMs || busy()) return
    this.#lookedAt = at
    const quarter = quarterOf(at)
    const pools = memoryPools(report, bestBackend(report), { ...defaultPoolOptions, returned: ours() })
    try {
      rows.add(
        pools.map((pool) => ({
          device: memoryKey(pool),
          quarter,
          freeBytes: Math.round(pool.freeBytes + pool.returnedBytes),
          totalBytes: Math.round(pool.totalBytes),
        })),
        quarter - keptQuarters,
        quarter,
      )
    } catch (error) {
      // A full disk or a busy database costs a look, never the report.
      log.info('free memory was not noted', error)
    }
    this.#known = new Map()
  }

  /** null: too little is known. */
  usual(pool: Pick<MemoryPool, 'id' | 'devices' | 'name' | 'totalBytes'>): Bytes | null {
    const key = `${memoryKey(pool)} of ${pool.totalBytes}`
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const { rows, now = Date.now } = this.options
    const usual = usualFree(rows.ofDevice(memoryKey(pool)), pool.totalBytes, now())
    this.#known.set(key, usual)
    return usual
  }
}
