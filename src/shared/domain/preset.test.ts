import { expect, test } from 'vitest'
import { defaultSampling } from './chat'
import { automaticPreset, changedPreset, effectiveSampling, isAutomatic, recommendedSampling } from './preset'

test("the chat's value wins over the preset's, and that over the maker's", () => {
  const preset = { ...automaticPreset.sampling, temperature: 0.5, topK: 7 }
  const maker = { temperature: 1, topP: 0.95, topK: 64 }
  expect(effectiveSampling({ ...defaultSampling, temperature: 0 }, preset, maker)).toMatchObject({ temperature: 0, topP: 0.95, topK: 7 })
  expect(effectiveSampling(defaultSampling, preset, maker).temperature).toBe(0.5)
  expect(effectiveSampling(defaultSampling, null, maker).temperature).toBe(1)
  expect(effectiveSampling({ ...defaultSampling, seed: 3 }, null, null)).toEqual({ ...defaultSampling, seed: 3 })
})

test("the file's own recommendation wins whole over the catalogue's", () => {
  expect(recommendedSampling({ temperature: 0.6 }, { temperature: 1, topK: 20 })).toEqual({ values: { temperature: 0.6 }, from: 'file' })
  expect(recommendedSampling({}, { topK: 20 })).toEqual({ values: { topK: 20 }, from: 'catalogue' })
  expect(recommendedSampling(null, null)).toBeNull()
})

test('a preset that says nothing is automatic', () => {
  expect(isAutomatic(automaticPreset)).toBe(true)
  expect(isAutomatic({ ...automaticPreset, load: { ...automaticPreset.load, gpuLayers: 0 } })).toBe(false)
})

test('a change leaves what it does not name', () => {
  const first = changedPreset(automaticPreset, { load: { threads: 2 } })
  expect(changedPreset(first, { sampling: { topK: 5 }, load: { contextSize: undefined } })).toMatchObject({
    load: { threads: 2, contextSize: null },
    sampling: { topK: 5 },
  })
  expect(isAutomatic(changedPreset(first, { load: { threads: null } }))).toBe(true)
})
