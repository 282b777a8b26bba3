import { open, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { SnugError } from '@shared/errors'
import { type JobPart, type JobSpec, partFile, wrongFile } from './downloadTypes'
import { safeComponents } from './fileNames'
import { diskFull, isDiskFull } from './partWriter'
import { type WantedHash, startHash } from './prefixHash'

/** `early`: before the first answer, which may bring the hash. */
export function wanted(part: JobPart, early = false): WantedHash {
  if (part.sha256 !== null) return { algorithm: 'sha256', value: part.sha256 }
  if (part.gitSha1 !== null) return { algorithm: 'git-sha1', value: part.gitSha1 }
  if (early || part.unverified === true) return { algorithm: 'sha256', value: '' }
  throw new SnugError('hub/bad-answer', 'the hub gives no hash for this file', { file: part.file })
}

export function isFileSystem(error: unknown): boolean {
  return (
    isDiskFull(error) ||
    (error instanceof Error && /^(EACCES|EPERM|EROFS|EIO|ENOENT|EBADF)$/.test((error as NodeJS.ErrnoException).code ?? ''))
  )
}

export function fromFileSystem(error: unknown, path: string): SnugError {
  if (error instanceof SnugError) return error
  if (isDiskFull(error)) return diskFull(path, 0, error)
  if (isFileSystem(error)) return new SnugError('file/not-permitted', String(error), { path }, { cause: error })
  return new SnugError('internal/bug', error instanceof Error ? error.message : String(error), {}, { cause: error })
}

export async function isThatFile(path: string, part: JobPart, signal: AbortSignal): Promise<boolean> {
  const hash = wanted(part, true)
  return hash.value !== '' && (await hashOfFile(path, hash, part.sizeBytes, signal)) === hash.value
}

export async function sizeOf(path: string): Promise<number | null> {
  try {
    return (await stat(path)).size
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

/** The hash of a whole file, null when stopped. */
export async function hashOfFile(
  path: string,
  { algorithm }: Pick<WantedHash, 'algorithm'>,
  size: number,
  signal?: AbortSignal,
): Promise<string | null> {
  const handle = await open(path, 'r')
  try {
    const hash = startHash(algorithm, size)
    const block = Buffer.allocUnsafe(1024 * 1024)
    for (;;) {
      if (signal?.aborted) return null
      const { bytesRead } = await handle.read(block, 0, block.length)
      if (bytesRead === 0) return hash.digest('hex')
      hash.update(block.subarray(0, bytesRead))
    }
  } finally {
    await handle.close()
  }
}

/** The new name is on disk, too. Windows has no such call. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Removes what a download left that is not finished. */
export async function removeUnfinished(spec: Pick<JobSpec, 'id' | 'folder' | 'parts'>): Promise<void> {
  for (const part of spec.parts) {
    const target = join(spec.folder, ...safeComponents(part.file))
    await rm(partFile(target, spec.id), { force: true })
    await rm(wrongFile(target, spec.id), { force: true })
  }
}
