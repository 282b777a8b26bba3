import type { EngineStatus, LibraryModel } from '@shared/domain/library'
import { expect, it } from 'vitest'
import { currentModel } from './currentModel'

const row = (id: string, state: LibraryModel['state']) => ({ id, state }) as LibraryModel
const models = [row('here', 'own'), row('gone', 'missing')]
const ready = (modelId: string) => ({ state: 'ready', modelId }) as EngineStatus

it('what is in memory answers, even when its file is gone by now', () => {
  expect(currentModel(ready('gone'), models, 'here')?.id).toBe('gone')
  expect(currentModel({ state: 'loading', modelId: 'gone', fraction: 0 }, models, null)?.id).toBe('gone')
})

it('the last choice only where it can be loaded', () => {
  expect(currentModel({ state: 'empty' }, models, 'here')?.id).toBe('here')
  expect(currentModel({ state: 'empty' }, models, 'gone')).toBeNull()
  expect(currentModel({ state: 'empty' }, models, null)).toBeNull()
})
