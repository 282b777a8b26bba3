import type { HardwareReport } from '@shared/domain/hardware'
import { GiB } from '@shared/domain/units'
import { describe, expect, it } from 'vitest'
import { exampleMachines } from '@shared/domain/exampleMachines'
import { mergeHardware } from '@shared/domain/mergeHardware'
import { livePools, poolOfGpu } from './livePools'
import { tankOf } from './memoryBar'

const report = (changes: Partial<HardwareReport>): HardwareReport => ({
  gpus: [],
  ram: { total: 32 * GiB, available: 20 * GiB },
  cpu: { name: 'CPU', physicalCores: 8, logicalCores: 16, usableCores: 8, features: [], bandwidth: null },
  disk: null,
  os: { platform: 'linux', name: 'Debian', release: '12', arch: 'x64' },
  backends: [],
  unifiedMemory: false,
  ...changes,
})
const gpu = { id: '0', name: 'RTX', vendor: 'NVIDIA', driver: null, backends: ['cuda' as const], bandwidth: null, sharedWithRam: false }

describe('livePools', () => {
  it('has RAM alone without a GPU', () => {
    expect(livePools(report({}), []).map((pool) => pool.id)).toEqual(['cpu'])
  })
  it('puts GPUs first and counts our parts as ours, not as other programs', () => {
    const hardware = report({ gpus: [{ ...gpu, kind: 'discrete', vramTotal: 12 * GiB, vramFree: 3 * GiB }] })
    const parts = [{ device: 'gpu0' as const, kind: 'weights' as const, bytes: 8 * GiB }]
    const [vram] = livePools(hardware, parts)
    expect(vram?.id).toBe('gpu0')
    if (vram === undefined) return
    const tank = tankOf(vram, parts)
    expect(tank.segments[0]?.fraction).toBeCloseTo(8 / 12)
    expect(tank.other).toBeCloseTo(1 / 12)
  })
  it("draws the capacity line where the person's own limit of a card is", () => {
    const hardware = report({ gpus: [{ ...gpu, kind: 'discrete', vramTotal: 12 * GiB, vramFree: 11 * GiB }] })
    const [free, ram] = livePools(hardware, [])
    const [limited, sameRam] = livePools(hardware, [], { reserveBytes: null, vramBudgetBytes: 4 * GiB })
    if (free === undefined || limited === undefined) throw new Error('no card')
    expect(tankOf(free, []).line).toBeCloseTo(11 / 12)
    expect(tankOf(limited, []).line).toBeCloseTo(4 / 12)
    expect(tankOf(limited, []).other).toBeCloseTo(1 / 12)
    expect(sameRam).toEqual(ram)
  })
  it('shows the reserve that is set, or the usual one; where other programs reach into it what is loaded still has its place', () => {
    const card = (free: number) => report({ gpus: [{ ...gpu, kind: 'discrete', vramTotal: 12 * GiB, vramFree: free * GiB }] })
    const usual = livePools(card(11), [])
    expect(usual.map(({ reserveBytes }) => reserveBytes / GiB)).toEqual([expect.closeTo(0.36), expect.closeTo(1.92)])
    const mine = livePools(card(11), [], { reserveBytes: 2 * GiB, vramBudgetBytes: null })
    expect(mine.map(({ reserveBytes, takesBytes }) => [reserveBytes, takesBytes])).toEqual([
      [2 * GiB, 0],
      [2 * GiB, 0],
    ])
    const parts = [{ device: 'gpu0' as const, kind: 'weights' as const, bytes: 8 * GiB }]
    const [tight] = livePools(card(0.5), parts, { reserveBytes: 2 * GiB, vramBudgetBytes: null })
    if (tight === undefined) throw new Error('no card')
    expect(tight).toMatchObject({ takesBytes: 8 * GiB, spareBytes: 0, reserveBytes: 2 * GiB })
    expect(tankOf(tight, parts)).toMatchObject({ over: 0, reserve: { width: expect.closeTo(0.5 / 12) as number } })
  })
  it('gives each of two equal cards its own memory, and an idle processor graphics none', () => {
    const recorded = (name: string) => {
      const machine = exampleMachines.find((candidate) => candidate.name.startsWith(name))
      if (machine === undefined) throw new Error(`no machine ${name}`)
      const hardware = mergeHardware(machine.raw)
      const pools = livePools(hardware, [{ device: 'gpu1', kind: 'weights', bytes: 4 * GiB }])
      return hardware.gpus.map((card) => poolOfGpu(hardware, pools, card))
    }
    const [first, second] = recorded('two equal cards')
    expect([first?.freeBytes, second?.freeBytes]).toEqual([23.4 * GiB, 19.5 * GiB])
    expect([first?.takesBytes, second?.takesBytes]).toEqual([0, 4 * GiB])
    const beside = recorded('RTX 4070 12 GB beside an AMD iGPU')
    expect(beside.map((pool) => pool?.id)).toEqual(['gpu0', undefined])
    expect(recorded('Apple M1, 8')).toEqual([undefined])
  })
  it('has one pool for unified memory', () => {
    const hardware = report({
      unifiedMemory: true,
      gpus: [{ ...gpu, kind: 'unified', sharedWithRam: true, vramTotal: 24 * GiB, vramFree: 20 * GiB }],
    })
    expect(livePools(hardware, []).map((pool) => pool.devices)).toEqual([['gpu0', 'cpu']])
  })
})
