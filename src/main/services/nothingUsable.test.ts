import { expect, test } from 'vitest'
import { exampleMachines } from '@shared/domain/exampleMachines'
import { mergeHardware } from '@shared/domain/mergeHardware'
import { nothingUsable } from '@shared/domain/nothingUsable'
import { GiB } from '@shared/domain/units'
import { loadCatalog } from './catalog'
import { RecommendationService } from './recommendation'

const catalog = loadCatalog()

function serviceWith(ram?: { total: number; available: number }): RecommendationService {
  const machine = exampleMachines.find(({ name }) => name.startsWith('no GPU, 8'))
  if (machine === undefined) throw new Error('no such machine')
  const report = mergeHardware(ram === undefined ? machine.raw : { ...machine.raw, ram: { ...machine.raw.ram, ...ram } })
  return new RecommendationService({ catalog, hardware: { report: async () => report } })
}

test('where something can be recommended there is nothing to say', async () => {
  expect(nothingUsable(await serviceWith().recommend())).toBeNull()
  expect(nothingUsable([])).toBeNull()
})

test.each([{ decode: 5_000 }, { firstTokenMs: 1 }, { decode: 500, firstTokenMs: 20 }])(
  'too slow for %o is not too big, and what would have to be enough is enough',
  async (needs) => {
    const service = serviceWith()
    const nothing = nothingUsable(await service.recommend({ needs }))
    if (nothing?.kind !== 'too-slow') throw new Error(`said ${nothing?.kind}`)
    const after = await service.recommend({ needs: nothing.lowered })
    const named = after.find(({ model }) => model.name === nothing.name)
    expect(named?.alternatives.find(({ quantization }) => quantization === nothing.quantization)?.grade).not.toBe('slow')
    expect(nothingUsable(after)).toBeNull()
    expect(nothing.lowered.decode).toBeLessThanOrEqual(nothing.needs.decode)
    expect(nothing.lowered.firstTokenMs).toBeGreaterThanOrEqual(nothing.needs.firstTokenMs)
  },
)

test('too big: the smallest by name, and what freeing would do; a demonstration that fits is no recommendation', async () => {
  const small = await serviceWith({ total: 1.05 * GiB, available: 1.05 * GiB }).recommend()
  expect(small.some(({ model, usable }) => usable && model.demonstration)).toBe(true)
  const nothing = nothingUsable(small)
  if (nothing?.kind !== 'too-big') throw new Error(`said ${nothing?.kind}`)
  expect(nothing.freeUp).toBeNull()
  const real = small.filter(({ model }) => !model.demonstration).flatMap(({ alternatives }) => alternatives)
  expect(nothing.smallest.takesBytes).toBe(Math.min(...real.map(({ fit }) => fit.totalBytes)))
  const held = nothingUsable(await serviceWith({ total: 8 * GiB, available: 0.6 * GiB }).recommend())
  if (held?.kind !== 'too-big' || held.freeUp === null) throw new Error(`said ${held?.kind}`)
  expect(nothingUsable(await serviceWith({ total: 8 * GiB, available: 0.6 * GiB + held.freeUp.bytes + 1 }).recommend())?.kind).not.toBe(
    'too-big',
  )
})

test('of another size something can', async () => {
  const all = await serviceWith().recommend()
  const heavy = all.filter(({ sizeClass }) => sizeClass.id === 'heavy')
  const best = all.find(({ usable, model }) => usable && !model.demonstration)
  expect(nothingUsable(heavy, all)).toMatchObject({ kind: 'other-size', size: 'light', name: best?.model.name })
  // Of the same size it would be no other one.
  const light = all.filter(({ sizeClass, usable }) => sizeClass.id === 'light' && !usable)
  expect(light.length).toBeGreaterThan(0)
  expect(nothingUsable([...light, ...heavy], all)?.kind).toBe('too-slow')
})
