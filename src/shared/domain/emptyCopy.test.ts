import { describe, expect, test } from 'vitest'
import { attentionElements } from './calibration'
import { type CopyResult, type CopyRun, type CopySlice, copySpeed, withCopy } from './emptyCopy'
import { llama8b } from './exampleModels'
import { type FitMachine, type LoadPlan, defaultFitOptions, planFit } from './fit'
import { totalBytes } from './memory'
import { GiB, MiB } from './units'

const machine: FitMachine = {
  backend: 'cpu',
  pools: [
    {
      id: 'cpu',
      devices: ['cpu'],
      name: 'RAM',
      kind: 'ram',
      totalBytes: 16 * GiB,
      freeBytes: 12 * GiB,
      returnedBytes: 0,
      reserveBytes: GiB,
      limit: null,
    },
  ],
  speeds: [],
}
const report = planFit(llama8b, machine, { ...defaultFitOptions, contextSize: 4096 })
const blocks = llama8b.weights.activeLayerBytes.length
const blockBytes = llama8b.weights.activeLayerBytes[0] ?? 0

/** A machine whose costs are known: milliseconds for what is there once, for a byte of blocks, for an element of attention. */
const truth = {
  ends: 12,
  perByte: 5 / blockBytes,
  perElement: 2e-6,
  promptEnds: 0.5,
  promptPerByte: 1 / blockBytes,
  promptPerElement: 1e-6,
}

function slice(count: number, share = 1, noise: readonly number[] = [1, 1, 1]): CopySlice {
  const perToken = attentionElements(llama8b, 1) * (count / blocks)
  const bytes = count * blockBytes
  const shallow = truth.ends + bytes * truth.perByte * share + perToken * 5 * truth.perElement
  return {
    blocks: count,
    blockBytes: bytes,
    attention: [0, 5, 32, 512, 1000, 1032].map((depth) => ({ depth, elements: depth * perToken })),
    decode: [
      { depth: 5, rounds: noise.map((factor) => [shallow * factor, shallow * factor]) },
      { depth: 1032, rounds: [[shallow + 1027 * perToken * truth.perElement]] },
    ],
    prefill: [0, 0, 480, 1000 - 32].map((from) => ({
      from,
      tokens: 64,
      ms: 64 * (truth.promptEnds + bytes * truth.promptPerByte * share + (from + 32) * perToken * truth.promptPerElement),
    })),
  }
}

const plan: LoadPlan = { ...report.plan }
const run = (placements: CopyRun['placements']): CopyRun => ({ placements, threads: 2, diskBytes: 1, tookMs: 20_000, load: 0 })

