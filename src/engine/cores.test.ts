import { describe, expect, it } from 'vitest'
import { countUsableCores, parseCpuList, parseCpuMax, usableCores } from './cores'

describe('usable cores', () => {
  it('reads lists and quotas', () => {
    expect(parseCpuList('0-3,8,10-11\n')).toEqual([0, 1, 2, 3, 8, 10, 11])
    expect(parseCpuList('')).toEqual([])
    expect(parseCpuMax('max 100000\n')).toBeNull()
    expect(parseCpuMax('250000 100000')).toBe(2)
    expect(parseCpuMax('50000 100000')).toBe(1)
  })

  it.each([
    { name: '8 threads on 4 cores', allowed: [0, 1, 2, 3, 4, 5, 6, 7], siblings: 4, quota: null, cores: 4 },
    { name: 'affinity to one core', allowed: [2], siblings: 4, quota: null, cores: 1 },
    { name: 'a quota below the cores', allowed: [0, 1, 2, 3], siblings: 4, quota: 2, cores: 2 },
    { name: 'a quota above the cores', allowed: [0, 1], siblings: 2, quota: 16, cores: 2 },
    { name: 'nothing known', allowed: [], siblings: 1, quota: null, cores: 1 },
  ])('counts $name', ({ allowed, siblings, quota, cores }) => {
    expect(countUsableCores({ allowed, coreOf: (processor) => String(processor % siblings), quota })).toBe(cores)
  })

  it('finds at least one here', () => {
    expect(usableCores()).toBeGreaterThanOrEqual(1)
  })
})
