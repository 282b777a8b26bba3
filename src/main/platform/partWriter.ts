import { readSync, writeSync } from 'node:fs'
import { type FileHandle, statfs } from 'node:fs/promises'
import { SnugError } from '@shared/errors'
import { type ByteRange, addRange } from './byteRanges'
import type { FileHash } from './prefixHash'

/** Synced after a sixty-fourth of the file: a kill sends at most that much twice, and what came while it was synced. */
const syncs = 64
const minSyncBytes = 1024 * 1024
const maxSyncBytes = 64 * 1024 * 1024
/** So many of these may wait for the disk before the network waits, too. */
const maxBehind = 2

/** Writes what arrives where it belongs, hands it to the hash, and tells which ranges are synced. */
export class PartWriter {
  #ranges: ByteRange[]
  #unsynced = 0
  #syncing: Promise<void> | null = null
  #failure: unknown = null
  readonly #syncBytes: number
  readonly #onDifference: ((from: number, to: number) => void) | null

  constructor(
    readonly handle: FileHandle,
    readonly hash: FileHash,
    sizeBytes: number,
    ranges: readonly ByteRange[],
    readonly onDurable: (ranges: ByteRange[]) => Promise<void>,
    /** The file is whole already: only what differs is written over, and told. */
    onDifference: ((from: number, to: number) => void) | null = null,
  ) {
    this.#onDifference = onDifference
    this.#ranges = [...ranges]
    this.#syncBytes = Math.min(maxSyncBytes, Math.max(minSyncBytes, Math.floor(sizeBytes / syncs)))
  }

  /** Written, not all of it synced. */
  get ranges(): readonly ByteRange[] {
    return this.#ranges
  }

  /**
   * On this thread, which is a worker's, while the processor's cache holds what came: handed to another thread, bytes are read from memory
   * once more, and both threads were slower for it (`bench download`). A promise where the disk is behind: nothing more until it is kept.
   */
  write(bytes: Uint8Array, at: number): Promise<void> | undefined {
    if (this.#failure !== null) throw this.#failure
    if (this.#onDifference === null) this.#write(bytes, at)
    else this.#correct(bytes, at, this.#onDifference)
    this.hash.feed(at, bytes)
    this.#ranges = addRange(this.#ranges, at, at + bytes.length)
    this.#unsynced += bytes.length
    if (this.#syncing !== null) return this.#unsynced >= maxBehind * this.#syncBytes ? this.#syncing : undefined
    if (this.#unsynced >= this.#syncBytes) {
      this.#unsynced = 0
      this.#syncing = this.#sync()
        .catch((error: unknown) => {
          this.#failure = error
        })
        .finally(() => (this.#syncing = null))
    }
    return undefined
  }

  #correct(bytes: Uint8Array, at: number, tell: (from: number, to: number) => void): void {
    const there = Buffer.alloc(bytes.length)
    if (readSync(this.handle.fd, there, 0, there.length, at) === there.length && there.equals(bytes)) return
    this.#write(bytes, at)
    tell(at, at + bytes.length)
  }

  #write(bytes: Uint8Array, at: number): void {
    for (let written = 0; written < bytes.length; )
      written += writeSync(this.handle.fd, bytes, written, bytes.length - written, at + written)
  }

  /** Everything written is on disk when this returns. */
  async settle(): Promise<void> {
    if (this.#syncing !== null) await this.#syncing
    if (this.#failure !== null) throw this.#failure
    await this.#sync()
    this.#unsynced = 0
  }

  /** Begins again with an empty file; nothing may be under way. */
  async restart(): Promise<void> {
    if (this.#syncing !== null) await this.#syncing
    this.#ranges = []
    this.hash.reset()
    if (this.#onDifference !== null) return
    await this.handle.truncate(0)
    await this.settle()
  }

  async #sync(): Promise<void> {
    const ranges = this.#ranges
    await this.handle.datasync()
    await this.onDurable([...ranges])
  }
}

export async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize
}

export function diskFull(path: string, missingBytes: number, cause?: unknown): SnugError {
  const data = { path, neededBytes: Math.max(1, Math.ceil(missingBytes)) }
  return new SnugError('download/disk-full', `the disk is full: ${data.neededBytes} bytes more are needed`, data, { cause })
}

export function isDiskFull(error: unknown): boolean {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined
  return code === 'ENOSPC' || code === 'EDQUOT'
}
