import { type FileHandle, statfs } from 'node:fs/promises'
import { SnugError } from '@shared/errors'
import { type ByteRange, addRange } from './byteRanges'
import type { FileHash } from './prefixHash'

const blockBytes = 1024 * 1024
/** Blocks of one connection on their way to the disk. */
const maxWriting = 2
/** Synced after a sixty-fourth of the file: a kill sends at most that much twice. */
const syncs = 64
const minSyncBytes = 1024 * 1024
const maxSyncBytes = 64 * 1024 * 1024

/** Writes blocks in place, hands them to the hash, and tells which ranges are synced. Connections write through a lane each. */
export class PartWriter {
  #ranges: ByteRange[]
  #unsynced = 0
  #syncing: Promise<void> | null = null
  #failure: unknown = null
  readonly #lanes = new Set<Lane>()
  readonly #blocks: Buffer[] = []
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

  /** For bytes that follow each other from here. */
  lane(offset: number): Lane {
    const lane = new Lane(this, offset, () => this.#lanes.delete(lane))
    this.#lanes.add(lane)
    return lane
  }

  takeBlock(): Buffer {
    return this.#blocks.pop() ?? Buffer.allocUnsafeSlow(blockBytes)
  }

  giveBlock(block: Buffer): void {
    this.#blocks.push(block)
  }

  /** Writes the first bytes of a block, which is given back by that. */
  async write(block: Buffer, length: number, at: number): Promise<void> {
    if (this.#failure !== null) throw this.#failure
    const bytes = block.subarray(0, length)
    // Written by a thread of the pool while this one hashes what the processor's cache still holds: a hash in a thread of its own read
    // it from memory again and was slower. A write that fails ends the job, and its hash with it.
    const writing = this.#onDifference === null ? this.#write(bytes, at) : this.#correct(bytes, at, this.#onDifference)
    this.hash.feed(at, bytes)
    await writing
    this.giveBlock(block)
    this.#ranges = addRange(this.#ranges, at, at + bytes.length)
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

  async #correct(bytes: Uint8Array, at: number, tell: (from: number, to: number) => void): Promise<void> {
    const there = Buffer.alloc(bytes.length)
    const { bytesRead } = await this.handle.read(there, 0, there.length, at)
    if (bytesRead === there.length && there.equals(bytes)) return
    await this.#write(bytes, at)
    tell(at, at + bytes.length)
  }

  async #write(bytes: Uint8Array, at: number): Promise<void> {
    let written = 0
    while (written < bytes.length) {
      const { bytesWritten } = await this.handle.write(bytes, written, bytes.length - written, at + written)
      written += bytesWritten
    }
  }

  /** What lies in the lanes is written, too. */
  async flush(): Promise<void> {
    for (const lane of this.#lanes) await lane.flush()
  }

  /** Everything written is on disk when this returns. */
  async settle(): Promise<void> {
    if (this.#syncing !== null) await this.#syncing
    if (this.#failure !== null) throw this.#failure
    await this.#sync()
    this.#unsynced = 0
  }

  /** Begins again with an empty file; no lane may be at work. */
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

/** Gathers what one connection brings into blocks; some are written while the next one fills. */
export class Lane {
  #at: number
  #fill = 0
  #block: Buffer
  readonly #writing: Promise<void>[] = []

  constructor(
    readonly writer: PartWriter,
    offset: number,
    readonly onClose: () => void,
  ) {
    this.#at = offset
    this.#block = writer.takeBlock()
  }

  /** A promise only where there is something to wait for: most chunks merely fill a block. */
  add(chunk: Buffer): Promise<void> | undefined {
    const copied = chunk.copy(this.#block, this.#fill)
    this.#fill += copied
    return this.#fill === blockBytes ? this.#goOn(chunk.subarray(copied)) : undefined
  }

  async flush(): Promise<void> {
    if (this.#fill > 0) this.#pass()
    while (this.#writing.length > 0) await this.#writing.shift()
  }

  close(): void {
    this.writer.giveBlock(this.#block)
    this.onClose()
  }

  async #goOn(rest: Buffer): Promise<void> {
    this.#pass()
    if (this.#writing.length > maxWriting) await this.#writing.shift()
    if (rest.length > 0) await this.add(rest)
  }

  #pass(): void {
    const writing = this.writer.write(this.#block, this.#fill, this.#at)
    // Met when it is its turn or at the flush, whichever comes first.
    writing.catch(() => {})
    this.#writing.push(writing)
    this.#at += this.#fill
    this.#fill = 0
    this.#block = this.writer.takeBlock()
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
