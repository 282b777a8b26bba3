import { SnugError } from '@shared/errors'

/** Gives a connection up on which nothing arrives. One timer that looks again costs less than one for each chunk. */
export class StallWatch {
  readonly #controller = new AbortController()
  #cameAt = 0
  #held = false
  #timer: NodeJS.Timeout | undefined

  constructor(readonly stallMs: number) {}

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  begin(): void {
    this.came()
    this.#look()
  }

  came(): void {
    this.#held = false
    this.#cameAt = performance.now()
  }

  /** What is slow until the next one came is on this side: the disk, or a limit of speed. */
  hold(): void {
    this.#held = true
  }

  end(): void {
    clearTimeout(this.#timer)
  }

  #look(): void {
    const quietMs = this.#held ? 0 : performance.now() - this.#cameAt
    if (quietMs >= this.stallMs) this.#controller.abort(new SnugError('hub/unreachable', 'no byte arrived', { stalled: true }))
    else this.#timer = setTimeout(() => this.#look(), this.stallMs - quietMs)
  }
}
