import type { ReplyEvent } from '@shared/ipc/chat'

/** Text is joined for about one frame before it is handed on. */
const frameMs = 20

/** The followers of one reply. Each has its own queue, so a slow page costs nobody else; its waiting deltas become one. */
export class ReplyFeed {
  readonly #followers = new Set<Follower>()

  emit(event: ReplyEvent): void {
    for (const follower of this.#followers) follower.push(event)
  }

  /** The snapshot, then what comes after it, up to `end`. Abort only unsubscribes. */
  async *follow(snapshot: () => ReplyEvent[], signal?: AbortSignal): AsyncGenerator<ReplyEvent, void, void> {
    const follower = new Follower()
    const wake = () => follower.wake()
    signal?.addEventListener('abort', wake)
    const ended = () => signal?.aborted === true
    try {
      const first = snapshot()
      // Subscribed in the same turn as the snapshot: nothing is told twice or missed.
      this.#followers.add(follower)
      yield* first
      while (!ended()) {
        const events = follower.take()
        if (events.length === 0) {
          await follower.more()
          // The first delta of a pause waits for its frame; everything else goes at once.
          if (follower.onlyText && !ended()) await new Promise((resolve) => setTimeout(resolve, frameMs))
          continue
        }
        for (const event of events) {
          yield event
          if (event.kind === 'end') return
        }
      }
    } finally {
      this.#followers.delete(follower)
      signal?.removeEventListener('abort', wake)
    }
  }
}

class Follower {
  #events: ReplyEvent[] = []
  #wake = () => {}

  push(event: ReplyEvent): void {
    const last = this.#events.at(-1)
    if (event.kind === 'delta' && last?.kind === 'delta' && last.segment === event.segment) {
      this.#events[this.#events.length - 1] = { ...event, text: last.text + event.text, tokens: last.tokens + event.tokens }
    } else if (event.kind === 'prefill' && last?.kind === 'prefill') this.#events[this.#events.length - 1] = event
    else this.#events.push(event)
    this.#wake()
  }

  get onlyText(): boolean {
    return this.#events.every((event) => event.kind === 'delta')
  }

  take(): ReplyEvent[] {
    return this.#events.splice(0)
  }

  wake(): void {
    this.#wake()
  }

  more(): Promise<void> {
    if (this.#events.length > 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }
}