describe('from a few blocks to the whole', () => {
  test('what is there once is counted once, blocks by their bytes, attention by its depth', () => {
    const { speed, spread } = copySpeed(llama8b, { plan, threads: null }, run([{ gpu: false, slices: [slice(2), slice(4)] }]))
    const whole = truth.ends + blocks * blockBytes * truth.perByte
    const at = (depth: number): number => whole + attentionElements(llama8b, depth) * truth.perElement
    // Less than five tokens before it were not measured.
    expect(1000 / speed.decode[1]).toBeCloseTo(at(5), 5)
    expect(1000 / speed.decode[0]).toBeCloseTo(at(4096), 5)
    expect(1000 / (speed.typical?.decode ?? 0)).toBeCloseTo(at(256), 5)
    expect(speed.source).toBe('copy')
    expect(spread).toBe(0)
    const prompt = truth.promptEnds + blocks * blockBytes * truth.promptPerByte + attentionElements(llama8b, 532) * truth.promptPerElement
    expect(1000 / (speed.typical?.prefill ?? 0)).toBeCloseTo(prompt, 1)
  })

  test('a cost of depth that bends is taken where it was measured', () => {
    const bent = slice(blocks)
    const [shallow, deep] = [bent.decode[0]?.rounds[0]?.[0] ?? 0, bent.decode[1]?.rounds[0]?.[0] ?? 0]
    // By 256 tokens it has grown as far as the rest of the way.
    const usual = (shallow + deep) / 2
    const decode = [...bent.decode, { depth: 256, rounds: [[usual]] }]
    const { speed } = copySpeed(llama8b, { plan, threads: null }, run([{ gpu: false, slices: [{ ...bent, decode }] }]))
    expect(1000 / (speed.typical?.decode ?? 0)).toBeCloseTo(usual, 5)
    const beyond = deep + ((deep - usual) * (4096 - 1032)) / (1032 - 256)
    expect(1000 / speed.decode[0]).toBeCloseTo(beyond, 5)
  })

  test('the whole is what it is', () => {
    const { speed } = copySpeed(llama8b, { plan, threads: null }, run([{ gpu: false, slices: [slice(blocks)] }]))
    expect(1000 / speed.decode[1]).toBeCloseTo(
      truth.ends + blocks * blockBytes * truth.perByte + attentionElements(llama8b, 5) * truth.perElement,
      5,
    )
  })

  test('a split model takes the time of each device for its blocks; what is there once lies on the card', () => {
    const split = { ...plan, gpuLayers: 11, totalLayers: blocks + 1 }
    const { speed } = copySpeed(
      llama8b,
      { plan: split, threads: null },
      run([
        { gpu: true, slices: [slice(2, 0.1), slice(4, 0.1)] },
        { gpu: false, slices: [slice(2), slice(4)] },
      ]),
    )
    // Of 11 layers on the card one is the output.
    const each = blockBytes * truth.perByte
    expect(1000 / speed.decode[1]).toBeCloseTo(
      truth.ends + (blocks - 10) * each + 10 * each * 0.1 + attentionElements(llama8b, 5) * truth.perElement,
      1,
    )
  })

  test('rounds that differ show as spread, and noise never makes a block cost less than nothing', () => {
    const noisy = [{ gpu: false, slices: [slice(2, 1, [1, 1.6, 1.1]), slice(4, 1, [1.1, 1, 1.5])] }]
    const { spread } = copySpeed(llama8b, { plan, threads: null }, run(noisy))
    expect(spread).toBeGreaterThan(0.05)
    const upside = [{ gpu: false, slices: [slice(2, 4), slice(4, 1)] }]
    const { speed } = copySpeed(llama8b, { plan, threads: null }, run(upside))
    expect(speed.decode[0]).toBeGreaterThan(0)
    expect(Number.isFinite(speed.decode[1])).toBe(true)
  })
})

describe('in place of what was predicted', () => {
  const { speed } = copySpeed(llama8b, { plan, threads: null }, run([{ gpu: false, slices: [slice(2), slice(4)] }]))
  const result: CopyResult = {
    plan,
    memory: report.parts.filter(({ kind }) => kind !== 'overhead').map((part) => ({ ...part, bytes: part.bytes + MiB })),
    speed,
    spread: 0.02,
    threads: 2,
    load: 0,
    tookMs: 1,
    diskBytes: 1,
  }

  test('the same plan: memory and speed are measured, what was said before stands beside', () => {
    const found = withCopy(report, result, 7)
    expect(found.level).toBe('measured')
    expect(found.totalBytes).toBe(totalBytes(report.parts) + result.memory.length * MiB)
    expect(found.speed).toEqual({ ...speed, decode: [expect.closeTo(speed.decode[0], 9), speed.decode[1]] })
    expect(found.copy?.predicted).toEqual({ totalBytes: report.totalBytes, speed: report.speed })
    expect(found.copy?.at).toBe(7)
  })

  test('more than fits is said to be too big', () => {
    const huge = { ...result, memory: [{ device: 'cpu' as const, kind: 'weights' as const, bytes: 15 * GiB }] }
    expect(withCopy(report, huge, 1).verdict).toBe('too-big')
  })

  test('another context: the speed alone, at that depth; another device or cache: nothing', () => {
    const longer = planFit(llama8b, machine, { ...defaultFitOptions, contextSize: 8192 })
    const found = withCopy(longer, result, 1)
    expect(found.level).toBe('formula')
    expect(found.copy?.measured.totalBytes).toBeNull()
    expect(found.speed.decode[0]).toBeLessThan(speed.decode[0])
    expect(found.speed.decode[1]).toBe(speed.decode[1])
    const quantized = planFit(llama8b, machine, { ...defaultFitOptions, contextSize: 4096, kvCacheType: 'q8_0' })
    expect(withCopy(quantized, result, 1)).toBe(quantized)
  })

  test('a speed that was measured beside other work is shown, and the prediction stands', () => {
    const found = withCopy(report, { ...result, spread: 0.6 }, 1)
    expect(found.speed).toEqual(report.speed)
    expect(found.level).toBe('measured')
    expect(found.copy?.measured).toMatchObject({ steady: false, spread: 0.6 })
  })

  test('what replies measured stays', () => {
    const used = { ...report, speed: { ...report.speed, source: 'measured' as const } }
    expect(withCopy(used, result, 1).speed).toEqual(used.speed)
  })
})
