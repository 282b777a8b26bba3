import { homedir } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'

/** Where everything of Snug lies. Set-up (`scripts/lib/paths.mjs`) follows the same rule for `cacheDir`: a change here is a change there. */
export interface SnugPaths {
  dataDir: string
  cacheDir: string
  database: string
  /** Where downloads go while the settings name no other folder. */
  modelsFolder: string
  /** Set-up puts the starter model here, as `*.gguf`. */
  starterFolder: string
  locksFolder: string
  homeDir: string
}

export interface PathsInput {
  env: NodeJS.ProcessEnv
  platform: NodeJS.Platform
  /** `--data DIR`; wins over `SNUG_DATA`. */
  dataDir?: string | undefined
  homeDir?: string
}

export function snugPaths({ env, platform, dataDir, homeDir = homedir() }: PathsInput): SnugPaths {
  const chosen = filled(dataDir) ?? filled(env.SNUG_DATA)
  const data = chosen === undefined ? defaultDataDir(env, platform, homeDir) : resolve(chosen)
  const cache = filled(env.SNUG_CACHE) === undefined ? defaultCacheDir(env, platform, homeDir) : resolve(env.SNUG_CACHE ?? '')
  return {
    dataDir: data,
    cacheDir: cache,
    database: join(data, 'snug.db'),
    modelsFolder: join(data, 'models'),
    starterFolder: join(cache, 'models'),
    locksFolder: join(data, 'locks'),
    homeDir,
  }
}

function defaultDataDir(env: NodeJS.ProcessEnv, platform: NodeJS.Platform, home: string): string {
  if (platform === 'darwin') return join(home, 'Library', 'Application Support', 'snug')
  if (platform === 'win32') return join(filled(env.APPDATA) ?? join(home, 'AppData', 'Roaming'), 'snug')
  return join(xdg(env.XDG_DATA_HOME) ?? join(home, '.local', 'share'), 'snug')
}

function defaultCacheDir(env: NodeJS.ProcessEnv, platform: NodeJS.Platform, home: string): string {
  if (platform === 'darwin') return join(home, 'Library', 'Caches', 'snug')
  if (platform === 'win32') return join(filled(env.LOCALAPPDATA) ?? join(home, 'AppData', 'Local'), 'snug', 'Cache')
  return join(xdg(env.XDG_CACHE_HOME) ?? join(home, '.cache'), 'snug')
}

/** The XDG specification says that a relative value is to be ignored. */
function xdg(value: string | undefined): string | undefined {
  return value !== undefined && isAbsolute(value) ? value : undefined
}

function filled(value: string | undefined): string | undefined {
  return value === undefined || value === '' ? undefined : value
}
