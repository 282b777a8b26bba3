import type { Segment } from '@shared/domain/chat'
import type { EngineEvent } from '@shared/engine/protocol'
import type { MessageRow } from '../db/repositories/messages'

/** A reply in progress is saved at least this often while it grows, milliseconds. */
const saveMs = 250

/** The message that a reply grows in, and its saving. */
export class ReplyDraft {
  row: MessageRow
  readonly #save: (row: MessageRow) => void
  #timer: NodeJS.Timeout | undefined
  #segmentStart = 0
  #firstAt: number | null = null
  #tokens = 0
  /** Why the last save failed; the text in memory is still whole. */
  saveError: unknown = null

  constructor(row: MessageRow, save: (row: MessageRow) => void) {
    this.row = row
    this.#save = save
  }

  /** Tokens per second so far; null until it can be told. */
  get tokensPerSecond(): number | null {
    if (this.#firstAt === null || this.#tokens < 8) return null
    const seconds = (performance.now() - this.#firstAt) / 1_000
    return seconds < 0.2 ? null : this.#tokens / seconds
  }

  add(event: Extract<EngineEvent, { kind: 'delta' }>): void {
    const now = performance.now()
    this.#firstAt ??= now
    this.#tokens += event.tokens
    const segments = [...this.row.segments]
    const last = segments.at(-1)
    // The token that opens a thought is counted before anyone can know what it opens.
    if (last !== undefined && (last.kind === event.segment || last.text === '')) {
      const ms = this.#segmentStart === 0 ? last.ms : Math.round(now - this.#segmentStart)
      segments[segments.length - 1] = {
        kind: event.segment,
        text: last.text + event.text,
        tokens: last.tokens + event.tokens,
        ms: Math.max(last.ms, ms),
      }
    } else {
      // The thought lasted until its answer began.
      if (last !== undefined && this.#segmentStart > 0)
        segments[segments.length - 1] = { ...last, ms: Math.round(now - this.#segmentStart) }
      this.#segmentStart = now
      const segment: Segment = { kind: event.segment, text: event.text, ms: 0, tokens: event.tokens }
      segments.push(segment)
    }
    this.row = { ...this.row, segments, raw: this.row.raw + event.raw }
    this.#timer ??= setTimeout(() => this.flush(), saveMs - 50)
  }

  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    try {
      this.#save(this.row)
      this.saveError = null
    } catch (error) {
      // A full or busy disk must not end the reply; the last save tries again and says what happened.
      this.saveError = error
    }
  }

  /** No save comes after this. */
  close(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
