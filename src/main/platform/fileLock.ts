import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { link, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { dirname } from 'node:path'

/** A lock without an owner may be one that is just being written, where it cannot appear as a whole. */
const youngMs = 500

interface Owner {
  pid: number
  /** When that process started: a pid alone is given to others later. null where nobody tells. */
  started: string | null
  nonce: string
}

/** Keeps two processes (app and command line) from doing the same thing. Gives back its end, or null when another live process has it. */
export async function takeLock(path: string): Promise<(() => Promise<void>) | null> {
  await mkdir(dirname(path), { recursive: true })
  const mine: Owner = { pid: process.pid, started: startOf(process.pid), nonce: randomBytes(8).toString('hex') }
  for (let attempt = 0; attempt < 5; attempt++) {
    try {
      await place(path, mine)
      return async () => {
        // Only ours: a lock that somebody took over is theirs.
        if ((await ownerOf(path))?.nonce === mine.nonce) await rm(path, { force: true })
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    const owner = await ownerOf(path)
    if (owner !== null && isAlive(owner)) return null
    if (owner === null && (await isYoung(path))) await sleep(youngMs)
    else await setAside(path, owner)
  }
  return null
}

/**
 * Appears with its content or not at all: a lock that is there and still empty would be taken for one that a kill cut short, and two
 * processes would have it. Where the disk knows no hard links, it is written in place.
 */
async function place(path: string, owner: Owner): Promise<void> {
  const own = `${path}.${owner.nonce}`
  try {
    await writeFile(own, JSON.stringify(owner))
    await link(own, path)
  } catch (error) {
    if (!/^(EPERM|ENOTSUP|EOPNOTSUPP|ENOSYS|EMLINK|EACCES)$/.test((error as NodeJS.ErrnoException).code ?? '')) throw error
    await writeFile(path, JSON.stringify(owner), { flag: 'wx' })
  } finally {
    await rm(own, { force: true })
  }
}

async function isYoung(path: string): Promise<boolean> {
  const facts = await stat(path).catch(() => null)
  return facts !== null && Math.abs(Date.now() - facts.mtimeMs) < youngMs
}

/** Moves a dead process's lock away; when another was quicker, what was moved is theirs and goes back. */
async function setAside(path: string, dead: Owner | null): Promise<void> {
  const aside = `${path}.${randomBytes(6).toString('hex')}`
  try {
    await rename(path, aside)
    const moved = await ownerOf(aside)
    if (moved !== null && moved.nonce !== dead?.nonce) await place(path, moved)
    await rm(aside, { force: true })
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code !== 'ENOENT' && code !== 'EEXIST') throw error
  }
}

async function ownerOf(path: string): Promise<Owner | null> {
  try {
    const owner = JSON.parse(await readFile(path, 'utf8')) as Partial<Owner> | null
    if (typeof owner?.pid !== 'number' || typeof owner.nonce !== 'string') return null
    return { pid: owner.pid, started: owner.started ?? null, nonce: owner.nonce }
  } catch {
    // Gone meanwhile, or cut short by a kill: nobody's.
    return null
  }
}

function isAlive({ pid, started }: Owner): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    // EPERM: it is there and belongs to somebody else.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false
  }
  const now = startOf(pid)
  return started === null || now === null || now === started
}

/** Field 22 of /proc/PID/stat, in clock ticks since boot. */
function startOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null
  } catch {
    // No /proc on this system: the pid alone must do.
    return null
  }
}
