import type { EngineStatus, LibraryModel } from '@shared/domain/library'

/** Models that can be loaded now. */
export function isUsable(model: LibraryModel): boolean {
  return model.state === 'verified' || model.state === 'own'
}

export function currentModel(engine: EngineStatus, models: readonly LibraryModel[], lastModelId: string | null): LibraryModel | null {
  // What is in memory answers, even when its file is gone by now.
  if (engine.state === 'ready' || engine.state === 'loading') return models.find(({ id }) => id === engine.modelId) ?? null
  return models.find((model) => model.id === lastModelId && isUsable(model)) ?? null
}
