import { errorValueOf } from './errors'

export type Open<T> = (signal: AbortSignal) => Promise<AsyncIterable<T>>

export interface FollowOptions<T> {
  open: Open<T>
  onValue: (value: T) => void
  onError?: (error: unknown) => void
  signal: AbortSignal
  /** True: the stream has a natural end (a reply). False: an end means the other side went away, so it is opened again. */
  ends: boolean
  /** First wait before opening again, milliseconds. */
  waitMs?: number
}

const longestWaitMs = 5_000

/** Codes after which asking again cannot help: what is followed is not there. */
const final: ReadonlySet<string> = new Set(['chat/not-found', 'model/not-found', 'download/not-found', 'usage/invalid'])

/** Watches something main owns: a snapshot first, then changes. Its abort only unsubscribes; a lost stream is opened again. */
export async function follow<T>({ open, onValue, onError, signal, ends, waitMs = 250 }: FollowOptions<T>): Promise<void> {
  let wait = waitMs
  while (!signal.aborted) {
    try {
      for await (const value of await open(signal)) {
        // An abort inside the loop body surfaces as a plain error of the queue; leaving by `return` does not.
        if (signal.aborted) return
        onValue(value)
        wait = waitMs
      }
      if (ends) return
    } catch (error) {
      if (signal.aborted) return
      onError?.(error)
      if (final.has(errorValueOf(error).code)) return
    }
    await pause(wait, signal)
    wait = Math.min(longestWaitMs, wait * 2)
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done, { once: true })
    function done() {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
  })
}
