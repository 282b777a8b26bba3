import { readFile } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import type { FoundModels } from '@shared/ipc/discover'

export type ModelSource = FoundModels['source']

export interface Surroundings {
  env: NodeJS.ProcessEnv
  platform: NodeJS.Platform
  homeDir: string
}

/** Where other programs keep models when nobody told them otherwise; those that do not exist are found empty. */
export async function defaultFolders(source: ModelSource, { env, platform, homeDir }: Surroundings): Promise<string[]> {
  const home = (...parts: string[]) => join(homeDir, ...parts)
  const absolute = (value: string | undefined) => (value !== undefined && isAbsolute(value) ? value : null)
  if (source === 'lm-studio') {
    // LM Studio 0.3 names its own home in this file.
    const named = absolute((await readFile(home('.lmstudio-home-pointer'), 'utf8').catch(() => '')).trim())
    return unique([named === null ? null : join(named, 'models'), home('.lmstudio', 'models'), home('.cache', 'lm-studio', 'models')])
  }
  if (source === 'ollama') {
    const service = platform === 'linux' ? ['/usr/share/ollama/.ollama/models', '/var/lib/ollama/models'] : []
    return unique([absolute(env.OLLAMA_MODELS), home('.ollama', 'models'), ...service])
  }
  if (source === 'jan') {
    const data =
      platform === 'darwin'
        ? home('Library', 'Application Support', 'Jan', 'data')
        : platform === 'win32'
          ? join(absolute(env.APPDATA) ?? home('AppData', 'Roaming'), 'Jan', 'data')
          : join(absolute(env.XDG_DATA_HOME) ?? home('.local', 'share'), 'Jan', 'data')
    const older = platform === 'linux' ? [join(absolute(env.XDG_CONFIG_HOME) ?? home('.config'), 'Jan', 'data')] : []
    return unique(
      [data, ...older].flatMap((folder) => [join(folder, 'llamacpp', 'models'), join(folder, 'models')]).concat(home('jan', 'models')),
    )
  }
  const hub = absolute(env.HF_HUB_CACHE) ?? absolute(env.HUGGINGFACE_HUB_CACHE)
  const hfHome = absolute(env.HF_HOME) ?? join(absolute(env.XDG_CACHE_HOME) ?? home('.cache'), 'huggingface')
  return [hub ?? join(hfHome, 'hub')]
}

function unique(folders: (string | null)[]): string[] {
  return [...new Set(folders.filter((folder) => folder !== null))]
}
