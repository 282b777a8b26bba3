import { createHash } from 'node:crypto'
import { type FileHandle, link, open, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { MessagePort } from 'node:worker_threads'
import { type ErrorValue, SnugError, toErrorValue } from '@shared/errors'
import { fromFileSystem, syncFolder } from './downloadFiles'

/** Work on whole files that takes minutes for a large one: done in a thread (`runFileJob` there), never on main's loop. */
export type FileJob =
  | { kind: 'hash'; paths: string[] }
  /** Copies, syncs, reads the copies again and compares. What is not whole is removed. */
  | { kind: 'copy'; files: { from: string; to: string }[] }

export interface FileJobStart {
  fileJob: FileJob
}

export type ToFileJob = { type: 'stop' }
export type FromFileJob =
  | { type: 'progress'; doneBytes: number }
  | { type: 'end'; hashes: string[] }
  | { type: 'failed'; error: ErrorValue }

const blockBytes = 1024 * 1024

/** SHA-256 of each file, in order. `onProgress` counts bytes read, those of the comparison included. */
export async function doFileJob(job: FileJob, onProgress: (doneBytes: number) => void, signal: AbortSignal): Promise<string[]> {
  let done = 0
  const step = (bytes: number) => onProgress((done += bytes))
  if (job.kind === 'hash') {
    const hashes: string[] = []
    for (const path of job.paths) hashes.push(await hashFile(path, step, signal))
    return hashes
  }
  const hashes: string[] = []
  try {
    for (const { from, to } of job.files) hashes.push(await copyFile(from, to, step, signal))
    for (const [index, { to }] of job.files.entries())
      if ((await hashFile(to, step, signal)) !== hashes[index])
        throw new SnugError('download/hash-mismatch', 'the copy is not what was read', { path: to })
    return hashes
  } catch (error) {
    for (const { to } of job.files) await rm(to, { force: true })
    throw error
  }
}

async function hashFile(path: string, step: (bytes: number) => void, signal: AbortSignal): Promise<string> {
  const file = await open(path, 'r').catch((error: unknown) => {
    throw fromFileSystem(error, path)
  })
  try {
    return await readThrough(file, path, step, signal, async () => {})
  } finally {
    await file.close()
  }
}

async function copyFile(from: string, to: string, step: (bytes: number) => void, signal: AbortSignal): Promise<string> {
  try {
    const source = await open(from, 'r')
    try {
      const target = await open(to, 'w')
      try {
        const hash = await readThrough(source, from, step, signal, async (bytes, at) => {
          for (let written = 0; written < bytes.length; )
            written += (await target.write(bytes, written, bytes.length - written, at + written)).bytesWritten
        })
        await target.sync()
        return hash
      } finally {
        await target.close()
      }
    } finally {
      await source.close()
    }
  } catch (error) {
    throw fromFileSystem(error, to)
  }
}

async function readThrough(
  file: FileHandle,
  path: string,
  step: (bytes: number) => void,
  signal: AbortSignal,
  take: (bytes: Buffer, at: number) => Promise<void>,
): Promise<string> {
  const hash = createHash('sha256')
  const block = Buffer.allocUnsafe(blockBytes)
  const { size } = await file.stat()
  let at = 0
  for (;;) {
    if (signal.aborted) throw new SnugError('cancelled', 'stopped')
    const { bytesRead } = await file.read(block, 0, block.length, at)
    if (bytesRead === 0) break
    const bytes = block.subarray(0, bytesRead)
    hash.update(bytes)
    await take(bytes, at)
    at += bytesRead
    step(bytesRead)
  }
  if (at !== size) throw new SnugError('model/file-changed', 'the file changed while it was read', { path })
  return hash.digest('hex')
}

/** Gives a whole file its name, and never takes the name of another one. */
export async function placeWithout(from: string, to: string): Promise<void> {
  try {
    // A second name, then one less: no moment without a whole file, and nothing is overwritten.
    await link(from, to)
    await rm(from)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'EEXIST') throw new SnugError('file/exists', 'a file of that name is there already', { path: to }, { cause: error })
    // File systems without second names (exFAT, some network drives).
    if (await isThere(to)) throw new SnugError('file/exists', 'a file of that name is there already', { path: to })
    await rename(from, to)
  }
  await syncFolder(dirname(to))
}

/** On one disk: a second name; the first one goes later. Where there are no second names, the file is renamed. */
export async function linkOrRename(from: string, to: string): Promise<void> {
  try {
    await link(from, to)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST' || (await isThere(to)))
      throw new SnugError('file/exists', 'a file of that name is there already', { path: to }, { cause: error })
    await rename(from, to)
  }
  await syncFolder(dirname(to))
}

export async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

/** The thread's side. */
export function runFileJob(port: MessagePort, { fileJob }: FileJobStart): void {
  const post = (message: FromFileJob) => port.postMessage(message, [])
  const stop = new AbortController()
  port.on('message', (message: ToFileJob) => message.type === 'stop' && stop.abort())
  let told = 0
  const onProgress = (doneBytes: number) => {
    // A bar needs no more than this.
    if (doneBytes - told < 4 * blockBytes) return
    told = doneBytes
    post({ type: 'progress', doneBytes })
  }
  void doFileJob(fileJob, onProgress, stop.signal)
    .then(
      (hashes) => post({ type: 'end', hashes }),
      (error: unknown) => post({ type: 'failed', error: toErrorValue(error) }),
    )
    .finally(() => port.close())
}
