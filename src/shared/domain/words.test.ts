import { fc, test as property } from '@fast-check/vitest'
import { describe, expect, test } from 'vitest'
import { formatBytes, formatBytesRange, formatDuration, formatParameters, formatPercent, formatSpeed, formatWait } from './format'
import { adviseParallelism, devicesNeeded, serveCommand } from './parallelism'
import {
  blockBits,
  compareQuantizations,
  normalQuantizationName,
  quantizationInName,
  quantizationInfo,
  quantizationLoss,
  quantizations,
} from './quantization'
import { sizeClass } from './sizeClass'
import { isExact, positionToTemperature, temperatureBand, temperatureBands, temperatureToPosition } from './temperature'
import { stageMemory, stages } from './training'
import { GiB, MiB } from './units'

describe('quantization', () => {
  test('is listed from most to least bits, apart from legacy mixes of one size', () => {
    const names = ['Q2_K', 'Q8_0', 'Q4_K_M', 'IQ4_XS', 'Q6_K'].toSorted(compareQuantizations)
    expect(names).toEqual(['Q2_K', 'IQ4_XS', 'Q4_K_M', 'Q6_K', 'Q8_0'])
  })
  test.each([
    ['BF16', 'none'],
    ['Q8_0', 'hardly'],
    ['Q5_K_S', 'hardly'],
    ['Q4_K_M', 'little'],
    ['IQ4_XS', 'little'],
    ['Q3_K_M', 'clear'],
    ['IQ1_S', 'clear'],
    ['MXFP4_MOE', 'hardly'],
  ])('%s: %s loss', (name, loss) => expect(quantizationLoss(name, 4)).toBe(loss))
  test.each([
    ['Qwen3-8B-Q4_K_M.gguf', 'Q4_K_M'],
    ['Qwen3.8-27B-UD-Q4_K_XL-00001-of-00002.gguf', 'UD-Q4_K_XL'],
    ['gpt-oss-20b-mxfp4.gguf', 'MXFP4'],
    ['model-IQ2_XXS.gguf', 'IQ2_XXS'],
    ['SmolLM2-135M-Instruct-Q4_1.gguf', 'Q4_1'],
    ['mmproj-F16.gguf', 'F16'],
    ['readme.md', null],
  ])('%s → %s', (file, name) => expect(quantizationInName(file)).toBe(name))
  test('other labels of the same mix', () => {
    expect(normalQuantizationName('UD-Q4_K_XL')).toBe('Q4_K_M')
    expect(quantizationInfo('q8_0')?.bitsPerWeight).toBe(8.5)
    expect(quantizationInfo('XYZ')).toBeNull()
  })
  test('every row names types whose bits are known', () => {
    for (const row of quantizations) {
      expect(blockBits[row.bulkType]).toBeGreaterThan(0)
      expect(blockBits[row.outputType]).toBeGreaterThan(0)
    }
  })
})

describe('size classes', () => {
  test.each([
    [0.6e9, 'light', false],
    [7e9, 'light', false],
    [7.62e9, 'light', false],
    [8e9, 'light', true],
    [9.7e9, 'light', true],
    [12e9, 'medium', true],
    [14.8e9, 'medium', false],
    [32.8e9, 'medium', false],
    [33.5e9, 'medium', true],
    [35e9, 'medium', true],
    [47e9, 'heavy', true],
    [70.6e9, 'heavy', false],
  ])('%d parameters: %s, between %s', (parameters, id, between) => {
    const info = sizeClass(parameters)
    expect(info.id).toBe(id)
    expect(info.between).toBe(between)
  })
  test('a mixture is classed by its resident size, its active size is said', () => {
    const info = sizeClass(30.5e9, 3.3e9)
    expect(info).toMatchObject({ id: 'medium', activeBillions: 3.3, hardware: 'strong-graphics-card' })
    expect(sizeClass(8e9).activeBillions).toBeNull()
  })
  test('between classes says what it needs', () => {
    expect(sizeClass(9e9).needs).toBe('mid-graphics-card')
    expect(sizeClass(40e9).needs).toBe('large-graphics-card')
    expect(sizeClass(65e9).needs).toBe('several-cards')
  })
})

