export interface Watchdog {
  /** Something moved: the clock starts anew. */
  progress(): void
  end(): void
}

/** Calls `onStall` once when nothing has moved for `limitMs()`. */
export function watchdog(limitMs: () => number, onStall: () => void): Watchdog {
  let timer = setTimeout(onStall, limitMs())
  return {
    progress: () => {
      clearTimeout(timer)
      timer = setTimeout(onStall, limitMs())
    },
    end: () => clearTimeout(timer),
  }
}

const windowMs = 5 * 60 * 1_000
const limit = 3

/** Three crashes in five minutes are no accident: automatic restarts stop. */
export class CrashCount {
  #times: number[] = []

  constructor(readonly now: () => number = Date.now) {}

  add(): void {
    this.#times.push(this.now())
  }

  clear(): void {
    this.#times = []
  }

  get tooMany(): boolean {
    this.#times = this.#times.filter((at) => this.now() - at < windowMs)
    return this.#times.length >= limit
  }
}
