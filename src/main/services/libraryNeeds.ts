import type { ModelFacts } from '@shared/domain/gguf'
import type { RecommendedSampling } from '@shared/domain/preset'
import type { Settings } from '@shared/domain/settings'
import type { ThinkingCapability } from '@shared/domain/thinking'
import type { Log } from '@shared/log'
import type { ModelRow } from '../db/repositories/models'
import type { Surroundings } from '../platform/otherPrograms'

export interface LibraryDependencies {
  rows: {
    all(options?: { removed?: boolean }): ModelRow[]
    get(id: string): ModelRow | undefined
    byPath(path: string): ModelRow | undefined
    save(row: ModelRow): void
  }
  settings: { get(): Settings; set(patch: Partial<Settings>): Settings }
  /** Both in the tools process: no header is read here. */
  inspect: (path: string) => Promise<ModelFacts>
  capability: (path: string) => Promise<ThinkingCapability>
  trash: (path: string) => Promise<void>
  modelsFolder: () => string
  starterFolder: string
  surroundings: Surroundings
  /** What the catalogue recommends for a repository's models. */
  catalogueSampling?: (repository: string) => RecommendedSampling | null
  log?: Log
  now?: () => number
  /** A file that changed this recently may still be being copied, and is looked at next time; 2,000. */
  settleMs?: number
}
