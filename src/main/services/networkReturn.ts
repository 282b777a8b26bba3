/** Looked for again after this long, doubled each time: a laptop that is on the road is not asked every minute. */
export interface ReturnDelays {
  firstMs: number
  mostMs: number
}

const delays: ReturnDelays = { firstMs: 30_000, mostMs: 600_000 }

interface NetworkReturnNeeds<T> {
  /** What a silent network stopped. */
  waiting: () => T[]
  /** Whether it would get an answer now. */
  answers: (waiting: T) => Promise<boolean>
  again: (waiting: T) => void
  /** The next look was put elsewhere. */
  changed: () => void
  delays?: ReturnDelays | undefined
  now?: () => number
}

/** Looks whether the network is back while something waits for it; only where somebody started it. */
export class NetworkReturn<T> {
  readonly #needs: NetworkReturnNeeds<T>
  readonly #delays: ReturnDelays
  #started = false
  #delayMs: number
  #timer: NodeJS.Timeout | null = null
  #looking: Promise<void> | null = null
  /** When it looks next, milliseconds since 1970; null: nothing waits. */
  nextAt: number | null = null

  constructor(needs: NetworkReturnNeeds<T>) {
    this.#needs = needs
    this.#delays = needs.delays ?? delays
    this.#delayMs = this.#delays.firstMs
  }

  start(): void {
    this.#started = true
    this.check()
  }

  /** Something failed, or waits no more. */
  check(): void {
    if (!this.#started || this.#looking !== null) return
    if (this.#needs.waiting().length === 0) return this.#put(null)
    if (this.#timer === null) this.#put(this.#delayMs)
  }

  /** Bytes came: the next silence is a new one. */
  eased(): void {
    this.#delayMs = this.#delays.firstMs
  }

  /** The machine woke up, or something else says that it may be back. */
  now(): void {
    if (!this.#started) return
    this.eased()
    void this.#look()
  }

  close(): void {
    this.#started = false
    this.#put(null)
  }

  #put(inMs: number | null): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    const before = this.nextAt
    this.#timer = inMs === null ? null : setTimeout(() => void this.#look(), inMs).unref()
    this.nextAt = inMs === null ? null : (this.#needs.now ?? Date.now)() + inMs
    if (before !== this.nextAt) this.#needs.changed()
  }

  #look(): Promise<void> {
    this.#looking ??= this.#askAll().finally(() => {
      this.#looking = null
      this.check()
    })
    return this.#looking
  }

  async #askAll(): Promise<void> {
    this.#put(null)
    this.#delayMs = Math.min(this.#delays.mostMs, this.#delayMs * 2)
    for (const one of this.#needs.waiting()) if ((await this.#needs.answers(one)) && this.#started) this.#needs.again(one)
  }
}
