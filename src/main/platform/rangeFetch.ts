import { SnugError } from '@shared/errors'
import { type ByteRange, firstGap, nextPiece, totalOf } from './byteRanges'
import type { JobLimits } from './downloadTypes'
import type { PartWriter } from './partWriter'

const MiB = 1024 * 1024
/** Where nobody says how many, and where somebody says more than any server likes. */
const automaticConnections = 8
const mostConnections = 16
const minPieceBytes = 8 * MiB
const maxPieceBytes = 64 * MiB
/** What is left of a piece is shared with an idle connection while it is longer than this. */
const shareBytes = 4 * MiB
/** Whether one more connection helped is judged after this long. */
const judgeMs = 3_000
const worthIt = 1.1
/** A connection as fast as this leaves nothing for others to add, and what it brings is in order. */
const fastBytesPerMs = 64_000
const tasteMs = 250

/** A stretch that a connection fetches. `to` may come nearer while it does, when another connection takes over the rest. */
export interface Claim {
  from: number
  /** How far it came. */
  at: number
  to: number
  /** No other connection is at work: the whole file may come instead. */
  alone: boolean
  /** Asked for as a range even if it is the whole file, to learn whether ranges are served. */
  ranged: boolean
  /** Ended from here because fewer connections are wanted: others go on with what it left. */
  given?: boolean
}

export interface RangeFetchOptions {
  writer: PartWriter
  sizeBytes: number
  limits: JobLimits
  signal: AbortSignal
  /** Fetches a claim and keeps its `at` up to date; `answered` is called when the server has sent the right range. */
  fetch: (claim: Claim, signal: AbortSignal, answered: () => void) => Promise<void>
  /** Decides about a failure that no other connection makes good: waits, or throws it. */
  onFailure: (error: unknown) => Promise<void>
  /** Nothing is under way until the server may be asked again. */
  onWait: (error: unknown, waitMs: number) => void
  /** True for what only this connection suffers from. */
  isPassing: (error: unknown) => boolean
}

interface Outcome {
  claim: Claim
  error: unknown
}

/** Shares the gaps of one file among as many connections as help: more while that is faster, fewer where the server refuses. */
export class RangeFetch {
  readonly #options: RangeFetchOptions
  readonly #claims = new Set<Claim>()
  readonly #ended: Outcome[] = []
  readonly #pieceBytes: number
  readonly #ends = new Map<Claim, AbortController>()
  #stop = new AbortController()
  #allowed = 1
  /** What the file and the server are good for. */
  #most: number
  /** What the person wants at most. */
  #wish: number | null
  #refused = 0
  /** The server asked to wait: until then nothing new is begun. */
  #held: { until: number; error: SnugError } | null = null
  #wake = () => {}
  #judged: { at: number; bytes: number; rate: number } | null = null
  #lastRate = 0
  /** A right range came, so that others may ask for theirs. */
  #started = false
  /** One connection is as fast as it gets. */
  #fast = false
  #taste: NodeJS.Timeout | undefined

  constructor(options: RangeFetchOptions) {
    this.#options = options
    const { limits, sizeBytes } = options
    const many = sizeBytes >= (limits.manyFromBytes ?? 64 * MiB)
    this.#most = many ? mostConnections : 1
    this.#wish = limits.maxConnections ?? null
    this.#pieceBytes = many ? Math.min(maxPieceBytes, Math.max(minPieceBytes, Math.ceil(sizeBytes / 32))) : sizeBytes
  }

  get #ceiling(): number {
    return Math.min(this.#most, this.#wish ?? automaticConnections)
  }

