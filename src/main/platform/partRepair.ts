import type { FileHandle } from 'node:fs/promises'
import { SnugError } from '@shared/errors'
import { type ByteRange, addRange } from './byteRanges'
import { PartWriter } from './partWriter'
import { noHash } from './prefixHash'

/** A repair can bring wrong bytes of its own; one that finds no difference is the last. */
const rounds = 2

interface Repair {
  handle: FileHandle
  sizeBytes: number
  /** Whether the hash of the whole file is right now. */
  isRight: () => Promise<boolean>
  /** Fetches the whole file through that writer. */
  refetch: (writer: PartWriter, signal: AbortSignal) => Promise<void>
  signal: AbortSignal
}

/**
 * No hub tells the hash of a range, so the file is fetched again and compared. What differs is written over, and the rest is not fetched
 * as soon as the whole is right. Gives what was put right; null when the file is still wrong.
 */
export async function repairPart({ handle, sizeBytes, isRight, refetch, signal }: Repair): Promise<ByteRange[] | null> {
  // What lies on the disk counts, whatever was hashed on the way there.
  if (await isRight()) {
    await handle.sync()
    return []
  }
  for (let round = 0; round < rounds; round++) {
    let wrong: ByteRange[] = []
    let looking: Promise<void> | null = null
    const found = new AbortController()
    const look = (from: number, to: number) => {
      wrong = addRange(wrong, from, to)
      looking ??= isRight()
        .then((is) => (is ? found.abort() : undefined))
        .finally(() => (looking = null))
      // A file that cannot be read is met again below.
      looking.catch(() => {})
    }
    try {
      await refetch(new PartWriter(handle, noHash, sizeBytes, [], async () => {}, look), AbortSignal.any([signal, found.signal]))
    } catch (error) {
      if (signal.aborted || (error instanceof SnugError && error.code === 'download/disk-full')) throw error
      // Not to be had again, or enough of it: what was put right so far decides.
    }
    if (wrong.length === 0) return null
    if (await isRight()) {
      await handle.sync()
      return wrong
    }
  }
  return null
}