describe('temperature', () => {
  test('four contiguous bands over 0 … 2', () => {
    expect(temperatureBands).toHaveLength(4)
    for (const [index, band] of temperatureBands.entries()) expect(band.from).toBe(index === 0 ? 0 : temperatureBands[index - 1]?.to)
    expect(temperatureBands.at(-1)?.to).toBe(2)
  })
  test.each([
    [0, 'very-low'],
    [0.3, 'very-low'],
    [0.4, 'medium-low'],
    [0.7, 'medium-low'],
    [0.8, 'medium-high'],
    [1, 'medium-high'],
    [1.1, 'very-high'],
    [2, 'very-high'],
    [9, 'very-high'],
  ])('%d is %s', (value, id) => expect(temperatureBand(value).id).toBe(id))
  test('0 is exact and reachable', () => {
    expect(isExact(positionToTemperature(0))).toBe(true)
    expect(positionToTemperature(1)).toBe(2)
  })
  property.prop([fc.integer({ min: 0, max: 40 })])('a position leads back to its temperature', (step) => {
    expect(positionToTemperature(temperatureToPosition(step / 20))).toBeCloseTo(step / 20, 6)
  })
})

describe('stages (the field guide)', () => {
  test('7B in FP16: inference 1.2–5 ×, LoRA 1.2–2 ×, full fine-tuning 8–15 ×, training 12–20 × of 14 GB', () => {
    const range = (stage: (typeof stages)[number]) => stageMemory(7e9, 'FP16', stage).bytes.map((bytes) => Math.round(bytes / 1e8) / 10)
    expect(range('inference')).toEqual([16.8, 70])
    expect(range('lora')).toEqual([16.8, 28])
    expect(range('full-fine-tuning')).toEqual([112, 210])
    expect(range('training')).toEqual([168, 280])
  })
  test.each(stages)('%s: the parts add up', (stage) => {
    const memory = stageMemory(32.8e9, 'BF16', stage)
    for (const end of [0, 1] as const)
      expect(memory.parts.reduce((sum, part) => sum + part.bytes[end], 0)).toBeCloseTo(memory.bytes[end], 0)
    expect(memory.parts[0]).toEqual({ kind: 'parameters', bytes: [memory.modelBytes, memory.modelBytes] })
  })
})

