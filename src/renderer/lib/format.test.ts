import { GiB } from '@shared/domain/units'
import { describe, expect, it } from 'vitest'
import { count, gib, parameters, perSecond, range, seconds, size, speed, timeLeft } from './format'

describe('numbers', () => {
  it('groups and rounds as they are read', () => {
    expect(count(8192)).toBe('8,192')
    expect(gib(10.34 * GiB)).toBe('10.3')
    expect(gib(1.25 * GiB, true)).toBe('1.25')
    expect(gib(931.4 * GiB)).toBe('931')
    expect(size(98_362_432)).toBe('94 MiB')
    expect(size(8.38 * GiB)).toBe('8.4 GiB')
    expect(perSecond(42_600_000)).toBe('42.6 MB/s')
    expect(parameters(14.77e9)).toBe('14.8B')
    expect(parameters(135e6)).toBe('135M')
    expect(parameters(8e9)).toBe('8.0B')
  })
  it('writes a prediction as a range and a measurement as one number', () => {
    expect(range([37.2, 41.8])).toBe('37–42')
    expect(range([2.41, 2.79])).toBe('2.4–2.8')
    expect(range([120, 120.2])).toBe('120')
    expect(speed(38.24)).toBe('38.2')
    expect(speed(5)).toBe('5.0')
  })
  it('says time in words without decimals', () => {
    expect(timeLeft(176, 'en')).toBe('3 min')
    expect(timeLeft(12.4, 'zh-CN')).toBe('12 秒')
    expect(timeLeft(7_500, 'en')).toBe('2 h 5 min')
    expect(seconds(190)).toBe('0.19')
    expect(seconds(12_300)).toBe('12')
  })
})
