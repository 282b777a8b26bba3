import { describe, expect, test } from 'vitest'
import { freedBytes, isSpilling, waysOut } from './spilling'

const plan = { backend: 'cuda', gpuLayers: 33, contextSize: 8192 }
const reply = (evalTokensPerSecond: number, evalTokens = 100) => ({ evalTokensPerSecond, evalTokens })

describe('silent spilling', () => {
  test('below 60 % of the low end, never at it', () => {
    expect(isSpilling(plan, reply(23.9), 40)).toBe(true)
    expect(isSpilling(plan, reply(24), 40)).toBe(false)
    expect(isSpilling(plan, reply(90), 40)).toBe(false)
  })
  test('only where a graphics card is used, and the reply says something', () => {
    expect(isSpilling({ ...plan, backend: 'cpu' }, reply(1), 40)).toBe(false)
    expect(isSpilling({ ...plan, gpuLayers: 0 }, reply(1), 40)).toBe(false)
    expect(isSpilling(plan, reply(1, 8), 40)).toBe(false)
    expect(isSpilling(plan, reply(0), 40)).toBe(false)
    expect(isSpilling(plan, reply(1), 0)).toBe(false)
  })
  test('ways out: a shorter context, fewer layers; none that cannot be', () => {
    expect(waysOut(plan)).toEqual([
      { kind: 'context', contextSize: 4096, gpuLayers: 33 },
      { kind: 'layers', contextSize: 8192, gpuLayers: 29 },
    ])
    expect(waysOut({ ...plan, contextSize: 2048, gpuLayers: 1 })).toEqual([])
    expect(waysOut({ ...plan, contextSize: 2048, gpuLayers: 2 })).toEqual([{ kind: 'layers', contextSize: 2048, gpuLayers: 1 }])
  })
  test('what is freed is counted on the cards only', () => {
    const before = [
      { device: 'gpu0', bytes: 10 },
      { device: 'cpu', bytes: 3 },
    ]
    expect(
      freedBytes(before, [
        { device: 'gpu0', bytes: 6 },
        { device: 'cpu', bytes: 7 },
      ]),
    ).toBe(4)
    expect(freedBytes([], before)).toBe(0)
  })
})
