import type { Stats } from 'node:fs'
import { lstat, readdir, realpath } from 'node:fs/promises'
import { dirname, join, sep } from 'node:path'
import type { Bytes } from '@shared/domain/units'
import { partPaths } from '../platform/modelFolders'

/** What goes to the trash with a model: told to the person file by file before anything moves. */
export interface TrashPlan {
  paths: string[]
  /** Of the files that go; a link has none. */
  sizeBytes: Bytes
  /** Files that a link led to and that stay: another program's, or another snapshot's. */
  stays: string[]
}

export async function trashPlan(modelPath: string): Promise<TrashPlan> {
  const plan: TrashPlan = { paths: [], sizeBytes: 0, stays: [] }
  const links: { path: string; real: string }[] = []
  const add = (path: string, facts: Stats) => {
    plan.paths.push(path)
    if (facts.isFile()) plan.sizeBytes += facts.size
  }
  for (const path of partPaths(modelPath)) {
    const facts = await lstat(path).catch(() => null)
    if (facts === null) continue
    add(path, facts)
    const real = facts.isSymbolicLink() ? await realpath(path).catch(() => null) : null
    if (real !== null) links.push({ path, real })
  }
  const going = new Set(links.map(({ path }) => path))
  for (const { path, real } of links) {
    if (plan.paths.includes(real)) continue
    const facts = (await isOnlyHere(path, real, going)) ? await lstat(real).catch(() => null) : null
    if (facts !== null) add(real, facts)
    else if (!plan.stays.includes(real)) plan.stays.push(real)
  }
  return plan
}

const snapshot = /^(.*[\\/]models--[^\\/]+)[\\/]snapshots[\\/]/
/** P2: a cache with more links than this is not searched, and its bytes stay. */
const maxLinks = 20_000

/** Only the Hugging Face cache keeps a model's bytes behind links of its own (`snapshots/COMMIT/… → blobs/…`); any other link leads to what is somebody else's. */
async function isOnlyHere(path: string, real: string, going: ReadonlySet<string>): Promise<boolean> {
  const repository = snapshot.exec(path)?.[1]
  if (repository === undefined) return false
  const blobs = await realpath(join(repository, 'blobs')).catch(() => null)
  if (blobs === null || dirname(real) !== blobs) return false
  const entries = await readdir(join(repository, 'snapshots'), { recursive: true, withFileTypes: true }).catch(() => null)
  if (entries === null || entries.length > maxLinks) return false
  for (const entry of entries) {
    const other = `${entry.parentPath}${sep}${entry.name}`
    if (!entry.isSymbolicLink() || going.has(other)) continue
    if ((await realpath(other).catch(() => null)) === real) return false
  }
  return true
}
