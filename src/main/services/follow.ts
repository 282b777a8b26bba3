/** Tells listeners that something changed. Each listener is given back by the function that `on` returns. */
export class Changes<T = void> {
  readonly #listeners = new Set<(value: T) => void>()

  on(listener: (value: T) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  emit(value: T): void {
    for (const listener of this.#listeners) listener(value)
  }
}

export interface FollowOptions<K> {
  signal?: AbortSignal | undefined
  /** Only changes for which this is true make a new snapshot. */
  concerns?: (value: K) => boolean
  /** At least this long between two snapshots, milliseconds. */
  pauseMs?: number
}

/** A snapshot, then a new one after changes; a slow reader skips to the newest. Abort, `break` and `return` all end it. */
export async function* follow<T, K>(changes: Changes<K>, snapshot: () => T, options: FollowOptions<K> = {}): AsyncGenerator<T, void, void> {
  const { signal, concerns = () => true, pauseMs = 0 } = options
  const ended = () => signal?.aborted === true
  let changed = true
  let wake = () => {}
  const off = changes.on((value) => {
    if (!concerns(value)) return
    changed = true
    wake()
  })
  const onAbort = () => wake()
  signal?.addEventListener('abort', onAbort)
  try {
    while (!ended()) {
      if (!changed) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
        continue
      }
      changed = false
      yield snapshot()
      if (pauseMs > 0 && !ended()) await pause(pauseMs, signal)
    }
  } finally {
    off()
    signal?.removeEventListener('abort', onAbort)
  }
}

/** Resolves early, never rejects, when the signal aborts. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal?.addEventListener('abort', done, { once: true })
    if (signal?.aborted === true) done()
  })
}