describe('parallelism', () => {
  test('devices for a range', () => {
    expect(devicesNeeded([70 * GiB, 300 * GiB], 77 * GiB)).toEqual({ devices: [1, 4], enough: false })
    expect(devicesNeeded([10 * GiB, 20 * GiB], 24 * GiB).enough).toBe(true)
  })
  const base = { needed: 130 * GiB, usable: 77 * GiB, largestMatrix: GiB, devices: 2, dataTooLarge: false }
  test('model too large → pipeline; matrix too large → tensor; data too large → data', () => {
    expect(adviseParallelism(base)).toEqual({ kind: 'pipeline', tensorParallel: 1, pipelineParallel: 2 })
    expect(adviseParallelism({ ...base, largestMatrix: 100 * GiB })).toEqual({ kind: 'tensor', tensorParallel: 2, pipelineParallel: 1 })
    expect(adviseParallelism({ ...base, needed: 10 * GiB, dataTooLarge: true }).kind).toBe('data')
    expect(adviseParallelism({ ...base, devices: 1 }).kind).toBe('none')
    expect(adviseParallelism({ ...base, devices: 12 })).toEqual({ kind: 'tensor', tensorParallel: 4, pipelineParallel: 3 })
    expect(adviseParallelism({ ...base, devices: 16 })).toEqual({ kind: 'tensor', tensorParallel: 8, pipelineParallel: 2 })
    expect(adviseParallelism({ ...base, devices: 9 })).toEqual({ kind: 'pipeline', tensorParallel: 1, pipelineParallel: 9 })
    // The command is for as many devices as were chosen.
    for (let devices = 2; devices <= 64; devices++) {
      const { tensorParallel, pipelineParallel } = adviseParallelism({ ...base, needed: 5_000 * GiB, devices })
      expect(tensorParallel * pipelineParallel).toBe(devices)
    }
  })
  test('commands to copy', () => {
    const advice = { kind: 'pipeline' as const, tensorParallel: 1, pipelineParallel: 2 }
    expect(serveCommand('vllm', 'Qwen/Qwen3-32B', advice, 8192)).toBe(
      'vllm serve Qwen/Qwen3-32B --tensor-parallel-size 1 --pipeline-parallel-size 2 --max-model-len 8192',
    )
    expect(serveCommand('llama.cpp', "my model's.gguf", advice, 8192)).toBe(
      "llama-server -m 'my model'\\''s.gguf' --n-gpu-layers 99 --ctx-size 8192 --split-mode layer --tensor-split 1,1",
    )
    expect(serveCommand('llama.cpp-rpc', 'm.gguf', { ...advice, pipelineParallel: 3 }, 8192)).toBe(
      'ggml-rpc-server --host 0.0.0.0 --port 50052\nllama-server -m m.gguf --n-gpu-layers 99 --ctx-size 8192 --rpc HOST2:50052,HOST3:50052',
    )
    expect(serveCommand('llama.cpp-rpc', 'm.gguf', { kind: 'none', tensorParallel: 1, pipelineParallel: 1 }, 8192)).not.toContain('rpc')
  })
})

describe('format', () => {
  test('bytes', () => {
    expect(formatBytes(10.3 * GiB, 'en')).toBe('10.3 GiB')
    expect(formatBytes(763 * MiB, 'zh-CN')).toBe('763 MiB')
    expect(formatBytes(1.29e11, 'en')).toBe('120 GiB')
    expect(formatBytes(0, 'en')).toBe('0 B')
    expect(formatBytesRange([73 * GiB, 306 * GiB], 'en')).toBe('73–306 GiB')
  })
  test('speed: a range while predicted, one number once measured', () => {
    expect(formatSpeed([37.2, 41.8], 'en')).toBe('37–42 tok/s')
    expect(formatSpeed([6.9, 7.9], 'en')).toBe('6.9–7.9 tok/s')
    expect(formatSpeed(38.2, 'zh-CN')).toBe('38.2 tok/s')
    expect(formatSpeed([38.2, 38.2], 'en')).toBe('38.2 tok/s')
  })
  test('durations', () => {
    expect(formatWait([4200, 9100], 'en')).toBe('4.2–9.1 s')
    expect(formatWait([12_100, 20_300], 'zh-CN')).toBe('12–20 秒')
    expect(formatWait([3000, 3010], 'en')).toBe('3.0 s')
    expect(formatWait([40_000, 200_000], 'en')).toBe('40 s–3 min 20 s')
    expect(formatDuration(40, 'en')).toBe('40 ms')
    expect(formatDuration(190, 'en')).toBe('0.19 s')
    expect(formatDuration(12_000, 'zh-CN')).toBe('12 秒')
    expect(formatDuration(200_000, 'en')).toBe('3 min 20 s')
    expect(formatDuration(7_500_000, 'en')).toBe('2 h 5 min')
    expect(formatDuration(59_990, 'en')).toBe('1 min')
  })
  test('parameters and shares', () => {
    expect(formatParameters(14.8e9, 'en')).toBe('14.8B')
    expect(formatParameters(134.5e6, 'en')).toBe('135M')
    expect(formatParameters(235e9, 'en')).toBe('235B')
    expect(formatPercent(0.032, 'en', 1)).toBe('3.2 %')
  })
})
