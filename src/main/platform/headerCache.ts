import { randomBytes } from 'node:crypto'
import { mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Bytes } from '@shared/domain/units'

export interface HeaderCacheLimits {
  /** What the headers really take on the disk; their files look as large as the models. */
  realBytes: Bytes
  entries: number
}

const defaultLimits: HeaderCacheLimits = { realBytes: 500 * 1024 * 1024, entries: 200 }
const partialName = /^[0-9a-f]{64}\.[0-9a-f]{12}\.partial$/
const entryName = /^[0-9a-f]{64}$/
/** What a kill left behind is cleared after this long: nothing is fetched for an hour. */
const staleMs = 3_600_000

/** Headers of remote models: one folder each, complete or not there; the least recently used go first. */
export class HeaderCache {
  readonly #folder: string
  readonly #limits: HeaderCacheLimits

  constructor(folder: string, limits: Partial<HeaderCacheLimits> = {}) {
    this.#folder = folder
    this.#limits = { ...defaultLimits, ...limits }
  }

  /** Path of the first of these files where all are there; that counts as a use. */
  async find(key: string, fileNames: readonly string[]): Promise<string | null> {
    const folder = join(this.#folder, key)
    for (const name of fileNames) if ((await stat(join(folder, name)).catch(() => null)) === null) return null
    const now = new Date()
    // Only its place in the row depends on this.
    await utimes(folder, now, now).catch(() => {})
    return join(folder, fileNames[0] ?? '')
  }

  /** A folder to fill; `keep` puts it in its place, `drop` takes it away. */
  async begin(): Promise<{ folder: string; keep: (key: string) => Promise<void>; drop: () => Promise<void> }> {
    const name = `${randomBytes(32).toString('hex')}.${randomBytes(6).toString('hex')}.partial`
    const folder = join(this.#folder, name)
    await mkdir(folder, { recursive: true, mode: 0o700 })
    return {
      folder,
      keep: async (key) => {
        await rename(folder, join(this.#folder, key)).catch(async (error: unknown) => {
          await rm(folder, { recursive: true, force: true })
          // Somebody else was faster: theirs says the same.
          if ((await stat(join(this.#folder, key)).catch(() => null)) === null) throw error
        })
        await this.prune()
      },
      drop: () => rm(folder, { recursive: true, force: true }),
    }
  }

  async remove(key: string): Promise<void> {
    await rm(join(this.#folder, key), { recursive: true, force: true })
  }

  async prune(): Promise<void> {
    const kept: { path: string; bytes: number; usedAt: number }[] = []
    for (const name of await readdir(this.#folder).catch(() => [])) {
      const path = join(this.#folder, name)
      const facts = await stat(path).catch(() => null)
      if (facts === null) continue
      if (partialName.test(name) && Date.now() - facts.mtimeMs > staleMs) await rm(path, { recursive: true, force: true })
      if (entryName.test(name)) kept.push({ path, bytes: await realBytes(path), usedAt: facts.mtimeMs })
    }
    let total = 0
    for (const [index, { path, bytes }] of kept.sort((a, b) => b.usedAt - a.usedAt).entries()) {
      total += bytes
      // The newest stays whatever its size: somebody is about to read it.
      if (index > 0 && (total > this.#limits.realBytes || index >= this.#limits.entries)) await rm(path, { recursive: true, force: true })
    }
  }
}

async function realBytes(folder: string): Promise<Bytes> {
  let sum = 0
  for (const name of await readdir(folder).catch(() => [])) sum += ((await stat(join(folder, name)).catch(() => null))?.blocks ?? 0) * 512
  return sum
}

/** A name of a remote file that is safe on every disk; the ending that says which part it is stays. */
export function safeHeaderName(remote: string): string {
  const name = basename(remote.replaceAll('\\', '/'))
    .replace(/[^\w.+-]/g, '_')
    .replace(/^\.+/, '')
  const stem = name.replace(/\.gguf$/i, '')
  return `${stem.length > 150 ? stem.slice(-150).replace(/^\.+/, '') : stem === '' ? 'model' : stem}.gguf`
}
