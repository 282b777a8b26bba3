import { join } from 'node:path'
import { readJson, root } from './paths.mjs'

/**
 * What set-up found out about this checkout:
 * `{ electronDist, electronVersion, electronKind: 'pinned' | 'named' | 'fallback', electronNapi, starterModel?, gemmaModel? }`.
 */
export function readRuntime(checkout = root) {
  const runtime = readJson(join(checkout, 'node_modules', '.cache', 'snug', 'runtime.json'))
  if (runtime === undefined) throw new Error('This checkout is not set up yet: run `npm run setup` first.')
  return runtime
}

export function electronBinary(dist) {
  if (process.platform === 'darwin') return join(dist, 'Electron.app', 'Contents', 'MacOS', 'Electron')
  return join(dist, process.platform === 'win32' ? 'electron.exe' : 'electron')
}

/** The environment in which `require('electron')`, its command line and Playwright use the chosen runtime. */
export function electronEnv(runtime = readRuntime()) {
  return { ELECTRON_OVERRIDE_DIST_PATH: runtime.electronDist, ELECTRON_EXEC_PATH: electronBinary(runtime.electronDist) }
}

export function isRoot() {
  return process.platform !== 'win32' && process.getuid?.() === 0
}

export function hasDisplay(env = process.env) {
  return process.platform !== 'linux' || Boolean(env.DISPLAY || env.WAYLAND_DISPLAY)
}
