import { messages } from '@shared/i18n'
import { GiB } from '@shared/domain/units'
import { expect, it } from 'vitest'
import { reasonSentence } from './reason'

it('several cards are counted where one is named', () => {
  const reason = { kind: 'full-gpu' as const, device: 'RTX 3090', spareBytes: 5 * GiB, contextSize: 8192 }
  const split = { ...reason, kind: 'partial-gpu' as const, gpuLayers: 40, totalLayers: 81 }
  const [en, zh] = [messages('en'), messages('zh-CN')]
  expect(reasonSentence({ ...reason, decode: [10, 12], cards: 1 }, en)).toMatch(/^It lies wholly on RTX 3090 with 5\.0+ GiB to spare/)
  expect(reasonSentence({ ...reason, decode: [10, 12], cards: 2 }, en)).toMatch(/^It lies wholly on 2 cards with 5\.0+ GiB to spare/)
  expect(reasonSentence({ ...split, decode: [10, 12], cards: 2 }, en)).toMatch(/^40 of 81 layers lie on 2 cards, the rest in RAM/)
  expect(reasonSentence({ ...reason, decode: [10, 12], cards: 2 }, zh)).toContain('全部放进 2 张显卡')
})
