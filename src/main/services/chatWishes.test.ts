import { expect, it } from 'vitest'
import type { Download, EngineStatus } from '@shared/domain/library'
import { ChatWishes } from './chatWishes'

const ready = (modelId: string) => ({ state: 'ready', modelId }) as EngineStatus

/** One download that brings the model `new`. */
function setUp(status: EngineStatus) {
  const engine = { now: status, generating: false, status: () => engine.now }
  let wanted = false
  const wishes = new ChatWishes({
    engine,
    downloads: {
      get: () => ({ modelId: 'new' }) as Download,
      wantChat: () => {
        wanted = true
      },
      takeChat: () => {
        const was = wanted
        wanted = false
        return was
      },
    },
  })
  return { engine, wishes, ask: () => wishes.with(Promise.resolve({ id: 'd' })) }
}

it('is carried out once, where nothing is loaded or what is loaded was there before', async () => {
  const empty = setUp({ state: 'empty' })
  expect(empty.wishes.take('d')).toBe('none')
  expect(await empty.ask()).toEqual({ id: 'd' })
  expect([empty.wishes.take('d'), empty.wishes.take('d')]).toEqual(['now', 'none'])
  const before = setUp(ready('old'))
  await before.ask()
  expect(before.wishes.take('d')).toBe('now')
  const already = setUp({ state: 'empty' })
  await already.ask()
  already.engine.now = ready('new')
  expect(already.wishes.take('d')).toBe('now')
})

it('takes no model away that writes, or that was chosen meanwhile', async () => {
  const chosen = setUp(ready('old'))
  await chosen.ask()
  chosen.engine.now = { state: 'loading', modelId: 'other', fraction: 0.2 }
  expect(chosen.wishes.take('d')).toBe('later')
  const writing = setUp(ready('old'))
  await writing.ask()
  writing.engine.generating = true
  expect(writing.wishes.take('d')).toBe('later')
})
