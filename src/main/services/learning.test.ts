import { expect, test } from 'vitest'
import type { GenerationStats } from '@shared/domain/chat'
import type { ModelFacts } from '@shared/domain/gguf'
import type { LoadedModel } from '@shared/engine/protocol'
import { learning } from './learning'

test('a reply of a card that spills says nothing, of any kind', async () => {
  const kept: string[] = []
  let spills = true
  const learn = learning({
    models: { get: (id) => (id === 'gone' ? undefined : { facts: {} as ModelFacts }) },
    samples: { isSpilling: async () => spills, add: async (id) => void kept.push(`sample ${id}`) },
    measuredSpeeds: { add: async (id) => void kept.push(`speed ${id}`) },
    calibration: { refresh: async () => void kept.push('shown') },
  })
  await learn('m', {} as GenerationStats, {} as LoadedModel)
  expect(kept).toEqual([])
  spills = false
  await learn('gone', {} as GenerationStats, {} as LoadedModel)
  expect(kept).toEqual([])
  await learn('m', {} as GenerationStats, {} as LoadedModel)
  expect(kept).toEqual(['speed m', 'sample m', 'shown'])
})
