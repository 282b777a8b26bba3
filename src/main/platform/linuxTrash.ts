import { lstat, mkdir, readFile, realpath, rename, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { basename, dirname, join, relative } from 'node:path'
import { SnugError } from '@shared/errors'

/** What a test says otherwise. */
interface Surroundings {
  dataHome?: string
  /** Where disks begin; the system's own where left out. */
  mounts?: readonly string[]
  uid?: number
}

interface Trash {
  folder: string
  /** What `Path=` is relative to; null: it is absolute. */
  top: string | null
}

/**
 * The freedesktop.org Trash specification 1.0: a file goes to the trash of its own disk, at home or at the top of that disk, and is never
 * copied to another one.
 */
export async function moveToLinuxTrash(path: string, surroundings: Surroundings = {}): Promise<void> {
  const { folder, top } = await trashFor(path, surroundings)
  await mkdir(join(folder, 'files'), { recursive: true, mode: 0o700 })
  await mkdir(join(folder, 'info'), { recursive: true, mode: 0o700 })
  const place = encodeURI(top === null ? path : relative(top, join(await realpath(dirname(path)), basename(path))))
  for (let copy = 1; copy < 10_000; copy++) {
    const name = copy === 1 ? basename(path) : `${basename(path)}.${copy}`
    const info = join(folder, 'info', `${name}.trashinfo`)
    try {
      // The info file is made first and never overwritten: it reserves the name.
      await writeFile(info, `[Trash Info]\nPath=${place}\nDeletionDate=${localTime(new Date())}\n`, { flag: 'wx' })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') continue
      throw refusal(path, folder, error)
    }
    try {
      await rename(path, join(folder, 'files', name))
    } catch (error) {
      await rm(info, { force: true })
      throw refusal(path, folder, error)
    }
    return
  }
  throw new SnugError('file/not-permitted', `the trash is full of files of that name: empty it (${folder})`, { path })
}

function refusal(path: string, folder: string, cause: unknown): SnugError {
  const message = `the trash of this disk cannot be used (${folder}): delete the file yourself`
  return new SnugError('file/not-permitted', message, { path, trash: folder }, { cause })
}

async function trashFor(path: string, { dataHome, mounts, uid = process.getuid?.() ?? 0 }: Surroundings): Promise<Trash> {
  const home = join(dataHome ?? (process.env.XDG_DATA_HOME || join(homedir(), '.local', 'share')), 'Trash')
  const tops = mounts ?? (await mountPoints())
  const top = topOf(await realpath(dirname(path)), tops)
  if (topOf(await realpathOfExisting(home), tops) === top) return { folder: home, top: null }
  // Made by an administrator for everybody: only where nobody can put it in another's place.
  const shared = await lstat(join(top, '.Trash')).catch(() => null)
  const folders = [join(top, `.Trash-${uid}`)]
  if (shared?.isDirectory() === true && (shared.mode & 0o1000) !== 0) folders.unshift(join(top, '.Trash', String(uid)))
  let failed: unknown = null
  for (const folder of folders) {
    try {
      await mkdir(folder, { mode: 0o700 }).catch((error: unknown) => {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      })
      const facts = await lstat(folder)
      if (facts.isDirectory() && facts.uid === uid) return { folder, top }
    } catch (error) {
      failed = error
    }
  }
  throw refusal(path, folders.at(-1) ?? top, failed)
}

/** The fields of proc(5), `mountinfo`: the fifth is the mount point, with spaces and the like in octal. */
async function mountPoints(): Promise<string[]> {
  const text = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '')
  return text.split('\n').flatMap((line) => {
    const point = line.split(' ')[4]
    return point === undefined ? [] : [point.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))]
  })
}

function topOf(folder: string, mounts: readonly string[]): string {
  const known = new Set(mounts)
  let at = folder
  while (!known.has(at) && dirname(at) !== at) at = dirname(at)
  return at
}

async function realpathOfExisting(folder: string): Promise<string> {
  for (let at = folder; ; at = dirname(at)) {
    const real = await realpath(at).catch(() => null)
    if (real !== null || dirname(at) === at) return real ?? at
  }
}

/** The specification wants the time as the person's clock shows it. */
function localTime(at: Date): string {
  const two = (value: number) => String(value).padStart(2, '0')
  const day = [at.getFullYear(), at.getMonth() + 1, at.getDate()].map(two).join('-')
  return `${day}T${[at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(':')}`
}
