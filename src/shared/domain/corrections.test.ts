import { describe, expect, test } from 'vitest'
import { type SpeedRatio, correctRange, correctionsOf, runPlace } from './corrections'
import { llama1b, llama8b, qwen3moe8 } from './exampleModels'
import type { MemoryOptions } from './memory'
import { type DeviceSpeed, predictSpeed } from './speed'

const reply = (modelId: string, decode: number, more: Partial<SpeedRatio> = {}): SpeedRatio => ({
  modelId,
  place: 'cpu',
  mixture: false,
  threads: 4,
  decode,
  prefill: null,
  ...more,
})
const cpu: DeviceSpeed[] = [
  { device: 'cpu', dense: [20e9, 40e9], mixture: [15e9, 30e9], prefillFlops: [100e9, 200e9], fixedMs: [1, 1], source: 'table' },
]
const options: MemoryOptions = {
  gpuLayers: 0,
  contextSize: 8192,
  batchSize: 128,
  kvCacheType: 'f16',
  flashAttention: true,
  useMmap: false,
  gpus: [],
}
const width = ([low, high]: readonly [number, number]) => high / low

describe('what replies say of this machine', () => {
  test('one model is believed by half, three by three quarters: 0.5 of what was said, then', () => {
    const factor = (models: number) =>
      correctionsOf(Array.from({ length: models }, (_, index) => reply(`m${index}`, 0.5)))['cpu/dense']?.decode.factor
    expect(factor(1)).toBeCloseTo(0.5 ** (1 / 2), 6)
    expect(factor(2)).toBeCloseTo(0.5 ** (2 / 3), 6)
    expect(factor(3)).toBeCloseTo(0.5 ** (3 / 4), 6)
  })
  test('a model that is used all day counts once, and an odd reply not at all', () => {
    const many = Array.from({ length: 50 }, (_, index) => reply('daily', index === 7 ? 0.01 : 0.8))
    const by = correctionsOf([...many, reply('b', 0.8), reply('c', 0.8)])['cpu/dense']?.decode
    expect(by).toMatchObject({ models: 3, spread: 0 })
    expect(by?.factor).toBeCloseTo(0.8 ** (3 / 4), 6)
  })
  test('bounded: no reply makes a prediction more than twice as fast or half as slow', () => {
    for (const ratio of [1e-6, 1e6]) {
      const factor = correctionsOf([reply('m', ratio)])['cpu/dense']?.decode.factor ?? 0
      expect(Math.abs(Math.log(factor))).toBeLessThanOrEqual(Math.log(2) / 2 + 1e-9)
    }
    expect(correctionsOf([reply('m', Number.NaN), reply('n', 0)])).toEqual({})
  })
  test('processor, card and split, dense and mixture are learned apart', () => {
    const by = correctionsOf([reply('a', 0.8), reply('b', 1.2, { place: 'gpu' }), reply('c', 1.5, { mixture: true })])
    expect(Object.keys(by).toSorted()).toEqual(['cpu/dense', 'cpu/mixture', 'gpu/dense'])
    expect(runPlace(16, { gpuLayers: 17, gpus: [{ device: 'gpu0', share: 1, contextBytes: 0 }] })).toBe('gpu')
    expect(runPlace(16, { gpuLayers: 16, gpus: [{ device: 'gpu0', share: 1, contextBytes: 0 }] })).toBe('split')
    expect(runPlace(16, { gpuLayers: 16, gpus: [] })).toBe('cpu')
  })
  test('fewer threads than usual are no news of the processor; on a card their number is', () => {
    const slow = reply('a', 0.3, { threads: 1 })
    expect(correctionsOf([slow, reply('b', 1), reply('c', 1)])['cpu/dense']?.decode).toMatchObject({ models: 2, factor: 1 })
    expect(correctionsOf([{ ...slow, place: 'gpu' }, reply('b', 1, { place: 'gpu' })])['gpu/dense']?.decode.models).toBe(2)
  })
})

describe('a corrected prediction', () => {
  const after = (...ratios: SpeedRatio[]) => predictSpeed(llama1b, options, cpu, correctionsOf(ratios))
  const plain = predictSpeed(llama1b, options, cpu)

  test('moves to where other models were, and says from how many', () => {
    const slower = after(reply('a', 0.7), reply('b', 0.7), reply('c', 0.7))
    expect(slower.learnedFrom).toBe(3)
    expect(slower.decode[1]).toBeLessThan(plain.decode[1])
    expect(slower.source).toBe('table')
    expect(plain.learnedFrom).toBeUndefined()
  })
  test('narrows with each model that agrees, never below what one can be off, and not where they disagree', () => {
    const widths = [0, 1, 2, 4, 8, 30].map((count) =>
      width(after(...Array.from({ length: count }, (_, index) => reply(`m${index}`, 1))).decode),
    )
    for (let index = 1; index < widths.length; index++) expect(widths[index]).toBeLessThanOrEqual(widths[index - 1] ?? 0)
    expect(widths[3]).toBeLessThan((widths[0] ?? 0) * 0.8)
    expect(correctRange([10, 40], { factor: 1, spread: 0, models: 1000 })[1]).toBeCloseTo(20 * 1.1, 6)
    const torn = after(reply('a', 0.6), reply('b', 1), reply('c', 1.7), reply('d', 0.62), reply('e', 1.6))
    const agreed = after(...['a', 'b', 'c', 'd', 'e'].map((id) => reply(id, 1)))
    expect(width(torn.decode)).toBeGreaterThan(width(agreed.decode))
  })
  test('what a long context costs stays in the range: it is no uncertainty', () => {
    const sure = correctionsOf(Array.from({ length: 400 }, (_, index) => reply(`m${index}`, 1)))
    const short = predictSpeed(llama8b, { ...options, contextSize: 512 }, cpu, sure)
    const long = predictSpeed(llama8b, { ...options, contextSize: 65_536 }, cpu, sure)
    expect(width(long.decode)).toBeGreaterThan(width(short.decode) * 1.3)
    expect(long.decode[1]).toBeCloseTo(short.decode[1], 6)
  })
  test('a mixture learns nothing from dense models', () => {
    const by = correctionsOf([reply('a', 0.5)])
    expect(predictSpeed(qwen3moe8, options, cpu, by)).toEqual(predictSpeed(qwen3moe8, options, cpu))
  })
})
