import { describe, expect, it } from 'vitest'
import { scoreScale, speedScale } from './chartScale'

describe('scales of the chart', () => {
  it('doublings are equally far apart', () => {
    const { at, ticks } = speedScale([5, 10, 40])
    expect(at(10) - at(5)).toBeCloseTo((at(40) - at(10)) / 2)
    expect(at(5)).toBeGreaterThan(0)
    expect(at(40)).toBeLessThan(1)
    expect(ticks).toEqual([5, 10, 20])
  })
  it('scores go evenly, and one dot alone stands in the middle', () => {
    const { at, ticks } = scoreScale([31, 50, 69])
    expect(at(50)).toBeCloseTo(0.5)
    expect(ticks).toEqual([40, 50, 60])
    expect(scoreScale([40]).at(40)).toBe(0.5)
  })
})
