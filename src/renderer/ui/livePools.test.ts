import type { HardwareReport } from '@shared/domain/hardware'
import { GiB } from '@shared/domain/units'
import { describe, expect, it } from 'vitest'
import { livePools } from './livePools'
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
    const [limited, sameRam] = livePools(hardware, [], 4 * GiB)
    if (free === undefined || limited === undefined) throw new Error('no card')
    expect(tankOf(free, []).line).toBeCloseTo(11 / 12)
    expect(tankOf(limited, []).line).toBeCloseTo(4 / 12)
    expect(tankOf(limited, []).other).toBeCloseTo(1 / 12)
    expect(sameRam).toEqual(ram)
  })
  it('has one pool for unified memory', () => {
    const hardware = report({
      unifiedMemory: true,
      gpus: [{ ...gpu, kind: 'unified', sharedWithRam: true, vramTotal: 24 * GiB, vramFree: 20 * GiB }],
    })
    expect(livePools(hardware, []).map((pool) => pool.devices)).toEqual([['gpu0', 'cpu']])
  })
})
