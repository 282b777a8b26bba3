import { closeSync, openSync, readSync } from 'node:fs'
import { type MessagePort, Worker } from 'node:worker_threads'
import { SnugError } from '@shared/errors'
import { type FileHash, type WantedHash, startHash } from './prefixHash'

const blockBytes = 1024 * 1024
/** Told to the other side after this much: a progress bar needs no more. */
const tellBytes = 8 * 1024 * 1024

export interface HashStart {
  hashFile: string
  algorithm: WantedHash['algorithm']
  sizeBytes: number
}

type ToHash = { type: 'prefix'; end: number; round: number } | { type: 'reset'; round: number } | { type: 'digest' }
type FromHash = { type: 'at'; at: number; round: number } | { type: 'digest'; value: string } | { type: 'failed'; reason: string }

/** Hashing costs as much as receiving: in a thread of its own it reads back what was written, while this one goes on receiving. */
export class ThreadHash implements FileHash {
  readonly #worker: Worker
  #at = 0
  #round = 0
  #asked = 0
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
      else if (message.round === this.#round) this.#reached(message.at)
    })
    this.#worker.on('error', (error) => this.#fail(String(error)))
  }

  get at(): number {
    return this.#at
  }

  /** Read back from the file instead. */
  feed(): void {}

  catchUp(prefix: () => number): Promise<void> {
    if (this.#failure !== null) return Promise.reject(this.#failure)
    const end = prefix()
    if (end > this.#asked) {
      this.#asked = end
      this.#post({ type: 'prefix', end, round: this.#round })
    }
    if (this.#at >= end) return Promise.resolve()
    if (this.#latest?.end !== end) this.#latest = { end, reached: new Promise((done, fail) => this.#waiting.push({ end, done, fail })) }
    return this.#latest.reached
  }

  reset(): void {
    this.#round++
    this.#at = 0
    this.#asked = 0
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
  }
}

/** The thread's side. */
export function runHash(port: MessagePort, { hashFile, algorithm, sizeBytes }: HashStart): void {
  const post = (message: FromHash) => port.postMessage(message, [])
  const buffer = Buffer.allocUnsafe(blockBytes)
  const file = openSync(hashFile, 'r')
  let hash = startHash(algorithm, sizeBytes)
  let at = 0
  port.once('close', () => closeSync(file))
  port.on('message', (message: ToHash) => {
    try {
      if (message.type === 'reset') {
        hash = startHash(algorithm, sizeBytes)
        at = 0
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
