import { describe, expect, it } from 'vitest'
import { temperatureAfterKey, temperatureText } from './temperatureKeys'

describe('temperature by keyboard', () => {
  it('moves a tenth by arrows and stops at the ends', () => {
    expect(temperatureAfterKey(0.6, 'ArrowRight')).toBe(0.7)
    expect(temperatureAfterKey(0.3, 'ArrowLeft')).toBe(0.2)
    expect(temperatureAfterKey(0, 'ArrowLeft')).toBe(0)
    expect(temperatureAfterKey(2, 'ArrowUp')).toBe(2)
  })
  it('moves a band by Page keys', () => {
    expect(temperatureAfterKey(0.2, 'PageUp')).toBe(0.4)
    expect(temperatureAfterKey(0.6, 'PageUp')).toBe(0.8)
    expect(temperatureAfterKey(1.5, 'PageUp')).toBe(2)
    expect(temperatureAfterKey(0.6, 'PageDown')).toBe(0.1)
    expect(temperatureAfterKey(0.2, 'PageDown')).toBe(0)
  })
  it('leaves other keys alone', () => {
    expect(temperatureAfterKey(0.6, 'a')).toBeNull()
  })
  it('writes one decimal, two where needed', () => {
    expect(temperatureText(0.6)).toBe('0.6')
    expect(temperatureText(0.65)).toBe('0.65')
    expect(temperatureText(2)).toBe('2.0')
  })
})
