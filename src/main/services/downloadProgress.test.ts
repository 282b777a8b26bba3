import { describe, expect, it } from 'vitest'
import { SpeedMeter, secondsLeft } from './downloadProgress'

describe('the speed of a download', () => {
  it('is silent for 3 s, then an average over the last 10 s', () => {
    const meter = new SpeedMeter()
    for (let second = 0; second <= 20; second++) meter.add(second <= 10 ? 0 : (second - 10) * 1_000_000, second * 1_000)
    expect(meter.bytesPerSecond(20_000)).toBe(1_000_000)
    const young = new SpeedMeter()
    young.add(0, 0)
    young.add(5_000_000, 2_000)
    expect(young.bytesPerSecond(2_999)).toBeNull()
    expect(young.bytesPerSecond(5_000)).toBe(1_000_000)
  })

  it('falls while nothing arrives, and does not count a new beginning as speed', () => {
    const meter = new SpeedMeter()
    meter.add(0, 0)
    meter.add(8_000_000, 4_000)
    expect(meter.bytesPerSecond(4_000)).toBe(2_000_000)
    expect(meter.bytesPerSecond(8_000)).toBe(1_000_000)
    meter.add(0, 9_000)
    expect(meter.bytesPerSecond(10_000)).toBeNull()
  })

  it('tells the time left, or nothing', () => {
    expect(secondsLeft(30, 10)).toBe(3)
    expect(secondsLeft(30, 0)).toBeNull()
    expect(secondsLeft(30, null)).toBeNull()
  })
})
