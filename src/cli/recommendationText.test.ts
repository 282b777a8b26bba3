import { expect, test } from 'vitest'
import { exampleMachines } from '@shared/domain/exampleMachines'
import { llama8b } from '@shared/domain/exampleModels'
import { mergeHardware } from '@shared/domain/mergeHardware'
import { GiB } from '@shared/domain/units'
import { messages } from '@shared/i18n'
import { loadCatalog } from '../main/services/catalog'
import { RecommendationService } from '../main/services/recommendation'
import { fitText, recommendationText } from './commands/fit'
import type { Output } from './output'

const machine = exampleMachines.find(({ name }) => name.startsWith('no GPU, 8')) ?? fail()
const catalog = loadCatalog()

function fail(): never {
  throw new Error('no such machine')
}

async function said(language: 'en' | 'zh-CN', ram: object, needs = {}): Promise<string> {
  const report = mergeHardware({ ...machine.raw, ram: { ...machine.raw.ram, ...ram } })
  const list = await new RecommendationService({ catalog, hardware: { report: async () => report } }).recommend({ needs })
  return recommendationText(list, { words: messages(language), language } as Output, 10)
}

test.each(['en', 'zh-CN'] as const)(
  '%s: too slow names the flags that would help, too big the smallest model and a shorter context',
  async (language) => {
    const slow = await said(language, {}, { decode: 5_000 })
    expect(slow).toMatch(/--min-speed [\d.]+$/m)
    expect(slow).not.toContain('--first-token')
    expect(slow).not.toContain('--context')
    expect(await said(language, {}, { firstTokenMs: 1 })).toMatch(/--first-token \d+$/m)
    const big = await said(language, { total: 1.05 * GiB, available: 1.05 * GiB })
    expect(big).toContain('--context 2048')
    expect(big).not.toContain('--min-speed')
    expect(big).toContain('--simulate')
    expect(big).not.toContain('SmolLM2')
  },
)

test('a file that does not fit says what would have to be freed, or what an empty machine lacks', async () => {
  const fit = async (ram: object) => {
    const report = mergeHardware({ ...machine.raw, ram: { ...machine.raw.ram, ...ram } })
    const service = new RecommendationService({ catalog, hardware: { report: async () => report } })
    return fitText(await service.fitFile(llama8b), { words: messages('en'), language: 'en' })
  }
  expect(await fit({ total: 16 * GiB, available: 4 * GiB })).toMatch(/would run if other programs freed [\d.]+ GiB$/)
  expect(await fit({ total: 4 * GiB, available: GiB })).toMatch(/even an empty machine lacks 2\.\d GiB for it$/)
  expect(await fit({ total: 16 * GiB, available: 15 * GiB })).not.toMatch(/freed|lacks/)
})
