import type { FoundModels } from '@shared/ipc/discover'
import { findModels, modelStat } from '../platform/modelFolders'
import { type ModelSource, type Surroundings, defaultFolders } from '../platform/otherPrograms'

const sources: readonly ModelSource[] = ['lm-studio', 'ollama', 'jan', 'huggingface']

/** Default folders of other programs that hold models, without those that are watched already. Sizes in bytes. */
export async function foundElsewhere(surroundings: Surroundings, watched: ReadonlySet<string>): Promise<FoundModels[]> {
  const found: FoundModels[] = []
  for (const source of sources) {
    for (const folder of await defaultFolders(source, surroundings)) {
      if (watched.has(folder)) continue
      const sizes = new Map<string, number>()
      for (const file of await findModels(folder)) sizes.set(file.path, (await modelStat(file.path))?.sizeBytes ?? 0)
      const bytes = [...sizes.values()].reduce((sum, size) => sum + size, 0)
      if (bytes > 0) found.push({ source, folder, count: sizes.size, bytes })
    }
  }
  return found
}
