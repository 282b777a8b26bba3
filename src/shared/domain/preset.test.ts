import { expect, test } from 'vitest'
import { defaultSampling } from './chat'
import { automaticPreset, changedPreset, effectiveSampling, isAutomatic, recommendedSampling, samplingFor } from './preset'
import { type ThinkingCapability, thinksFirst } from './thinking'

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

test('values for thinking stand instead of the others, whole', () => {
  const maker = { temperature: 0.7, minP: 0, thinking: { temperature: 1 } }
  expect(samplingFor(maker, true)).toEqual({ temperature: 1 })
  expect(samplingFor(maker, false)).toMatchObject({ temperature: 0.7, minP: 0 })
  expect(samplingFor({ temperature: 0.6 }, true)).toEqual({ temperature: 0.6 })
  expect(samplingFor(null, true)).toBeNull()
})

const markers = { family: 'think', open: [], close: [], answerOpen: [], answerClose: [], gracefulClose: '' }
const toggle = (defaultOn: boolean): ThinkingCapability => ({ kind: 'toggle', variable: 'v', defaultOn, markers })
const effort = { kind: 'effort', variable: 'v', levels: ['low', 'high'], defaultLevel: 'low', offLevel: null, markers } as const
test.each([
  [{ kind: 'none' }, { mode: 'on' }, false],
  [{ kind: 'always', markers }, { mode: 'off' }, true],
  [toggle(true), { mode: 'default' }, true],
  [toggle(false), { mode: 'default' }, false],
  [toggle(true), { mode: 'off' }, false],
  [toggle(false), { mode: 'effort', level: 'high' }, true],
  [{ ...effort, levels: ['low', 'high'] }, { mode: 'off' }, true],
  [{ ...effort, levels: ['none', 'low'], offLevel: 'none' }, { mode: 'off' }, false],
  [{ ...effort, levels: ['low'], toggle: { variable: 'w', defaultOn: true } }, { mode: 'off' }, false],
  [{ ...effort, levels: ['low'], toggle: { variable: 'w', defaultOn: true } }, { mode: 'effort', level: 'low' }, true],
  [{ ...effort, levels: ['low'], toggle: { variable: 'w', defaultOn: false } }, { mode: 'default' }, false],
] as const)('whether a reply thinks first: %o, %o: %s', (capability, choice, thinks) => {
  expect(thinksFirst(capability as ThinkingCapability, choice)).toBe(thinks)
})
