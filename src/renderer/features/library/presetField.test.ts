import { expect, test } from 'vitest'
import { parsePreset } from './PresetField'

test('what is written becomes a value, automatic, or nothing', () => {
  expect(parsePreset('  ', { min: 1, max: 9 })).toBeNull()
  expect(parsePreset('0.5', { min: 0, max: 2 })).toBe(0.5)
  expect(parsePreset('0.5', { min: 0, max: 2, integer: true })).toBeUndefined()
  expect(parsePreset('3', { min: 0, max: 2 })).toBeUndefined()
  expect(parsePreset('Max', { min: 0, max: 2, word: 'max' })).toBe('max')
  expect(parsePreset('max', { min: 0, max: 2 })).toBeUndefined()
})
