/** Tells followers that something changed; each gets a snapshot first, then again at most once per interval. */
export class Feed {
  readonly #waiting = new Set<() => void>()
  #version = 0
  #ended = false

  notify(): void {
    this.#version++
    this.#wake()
  }

  /** Followers end; used when the service is disposed. */
  end(): void {
    this.#ended = true
    this.#wake()
  }

  get followed(): boolean {
    return this.#waiting.size > 0
  }

  async *follow<T>(snapshot: () => T, signal?: AbortSignal, intervalMs = 100): AsyncGenerator<T, void, undefined> {
    const over = () => this.#ended || signal?.aborted === true
    while (!over()) {
      const seen = this.#version
      yield snapshot()
      if (over()) return
      await wait(intervalMs, signal)
      while (seen === this.#version && !over()) await this.#changed(signal)
    }
  }

  #wake(): void {
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const wake of waiting) wake()
  }

  #changed(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        signal?.removeEventListener('abort', wake)
        this.#waiting.delete(wake)
        resolve()
      }
      signal?.addEventListener('abort', wake, { once: true })
      this.#waiting.add(wake)
    })
  }
}

function wait(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal?.addEventListener('abort', done, { once: true })
  })
}
