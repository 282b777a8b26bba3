import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The checkout that this script belongs to. */
export const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..')

/** Where set-up keeps what it downloads and builds; the app's own cache folder, so that it finds the starter model there. */
export function cacheDir(env = process.env) {
  if (env.SNUG_CACHE) return resolve(env.SNUG_CACHE)
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Caches', 'snug')
  if (process.platform === 'win32') return join(env.LOCALAPPDATA ?? join(homedir(), 'AppData', 'Local'), 'snug', 'Cache')
  // The XDG specification says that a relative value is to be ignored.
  const base = env.XDG_CACHE_HOME?.startsWith('/') ? env.XDG_CACHE_HOME : join(homedir(), '.cache')
  return join(base, 'snug')
}

/** Set-up's notes about this checkout; `npm ci` removes them together with what they speak of. */
export const stateDir = join(root, 'node_modules', '.cache', 'snug')
export const runtimeFile = join(stateDir, 'runtime.json')

export function sha256OfText(text) {
  return createHash('sha256').update(text).digest('hex')
}

export function readJson(path) {
  if (!existsSync(path)) return undefined
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    // Not JSON: a file that something else wrote or cut short counts as missing and is made again.
    return undefined
  }
}

/** The Node-API level of the running Node. */
export const nodeNapi = Number(process.versions.napi)
