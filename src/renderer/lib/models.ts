import type { EngineStatus, LibraryModel } from '@shared/domain/library'
import { currentModel } from './currentModel'
import { engineLive, libraryLive, settingsLive, useLive } from './live'

export interface CurrentModel {
  engine: EngineStatus
  models: readonly LibraryModel[]
  /** Loaded, loading, or the last choice: what answers the next message. */
  model: LibraryModel | null
  /** The library's first snapshot is there. */
  known: boolean
}

export function useCurrentModel(): CurrentModel {
  const engine = useLive(engineLive) ?? { state: 'empty' as const }
  const list = useLive(libraryLive)
  const settings = useLive(settingsLive)
  const models = list ?? []
  return { engine, models, model: currentModel(engine, models, settings?.lastModelId ?? null), known: list !== undefined }
}
