import { setTimeout as sleep } from 'node:timers/promises'

/** What was not used up to this long ago may be used now: a busy moment costs no speed. */
const burstNs = 100_000_000n
/** A changed limit counts after this at the latest. */
const lookMs = 100
const second = 1_000_000_000n

/**
 * One limit of speed for all connections of all files, in whichever thread they are: who takes bytes moves the moment from which the
 * next ones may come. The clock is the process's own (`hrtime`), which is the same in all its threads.
 */
export class Pace {
  /** Bytes per second (0: no limit), and the moment in nanoseconds. */
  readonly #cells: BigInt64Array

  constructor(readonly memory: SharedArrayBuffer = new SharedArrayBuffer(16)) {
    this.#cells = new BigInt64Array(memory)
  }

  /** null: as fast as it goes. Counts at once, also for what waits. */
  set(bytesPerSecond: number | null): void {
    Atomics.store(this.#cells, 0, BigInt(Math.max(0, Math.round(bytesPerSecond ?? 0))))
    Atomics.store(this.#cells, 1, 0n)
  }

  get limited(): boolean {
    return Atomics.load(this.#cells, 0) !== 0n
  }

  /** Until these bytes may have come. */
  async take(bytes: number, signal: AbortSignal): Promise<void> {
    const limit = Atomics.load(this.#cells, 0)
    if (limit === 0n) return
    const until = this.#reserve((BigInt(bytes) * second) / limit)
    for (;;) {
      const waitMs = Number((until - process.hrtime.bigint()) / 1_000_000n)
      if (waitMs <= 0 || signal.aborted || Atomics.load(this.#cells, 0) !== limit) return
      await sleep(Math.min(waitMs, lookMs))
    }
  }

  #reserve(costNs: bigint): bigint {
    for (;;) {
      const next = Atomics.load(this.#cells, 1)
      const earliest = process.hrtime.bigint() - burstNs
      const until = (next > earliest ? next : earliest) + costNs
      if (Atomics.compareExchange(this.#cells, 1, next, until) === next) return until
    }
  }
}
