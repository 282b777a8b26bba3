import { type FileHandle, statfs } from 'node:fs/promises'
import { SnugError } from '@shared/errors'
import { type ByteRange, addRange } from './byteRanges'
import type { PrefixHash } from './prefixHash'

const blockBytes = 1024 * 1024
/** Synced after a sixty-fourth of the file: a kill sends at most that much twice. */
const syncs = 64
const minSyncBytes = 1024 * 1024
const maxSyncBytes = 64 * 1024 * 1024

/** Gathers what arrives into blocks, writes them in place, hands them to the hash, and tells which ranges are synced. */
export class PartWriter {
  #ranges: ByteRange[]
  #at = 0
  #fill = 0
  #unsynced = 0
  #syncing: Promise<void> | null = null
  #failure: unknown = null
  readonly #block = Buffer.allocUnsafe(blockBytes)
  readonly #syncBytes: number

  constructor(
    readonly handle: FileHandle,
    readonly hash: PrefixHash,
    sizeBytes: number,
    ranges: readonly ByteRange[],
    readonly onDurable: (ranges: ByteRange[]) => Promise<void>,
  ) {
    this.#ranges = [...ranges]
    this.#syncBytes = Math.min(maxSyncBytes, Math.max(minSyncBytes, Math.floor(sizeBytes / syncs)))
  }

  /** Written, not all of it synced. */
  get ranges(): readonly ByteRange[] {
    return this.#ranges
  }

  /** The next bytes belong here. */
  seek(offset: number): void {
    this.#at = offset
    this.#fill = 0
  }

  async add(chunk: Buffer): Promise<void> {
    let taken = 0
    while (taken < chunk.length) {
      const copied = chunk.copy(this.#block, this.#fill, taken)
      taken += copied
      this.#fill += copied
      if (this.#fill === blockBytes) await this.flush()
    }
  }

  async flush(): Promise<void> {
    if (this.#failure !== null) throw this.#failure
    const bytes = this.#block.subarray(0, this.#fill)
    if (bytes.length === 0) return
    // Written by another thread while this one hashes. A write that fails ends the job, and its hash with it.
    const writing = this.#write(bytes, this.#at)
    this.hash.feed(this.#at, bytes)
    await writing
    this.#ranges = addRange(this.#ranges, this.#at, this.#at + bytes.length)
    this.#at += bytes.length
    this.#fill = 0
    this.#unsynced += bytes.length
    if (this.#unsynced >= this.#syncBytes && this.#syncing === null) {
      this.#unsynced = 0
      this.#syncing = this.#sync()
        .catch((error: unknown) => {
          this.#failure = error
        })
        .finally(() => (this.#syncing = null))
    }
  }

  async #write(bytes: Uint8Array, at: number): Promise<void> {
    let written = 0
    while (written < bytes.length) {
      const { bytesWritten } = await this.handle.write(bytes, written, bytes.length - written, at + written)
      written += bytesWritten
    }
  }

  /** Everything written is on disk when this returns. */
  async settle(): Promise<void> {
    if (this.#syncing !== null) await this.#syncing
    if (this.#failure !== null) throw this.#failure
    await this.#sync()
    this.#unsynced = 0
  }

  /** Begins again with an empty file. */
  async restart(): Promise<void> {
    if (this.#syncing !== null) await this.#syncing
    this.#ranges = []
    this.hash.reset()
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
