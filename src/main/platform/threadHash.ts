import { closeSync, openSync, readSync } from 'node:fs'
import { type MessagePort, Worker } from 'node:worker_threads'
import { SnugError } from '@shared/errors'
import { type FileHash, type WantedHash, startHash } from './prefixHash'

const blockBytes = 1024 * 1024
/** In memory for the thread; a longer queue only takes memory. */
const maxQueue = 16
/** Told to the other side after this much: a progress bar needs no more. */
const tellBytes = 8 * 1024 * 1024

export interface HashStart {
  hashFile: string
  algorithm: WantedHash['algorithm']
  sizeBytes: number
}

type ToHash =
  | { type: 'bytes'; bytes: Uint8Array; offset: number; round: number }
  | { type: 'prefix'; end: number; round: number }
  | { type: 'reset'; round: number }
  | { type: 'digest' }
type FromHash =
  /** Blocks come back in the order in which they went. */
  | { type: 'free'; at: number; round: number }
  | { type: 'at'; at: number; round: number }
  | { type: 'digest'; value: string }
  | { type: 'failed'; reason: string }

/**
 * Hashing costs as much as receiving, so it has a thread of its own. What comes in order reaches it through shared memory; what came
 * before its turn, it reads back from the file.
 */
export class ThreadHash implements FileHash {
  readonly #worker: Worker
  #at = 0
  #round = 0
  /** Where the hash will be when it has done all that it was given. */
  #given = 0
  /** What the thread has not given back. */
  readonly #queue: (() => void)[] = []
  #failure: SnugError | null = null
  #waiting: { end: number; done: () => void; fail: (error: SnugError) => void }[] = []
  /** Asked for with each block that arrives: one promise for each end is enough. */
  #latest: { end: number; reached: Promise<void> } | null = null
  #digest: ((value: string) => void) | null = null

  constructor(workerFile: URL | string, start: HashStart) {
    this.#worker = new Worker(workerFile, { workerData: start, name: 'hash' })
    this.#worker.on('message', (message: FromHash) => {
      if (message.type === 'failed') this.#fail(message.reason)
      else if (message.type === 'digest') this.#digest?.(message.value)
      else {
        if (message.type === 'free') this.#queue.shift()?.()
        if (message.round === this.#round) this.#reached(message.at)
      }
    })
    this.#worker.on('error', (error) => this.#fail(String(error)))
  }

  get at(): number {
    return this.#at
  }

  /** Memory that is not shared is read back from the file like all that comes out of order. */
  feed(offset: number, bytes: Uint8Array): Promise<void> | null {
    const shared = bytes.buffer instanceof SharedArrayBuffer
    // Once it lags behind, it reads.
    if (!shared || offset !== this.#given || this.#queue.length >= maxQueue || this.#failure !== null) return null
    this.#given = offset + bytes.length
    this.#post({ type: 'bytes', bytes, offset, round: this.#round })
    return new Promise((free) => this.#queue.push(free))
  }

  catchUp(prefix: () => number): Promise<void> {
    if (this.#failure !== null) return Promise.reject(this.#failure)
    const end = prefix()
    // What was fed needs no asking.
    if (end > this.#given) {
      this.#given = end
      this.#post({ type: 'prefix', end, round: this.#round })
    }
    if (this.#at >= end) return Promise.resolve()
    if (this.#latest?.end !== end) this.#latest = { end, reached: new Promise((done, fail) => this.#waiting.push({ end, done, fail })) }
    return this.#latest.reached
  }

  reset(): void {
    this.#round++
    this.#at = 0
    this.#given = 0
    this.#latest = null
    for (const { done } of this.#waiting.splice(0)) done()
    this.#post({ type: 'reset', round: this.#round })
  }

  digest(): Promise<string> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== null) return reject(this.#failure)
      this.#digest = resolve
      this.#post({ type: 'digest' })
    })
  }

  async close(): Promise<void> {
    await this.#worker.terminate()
  }

  #post(message: ToHash): void {
    this.#worker.postMessage(message, [])
  }

  #reached(at: number): void {
    this.#at = at
    const there = this.#waiting.filter(({ end }) => end <= at)
    this.#waiting = this.#waiting.filter(({ end }) => end > at)
    for (const { done } of there) done()
  }

  #fail(reason: string): void {
    this.#failure = new SnugError('internal/bug', `hashing failed: ${reason}`)
    for (const { fail } of this.#waiting.splice(0)) fail(this.#failure)
    for (const free of this.#queue.splice(0)) free()
  }
}

/** The thread's side. */
export function runHash(port: MessagePort, { hashFile, algorithm, sizeBytes }: HashStart): void {
  const post = (message: FromHash) => port.postMessage(message, [])
  const buffer = Buffer.allocUnsafe(blockBytes)
  const file = openSync(hashFile, 'r')
  let hash = startHash(algorithm, sizeBytes)
  let at = 0
  let round = 0
  port.once('close', () => closeSync(file))
  port.on('message', (message: ToHash) => {
    try {
      if (message.type === 'reset') {
        hash = startHash(algorithm, sizeBytes)
        at = 0
        round = message.round
      } else if (message.type === 'bytes') {
        if (message.offset === at && message.round === round) {
          hash.update(message.bytes)
          at += message.bytes.length
        }
        post({ type: 'free', at, round: message.round })
      } else if (message.type === 'digest') post({ type: 'digest', value: hash.digest('hex') })
      else {
        let told = at
        while (at < message.end) {
          const count = readSync(file, buffer, 0, Math.min(blockBytes, message.end - at), at)
          if (count === 0) break
          hash.update(buffer.subarray(0, count))
          at += count
          if (at - told < tellBytes) continue
          told = at
          post({ type: 'at', at, round: message.round })
        }
        post({ type: 'at', at, round: message.round })
      }
    } catch (error) {
      post({ type: 'failed', reason: String(error) })
    }
  })
}
