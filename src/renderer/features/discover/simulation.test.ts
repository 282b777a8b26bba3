import { GiB } from '@shared/domain/units'
import { describe, expect, it } from 'vitest'
import { markFit, simulatedName } from './simulation'

const words = { vram: 'VRAM', ram: 'RAM', none: 'no graphics card' }

describe('a simulated machine', () => {
  it('has a name, whatever it was made from', () => {
    expect(simulatedName({ device: 'RTX 4090 24 GB', vramBytes: null, ramBytes: null }, words)).toBe('RTX 4090 24 GB')
    expect(simulatedName({ device: null, vramBytes: 24 * GiB, ramBytes: 64 * GiB }, words)).toBe('24 GiB VRAM + 64 GiB RAM')
    expect(simulatedName({ device: null, vramBytes: 0, ramBytes: 7.5 * GiB }, words)).toBe('no graphics card + 7.5 GiB RAM')
  })
  it('marks every card and leaves RAM its word', () => {
    const pool = { id: 'gpu0' as const, devices: ['gpu0' as const], name: 'RTX 4090', kind: 'discrete' as const, totalBytes: 1 }
    const rest = { freeBytes: 1, returnedBytes: 0, reserveBytes: 0, limit: null, budgetBytes: 1, takesBytes: 0, spareBytes: 1 }
    const pools = [
      { ...pool, ...rest },
      { ...pool, ...rest, id: 'cpu' as const, name: 'RAM' },
    ]
    const marked = markFit({ pools } as unknown as Parameters<typeof markFit>[0], (name) => `${name} (simulated)`)
    expect(marked.pools.map(({ name }) => name)).toEqual(['RTX 4090 (simulated)', 'RAM'])
  })
})
