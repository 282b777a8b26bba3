import { type Hash, createHash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'

/** What a file is compared with: LFS files have a SHA-256, small git files git's own hash. */
export type WantedHash = { algorithm: 'sha256' | 'git-sha1'; value: string }

const blockBytes = 1024 * 1024

export function startHash(algorithm: WantedHash['algorithm'], sizeBytes: number): Hash {
  return algorithm === 'sha256' ? createHash('sha256') : createHash('sha1').update(`blob ${sizeBytes}\0`)
}

/** The hash of a file that grows. */
export interface FileHash {
  /** Bytes hashed so far. */
  readonly at: number
  /** What was just received: taken from memory where it is its turn. */
  feed(offset: number, bytes: Uint8Array): void
  /** Reads on to the end of the prefix, which may grow meanwhile. */
  catchUp(prefix: () => number, signal: AbortSignal): Promise<void>
  reset(): void
  digest(): string
}

/** Where the hash is taken of the whole file afterwards. */
export const noHash: FileHash = {
  at: Number.POSITIVE_INFINITY,
  feed: () => {},
  catchUp: async () => {},
  reset: () => {},
  digest: () => '',
}

/** A hash that follows the contiguous prefix of a growing file: straight from memory where it can, else by reading what was written. */
export class PrefixHash implements FileHash {
  #hash: Hash
  #at = 0
  #catching: Promise<void> | null = null
  #generation = 0

  constructor(
    readonly handle: FileHandle,
    readonly algorithm: WantedHash['algorithm'],
    readonly sizeBytes: number,
  ) {
    this.#hash = startHash(algorithm, sizeBytes)
  }

  /** Bytes hashed so far. */
  get at(): number {
    return this.#at
  }

  feed(offset: number, bytes: Uint8Array): void {
    if (offset !== this.#at || this.#catching !== null) return
    this.#hash.update(bytes)
    this.#at += bytes.length
  }

  /** Reads on to the end of the prefix, which may grow meanwhile. */
  catchUp(prefix: () => number, signal: AbortSignal): Promise<void> {
    this.#catching ??= this.#read(prefix, signal).finally(() => (this.#catching = null))
    return this.#catching
  }

  reset(): void {
    this.#generation++
    this.#hash = startHash(this.algorithm, this.sizeBytes)
    this.#at = 0
  }

  digest(): string {
    return this.#hash.digest('hex')
  }

  async #read(prefix: () => number, signal: AbortSignal): Promise<void> {
    const buffer = Buffer.allocUnsafe(blockBytes)
    while (this.#at < prefix() && !signal.aborted) {
      const generation = this.#generation
      const { bytesRead } = await this.handle.read(buffer, 0, Math.min(blockBytes, prefix() - this.#at), this.#at)
      // A restart put the hash back to the first byte while this block was read.
      if (generation !== this.#generation) continue
      if (bytesRead === 0) return
      this.#hash.update(buffer.subarray(0, bytesRead))
      this.#at += bytesRead
    }
  }
}
