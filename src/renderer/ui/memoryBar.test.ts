import type { PoolFit } from '@shared/domain/poolFit'
import type { MemoryPart } from '@shared/domain/memory'
import { GiB } from '@shared/domain/units'
import { describe, expect, it } from 'vitest'
import { sumByGroup } from '@shared/domain/memoryGroups'
import { tankOf } from './memoryBar'

const pool = (changes: Partial<PoolFit>): PoolFit => ({
  id: 'gpu0',
  devices: ['gpu0'],
  name: 'RTX',
  kind: 'discrete',
  totalBytes: 12 * GiB,
  freeBytes: 11 * GiB,
  returnedBytes: 0,
  reserveBytes: 0.36 * GiB,
  limit: null,
  budgetBytes: 10.64 * GiB,
  takesBytes: 0,
  spareBytes: 1 * GiB,
  ...changes,
})
const parts: MemoryPart[] = [
  { device: 'gpu0', kind: 'weights', bytes: 6 * GiB },
  { device: 'gpu0', kind: 'kv', bytes: 1 * GiB },
  { device: 'gpu0', kind: 'checkpoint', bytes: 0.5 * GiB },
  { device: 'gpu0', kind: 'output', bytes: 0.5 * GiB },
  { device: 'cpu', kind: 'weights', bytes: 3 * GiB },
]

describe('tankOf', () => {
  it('draws parts of its own device in the fixed order, the line at what is free', () => {
    const tank = tankOf(pool({}), parts)
    expect(tank.segments.map((segment) => segment.group)).toEqual(['weights', 'kv', 'compute'])
    expect(tank.segments[1]?.fraction).toBeCloseTo(1.5 / 12)
    expect(tank.line).toBeCloseTo(11 / 12)
    expect(tank.other).toBeCloseTo(1 / 12)
    expect(tank.reserve.width).toBeCloseTo(0.36 / 12)
    expect(tank.reserve.from + tank.reserve.width).toBeCloseTo(tank.line)
    expect(tank.over).toBe(0)
  })

  it('draws the reserve where nothing lies, narrower where parts reach into it, and not where they do not fit', () => {
    const empty = tankOf(pool({}), []).reserve
    expect([empty.from, empty.width].map((share) => share * 12)).toEqual([expect.closeTo(10.64), expect.closeTo(0.36)])
    const nearly = tankOf(pool({ freeBytes: 0.1 * GiB, returnedBytes: 8 * GiB, spareBytes: 0 }), parts).reserve
    expect([nearly.from, nearly.width].map((share) => share * 12)).toEqual([expect.closeTo(8), expect.closeTo(0.1)])
    expect(tankOf(pool({ freeBytes: 5 * GiB, spareBytes: -3.36 * GiB }), parts).reserve.width).toBe(0)
  })

  it('counts what our own model would give back as free', () => {
    expect(tankOf(pool({ freeBytes: 2 * GiB, returnedBytes: 9 * GiB }), []).line).toBeCloseTo(11 / 12)
  })

  it('tears the end instead of crossing the line when it does not fit', () => {
    const tank = tankOf(pool({ freeBytes: 5 * GiB, budgetBytes: 4 * GiB, takesBytes: 8 * GiB, spareBytes: -4 * GiB }), parts)
    const drawn = tank.segments.reduce((sum, segment) => sum + segment.fraction, 0)
    expect(drawn).toBeLessThanOrEqual(tank.line)
    expect(tank.over).toBeGreaterThan(0)
    expect(drawn + tank.over).toBeLessThanOrEqual(1)
  })

  it('marks what the platform lends the GPU, in its place, beside what is free', () => {
    const shared = { devices: ['gpu0', 'cpu'] as PoolFit['devices'], totalBytes: 16 * GiB }
    const limit = { name: 'metal-working-set' as const, device: 'gpu0' as const, bytes: 10.67 * GiB }
    const tank = tankOf(pool({ ...shared, limit }), parts)
    expect(tank.limit).toMatchObject({ name: 'metal-working-set', bytes: limit.bytes })
    expect(tank.limit?.at).toBeCloseTo(10.67 / 16)
    expect(tank.line).toBeCloseTo(11 / 16)
    // All of it: nothing to mark.
    expect(tankOf(pool({ ...shared, limit: { ...limit, bytes: 16 * GiB } }), parts).limit).toBeNull()
    expect(tankOf(pool({}), parts).limit).toBeNull()
  })

  it('shows what is usually free and held now', () => {
    expect(tankOf(pool({ nowBytes: 5 * GiB }), parts).held).toBeCloseTo(6 / 12)
    expect(tankOf(pool({}), parts).held).toBe(0)
  })

  it('counts unified memory once', () => {
    const sums = sumByGroup(parts, ['gpu0', 'cpu'])
    expect(sums.weights).toBe(9 * GiB)
    expect(sums.kv).toBe(1.5 * GiB)
  })
})
