import { existsSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'

/** `mkdir -p`. Node's own (20, 22) never returns where a folder that is there cannot hold another one and says ENOENT, as /proc does. */
export function makeFolder(path: string, mode = 0o777): void {
  if (existsSync(path)) return
  const parent = dirname(path)
  if (parent !== path) makeFolder(parent, mode)
  try {
    mkdirSync(path, { mode })
  } catch (error) {
    // Another process was faster.
    if (!existsSync(path)) throw error
  }
}
