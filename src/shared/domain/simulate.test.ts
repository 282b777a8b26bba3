import { describe, expect, test } from 'vitest'
import { exampleMachines } from './exampleMachines'
import { mergeHardware } from './mergeHardware'
import { bestBackend, memoryPools } from './pools'
import { parseSimulated, simulateMachine, simulatedDevices } from './simulate'
import { GiB } from './units'

const laptop = mergeHardware((exampleMachines.find(({ name }) => name.startsWith('no GPU, 8')) ?? fail()).raw)
const named = (device: string) => simulateMachine(laptop, { device, vramBytes: null, ramBytes: null })

describe('a simulated machine', () => {
  test.each(simulatedDevices)('%s is a row of the table, with the memory it says', (name) => {
    const gib = Number(/(\d+) GB$/.exec(name)?.[1])
    expect(parseSimulated(name)?.vramBytes).toBe(gib * GiB)
    const report = named(name)
    expect(report?.gpus[0]?.bandwidth).not.toBeNull()
    expect(memoryPools(report ?? laptop, bestBackend(report ?? laptop))[0]?.devices).toContain('gpu0')
  })
  test('free figures: a card beside the RAM that is named, or none', () => {
    const card = simulateMachine(laptop, { device: null, vramBytes: 24 * GiB, ramBytes: 64 * GiB }) ?? fail()
    const pools = memoryPools(card, bestBackend(card))
    expect(pools.map((pool) => pool.totalBytes / GiB)).toEqual([24, 64])
    expect(pools.every((pool) => pool.freeBytes < pool.totalBytes)).toBe(true)
    const none = simulateMachine({ ...card }, { device: null, vramBytes: 0, ramBytes: 16 * GiB }) ?? fail()
    expect([none.gpus, bestBackend(none), none.ram.total]).toEqual([[], 'cpu', 16 * GiB])
  })
  test('a device with another memory than it was sold with; RAM stays that of this machine', () => {
    const report = simulateMachine(laptop, { device: 'RTX 4090', vramBytes: 48 * GiB, ramBytes: null })
    expect(report?.gpus[0]?.vramTotal).toBe(48 * GiB)
    expect(report?.ram).toEqual(laptop.ram)
  })
  test('what is not in the table is refused', () => expect(named('Voodoo 2')).toBeNull())
})

function fail(): never {
  throw new Error('no such machine')
}
