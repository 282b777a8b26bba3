import type { EngineStatus, LibraryModel } from '@shared/domain/library'
import { engineLive, libraryLive, settingsLive, useLive } from './live'

/** Models that can be loaded now. */
export function isUsable(model: LibraryModel): boolean {
  return model.state === 'verified' || model.state === 'own'
}

export interface CurrentModel {
  engine: EngineStatus
  models: readonly LibraryModel[]
  /** Loaded, loading, or the last choice: what answers the next message. */
  model: LibraryModel | null
  /** The library's first snapshot is there. */
  known: boolean
}

export function currentModel(engine: EngineStatus, models: readonly LibraryModel[], lastModelId: string | null): LibraryModel | null {
  const id = engine.state === 'ready' || engine.state === 'loading' ? engine.modelId : lastModelId
  return models.find((model) => model.id === id && isUsable(model)) ?? null
}

export function useCurrentModel(): CurrentModel {
  const engine = useLive(engineLive) ?? { state: 'empty' as const }
  const list = useLive(libraryLive)
  const settings = useLive(settingsLive)
  const models = list ?? []
  return { engine, models, model: currentModel(engine, models, settings?.lastModelId ?? null), known: list !== undefined }
}