  /** Counts at once: what is too much ends, what is new begins. null: as many as help. */
  limitTo(connections: number | null): void {
    this.#wish = connections
    this.#allowed = Math.min(this.#allowed, this.#ceiling)
    for (const claim of [...this.#claims].slice(this.#allowed)) {
      claim.given = true
      this.#ends.get(claim)?.abort(new SnugError('cancelled', 'fewer connections are wanted'))
    }
    if (this.#started && this.#taste === undefined && !this.#fast) this.#many()
  }

  async run(): Promise<void> {
    const { writer, sizeBytes, signal } = this.#options
    try {
      for (;;) {
        if (signal.aborted) throw new SnugError('cancelled', 'stopped')
        while (this.#claims.size < this.#allowed && this.#start()) this.#judged = null
        if (this.#claims.size === 0 && firstGap(writer.ranges, sizeBytes) === null) return
        await this.#next()
        for (const outcome of this.#ended.splice(0)) await this.#settle(outcome)
      }
    } finally {
      await this.#endAll()
    }
  }

  /** More bytes came: the moment to think about one more connection. */
  received(now = performance.now()): void {
    if (this.#allowed >= this.#ceiling || this.#claims.size < this.#allowed || !this.#started || this.#taste !== undefined) return
    const bytes = totalOf(this.#options.writer.ranges)
    this.#judged ??= { at: now, bytes, rate: this.#lastRate }
    if (now - this.#judged.at < judgeMs) return
    const rate = (bytes - this.#judged.bytes) / (now - this.#judged.at)
    if (this.#fast) {
      this.#judged = null
      if (rate < fastBytesPerMs) this.#many()
      return
    }
    if (rate > this.#judged.rate * worthIt) {
      this.#lastRate = rate
      this.#allowed++
      this.#wake()
    } else this.#most = this.#allowed
  }

  /** False when there is nothing left to share. */
  #start(): boolean {
    const { writer, sizeBytes, fetch } = this.#options
    if (this.#held !== null && performance.now() < this.#held.until) return false
    this.#held = null
    // One alone goes on to the end; when others join, it ends where a piece would.
    for (const other of this.#claims) other.to = Math.min(other.to, Math.max(other.at, other.from) + this.#pieceBytes)
    const claimed = [...this.#claims].map(({ from, to }): ByteRange => [from, to])
    const most = this.#allowed === 1 ? sizeBytes : this.#pieceBytes
    const piece = nextPiece(writer.ranges, claimed, sizeBytes, most) ?? this.#share()
    if (piece === null) return false
    const claim: Claim = { from: piece[0], at: piece[0], to: piece[1], alone: this.#claims.size === 0, ranged: this.#most > 1 }
    for (const other of this.#claims) other.alone = false
    this.#claims.add(claim)
    const end = new AbortController()
    this.#ends.set(claim, end)
    void fetch(claim, AbortSignal.any([this.#stop.signal, end.signal]), () => this.#answered())
      .then(
        () => null,
        (error: unknown) => error,
      )
      .then((error) => {
        this.#claims.delete(claim)
        this.#ends.delete(claim)
        this.#ended.push({ claim, error })
        this.#wake()
      })
    return true
  }

  /** The second half of the longest rest. */
  #share(): ByteRange | null {
    const longest = [...this.#claims].sort((a, b) => b.to - b.at - (a.to - a.at))[0]
    if (longest === undefined || longest.to - longest.at < 2 * shareBytes) return null
    const end = longest.to
    longest.to = Math.ceil((longest.at + end) / 2)
    return [longest.to, end]
  }

  /** The first right range opens the way for the others: before it nobody knows the ETag, nor whether ranges are served. */
  #answered(): void {
    if (this.#started) return
    this.#started = true
    if (this.#most === 1) return
    const { writer } = this.#options
    const [before, at] = [totalOf(writer.ranges), performance.now()]
    this.#taste = setTimeout(() => {
      this.#taste = undefined
      this.#fast = (totalOf(writer.ranges) - before) / (performance.now() - at) >= fastBytesPerMs
      if (!this.#fast) this.#many()
    }, tasteMs)
  }

  #many(): void {
    this.#fast = false
    this.#allowed = this.#first
    this.#wake()
  }

  /** With so many it begins. */
  get #first(): number {
    return Math.min(this.#ceiling, this.#wish ?? this.#options.limits.connections ?? 4)
  }

  async #settle({ claim, error }: Outcome): Promise<void> {
    const { onFailure, isPassing, signal, writer } = this.#options
    if (claim.given === true) return
    if (error === null || signal.aborted) {
      this.#refused = 0
      if (this.#started && !this.#fast && this.#taste === undefined && this.#allowed < this.#first) this.#allowed++
      return
    }
    const restart = error instanceof SnugError && error.data.restart === true
    if (this.#claims.size > 0 && isPassing(error) && !restart) {
      // One that was cut after it brought something simply goes on.
      if (claim.at > claim.from) return
      this.#fewer(error instanceof SnugError && error.code === 'hub/rate-limited')
      if (error instanceof SnugError) this.#hold(error)
      return
    }
    await this.#endAll()
    this.#allowed = 1
    this.#started = false
    if (restart) {
      if (error.data.alone === true) this.#most = 1
      await writer.restart()
    }
    await onFailure(error)
  }

  /** The others go on, and take over what this one left. */
  #fewer(rateLimited: boolean): void {
    this.#refused++
    this.#allowed = rateLimited ? Math.max(1, Math.floor(this.#allowed / 2)) : this.#claims.size
    // A server that refuses again and again means it.
    if (rateLimited || this.#refused >= 3) this.#most = this.#allowed
  }

  /** What is under way goes on; `Retry-After` is about what would begin. */
  #hold(error: SnugError): void {
    const { backoffMs, maxBackoffMs, maxRetryAfterMs } = this.#options.limits
    const asked = typeof error.data.retryAfterMs === 'number' ? Math.min(error.data.retryAfterMs, maxRetryAfterMs) : 0
    const own = error.code === 'hub/rate-limited' ? Math.min(maxBackoffMs, backoffMs * 2 ** (this.#refused - 1)) : 0
    const until = performance.now() + Math.max(asked, own)
    if (until > (this.#held?.until ?? performance.now())) this.#held = { until, error }
  }

  async #next(): Promise<void> {
    if (this.#ended.length > 0 || this.#options.signal.aborted) return
    const held = this.#held
    const leftMs = held === null ? 0 : Math.max(0, held.until - performance.now())
    if (held !== null && this.#claims.size === 0) this.#options.onWait(held.error, leftMs)
    const again = held === null ? undefined : setTimeout(() => this.#wake(), leftMs)
    const stop = () => this.#wake()
    this.#options.signal.addEventListener('abort', stop, { once: true })
    await new Promise<void>((resolve) => {
      this.#wake = resolve
    })
    clearTimeout(again)
    this.#options.signal.removeEventListener('abort', stop)
  }

  async #endAll(): Promise<void> {
    clearTimeout(this.#taste)
    this.#taste = undefined
    this.#fast = false
    this.#stop.abort(new SnugError('cancelled', 'stopped'))
    while (this.#claims.size > 0)
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    // Stopped from here: no news.
    this.#ended.length = 0
    this.#stop = new AbortController()
  }
}
