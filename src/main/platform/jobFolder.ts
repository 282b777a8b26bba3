import { mkdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { SnugError } from '@shared/errors'
import { isThatFile, sizeOf } from './downloadFiles'
import { type JobPart, type JobSpec, partFile } from './downloadTypes'
import { linkOrRename } from './fileJobs'
import { safeComponents } from './fileNames'
import { diskFull, freeBytes } from './partWriter'

interface JobFolderEvents {
  /** Another file has the name: the files go there instead. */
  moved: (folder: string) => void
  /** A part that lies there already. */
  found: (index: number, part: JobPart, path: string) => void
}

/** Where the files of one download lie: what is there already is taken where it is ours, and left alone where it is not. */
export class JobFolder {
  #path: string

  constructor(
    readonly spec: JobSpec,
    readonly events: JobFolderEvents,
  ) {
    this.#path = spec.folder
  }

  get path(): string {
    return this.#path
  }

  target(part: JobPart): string {
    return join(this.#path, ...safeComponents(part.file))
  }

  /** A file may lie under its final name already: from a kill after the rename, or the person's own. Ours is taken, theirs is left alone. */
  async adoptWhatIsThere(signal: AbortSignal): Promise<void> {
    // A second name can be taken as well; a third is somebody's joke.
    for (let level = 0; level < 3; level++) {
      if (await this.#adopt(signal)) return
      await this.#moveAway()
    }
    throw new SnugError('file/not-permitted', 'other files have this name', { path: this.#path })
  }

  /** Gives a whole file its name, which another file may have taken since. False where that one is the same: it is taken instead. */
  async place(part: JobPart, signal: AbortSignal): Promise<{ target: string; ours: boolean }> {
    for (let level = 0; level < 3; level++) {
      const target = this.target(part)
      if (await nameWithout(partFile(target, this.spec.id), target)) return { target, ours: true }
      if ((await sizeOf(target)) === part.sizeBytes && (await isThatFile(target, part, signal))) {
        await rm(partFile(target, this.spec.id), { force: true })
        return { target, ours: false }
      }
      if (signal.aborted) throw new SnugError('cancelled', 'stopped')
      await this.#moveAway()
    }
    throw new SnugError('file/not-permitted', 'other files have this name', { path: this.#path })
  }

  /** Before anything is fetched. */
  async needRoom(missingBytes: number): Promise<void> {
    const [first] = this.spec.parts
    if (first === undefined) return
    const folder = dirname(this.target(first))
    await mkdir(folder, { recursive: true })
    const missing = missingBytes + this.spec.reserveBytes - (await freeBytes(folder))
    if (missingBytes > 0 && missing > 0) throw diskFull(folder, missing)
  }

  /** False when somebody else's file is in the way. */
  async #adopt(signal: AbortSignal): Promise<boolean> {
    for (const [index, part] of this.spec.parts.entries()) {
      const target = this.target(part)
      const size = await sizeOf(target)
      if (size === null) part.done = false
      else if (part.done && size === part.sizeBytes) continue
      else if (size === part.sizeBytes && (await isThatFile(target, part, signal))) {
        // A kill between the two names of `place` leaves both.
        await rm(partFile(target, this.spec.id), { force: true })
        this.events.found(index, part, target)
      } else return false
    }
    return true
  }

  async #moveAway(): Promise<void> {
    const from = this.spec.parts.map((part) => this.target(part))
    this.#path = join(this.#path, this.spec.revision.slice(0, 8))
    this.events.moved(this.#path)
    for (const [index, part] of this.spec.parts.entries()) {
      const old = from[index] ?? ''
      const to = this.target(part)
      const [source, place] = part.done ? [old, to] : [partFile(old, this.spec.id), partFile(to, this.spec.id)]
      await mkdir(dirname(to), { recursive: true })
      if ((await sizeOf(source)) === null || !(await nameWithout(source, place))) part.done = false
    }
  }
}

/** The new name is on disk before the old one goes, and no other file loses its own: false where one has it. */
async function nameWithout(from: string, to: string): Promise<boolean> {
  try {
    await linkOrRename(from, to)
  } catch (error) {
    if (error instanceof SnugError && error.code === 'file/exists') return false
    throw error
  }
  await rm(from, { force: true })
  return true
}
