import { describe, expect, test } from 'vitest'
import { decodeMs, prefillMs } from './calibratedTimes'
import {
  type CalibrationRun,
  type SliceMeasurement,
  attentionElements,
  calibrate,
  isDisturbed,
  leastDisturbed,
  rateOf,
} from './calibration'
import { llama1b, llama8b, qwen3moe8 } from './exampleModels'
import type { HardwareReport } from './hardware'
import type { MemoryOptions } from './memory'
import { deviceSpeeds, predictSpeed, replySpeed, speedAt } from './speed'
import { activeBytesByType } from './typesRead'
import { GiB, MiB } from './units'

/** A machine whose costs are known, so that what comes back can be compared: two cores of facts engine.md §4. */
const truth = {
  bandwidth: { Q4_K: 20e9, Q6_K: 8e9, Q8_0: 12e9 } as Record<string, number>,
  flops: { Q4_K: 188e9, Q6_K: 90e9, Q8_0: 120e9 } as Record<string, number>,
  tokenMs: 0.6,
  layerMs: 0.12,
  vocabularyMs: 0.01,
  depthMs: 400,
  prefillLayerMs: 0.05,
  /** Per million query heads × depth. */
  promptDepthMs: 6,
  mixture: { decode: 1.2, prefill: 1 / 0.66 },
}

function slice(role: SliceMeasurement['role'], type: string, bytes: number, layers: number, vocabulary: number): SliceMeasurement {
  const attention = layers * 32 * 128
  const mixture = role === 'mixture' ? truth.mixture : { decode: 1, prefill: 1 }
  const beside = truth.tokenMs + layers * truth.layerMs + (vocabulary / 1000) * truth.vocabularyMs
  const decode = (depth: number): number =>
    beside + ((bytes / rateOf(truth.bandwidth, type)) * 1000 * mixture.decode + ((depth * attention) / 1e9) * truth.depthMs)
  const parameters = (bytes * 8) / { Q4_K: 4.5, Q6_K: 6.5625, Q8_0: 8.5 }[type as 'Q4_K']
  const width = role === 'narrow' || role === 'vocabulary' ? 512 : 2048
  const prefill = (from: number): number =>
    (((2 * (parameters - vocabulary * width)) / rateOf(truth.flops, type)) * 1000 * mixture.prefill +
      layers * truth.prefillLayerMs +
      ((from * layers * 32) / 1e6) * truth.promptDepthMs) *
    256
  const spread = [0.99, 1, 1, 1.03]
  return {
    name: `${role} ${type}`,
    role,
    width,
    heads: layers * 32,
    headDim: 64,
    bytesByType: { [type]: bytes },
    layers,
    vocabulary,
    attention,
    decode: [0, ...(role === 'wide' && type === 'Q4_K' ? [1024] : [])].map((depth) => ({
      depth,
      ms: spread.map((factor) => factor * decode(depth)),
    })),
    prefill: [0, ...(role === 'wide' && type === 'Q4_K' ? [512, 768] : [])].map((from) => ({ from, tokens: 256, ms: prefill(from) })),
  }
}

const run: CalibrationRun = {
  backend: 'cpu',
  device: 'CPU',
  threads: { decode: 2, prefill: 2 },
  slices: [
    slice('wide', 'Q4_K', 110e6, 3, 8192),
    slice('wide', 'Q6_K', 150e6, 3, 8192),
    slice('wide', 'Q8_0', 190e6, 3, 8192),
    slice('narrow', 'Q4_K', 9e6, 4, 8192),
    slice('narrow', 'Q4_K', 55e6, 30, 8192),
    slice('vocabulary', 'Q4_K', 0.5e6, 4, 98_304),
    slice('mixture', 'Q4_K', 60e6, 3, 8192),
  ],
  tookMs: 20_000,
  load: 0.1,
}
const found = calibrate(run)

describe('from slices to rates', () => {
  test.each(['Q4_K', 'Q6_K', 'Q8_0'])('%s: bandwidth and operations within 3 %%', (type) => {
    expect((found.bandwidth[type] ?? 0) / rateOf(truth.bandwidth, type)).toBeCloseTo(1, 1.5)
    expect((found.flops[type] ?? 0) / rateOf(truth.flops, type)).toBeCloseTo(1, 1.5)
  })
  test.each(['layerMs', 'vocabularyMs', 'depthMs'] as const)('%s', (key) => {
    expect(found[key] / truth[key]).toBeGreaterThan(0.9)
    expect(found[key] / truth[key]).toBeLessThan(1.1)
  })
  test('blocks beyond the caches: a prompt takes longer by what larger slices showed, by their width', () => {
    expect(found.beyond).toBeUndefined()
    const larger = (width: number, factor: number): SliceMeasurement => {
      const plain = slice('large', 'Q4_K', 586e6, 16, 8192)
      const decode = plain.decode.map(({ depth, ms }) => ({ depth, ms: ms.map((each) => each * 1.3) }))
      return { ...plain, width, decode, prefill: plain.prefill.map((batch) => ({ ...batch, ms: batch.ms * factor })) }
    }
    const beyond = calibrate({ ...run, slices: [...run.slices, larger(4096, 1), larger(2048, 1.25)] })
    expect(beyond.beyond).toMatchObject({ fromBytes: 110e6, toBytes: 586e6, prompt: { Q4_K: [{ width: 2048 }, { width: 4096 }] } })
    const longer = (model: typeof llama1b): number => {
      const whole = { device: 'cpu' as const, bytes: 1, blocks: model.geometry.layers.length, output: true }
      return prefillMs(model, 0, beyond, whole) / prefillMs(model, 0, found, whole)
    }
    // 586 MB in 1.3 × (29.3 ms of reading + 0.6 + 16 × 0.12 + 8.192 × 0.01), of which the unhurried rest is not reading.
    expect((beyond.beyond?.decode.Q4_K ?? 0) / (586e6 / (1.3 * 31.9e-3 - 2.6e-3))).toBeCloseTo(1, 1)
    const whole = { device: 'cpu' as const, bytes: 1, blocks: 16, output: true }
    const quick = { ...llama1b, weights: { ...llama1b.weights, activeBytesByType: { Q4_K: 700e6 } } }
    const token = decodeMs(quick, 0, beyond, whole) / decodeMs(quick, 0, found, whole)
    expect(token).toBeGreaterThan(1.2)
    expect(token).toBeLessThan(1.4)
    expect(longer(llama1b)).toBeGreaterThan(1.15)
    expect(longer(llama1b)).toBeLessThan(1.25)
    expect(longer(llama8b)).toBeCloseTo(1, 1)
    expect(longer({ ...llama1b, weights: { ...llama1b.weights, activeBytesByType: { Q4_K: 100e6 }, outputBytes: 0 } })).toBe(1)
  })
  test('a type is held down by its own rate beyond the caches, one that was not measured there by the fastest', () => {
    const whole = { device: 'cpu' as const, bytes: 1, blocks: 0, output: false }
    const by = { ...found, bandwidth: { Q4_K: 14e9, Q8_0: 20e9, Q6_K: 24e9 } }
    const beyond = { fromBytes: 100e6, toBytes: 300e6, decode: { Q4_K: 10e9, Q8_0: 18e9 }, prompt: {} }
    const reading = (type: string): number => {
      const model = { ...llama1b, weights: { ...llama1b.weights, activeBytesByType: { [type]: 900e6 } } }
      return decodeMs(model, 0, { ...by, beyond }, whole)
    }
    expect(reading('Q4_K')).toBeCloseTo(900 / 10)
    expect(reading('Q8_0')).toBeCloseTo(900 / 18)
    expect(reading('Q6_K')).toBeCloseTo(900 / 18)
  })
  test('a slice beside which something else ran is known, and the quicker of two counts', () => {
    const calm = slice('heads', 'Q4_K', 9e6, 4, 8192)
    const shake = ([fastest = 0]: number[]): number[] => [fastest * 1.1, ...Array<number>(7).fill(fastest * 1.6)]
    const shaken = {
      ...calm,
      decode: calm.decode.map(({ depth, ms }) => ({ depth, ms: shake(ms) })),
      prefill: calm.prefill.map((batch) => ({ ...batch, ms: batch.ms * 0.9 })),
    }
    expect([calm, shaken].map(isDisturbed)).toEqual([false, true])
    expect(leastDisturbed(shaken, calm)).toEqual({ ...calm, prefill: shaken.prefill })
    expect(leastDisturbed(calm, shaken)).toEqual({ ...calm, prefill: shaken.prefill })
  })
  test('a type for which there is no fast way tells nothing of another one', () => {
    expect(rateOf({ Q4_K: 20, Q5_0: 5 }, 'Q4_1')).toBe(20)
    expect(rateOf({ Q4_K: 20, Q5_0: 5 }, 'Q5_1')).toBe(5)
    expect(rateOf({ Q5_0: 5 }, 'Q4_1')).toBe(5)
  })
  test('half-way between two widths, in octaves, half-way between their factors: 1.09', () => {
    const widths = {
      Q8_0: [{ width: 2048, factor: 1.5 }],
      Q4_K: [
        { width: 2048, factor: 1.24 },
        { width: 4096, factor: 0.94 },
      ],
    }
    const beyond = { fromBytes: 112e6, toBytes: 352e6, decode: { Q4_K: 20e9 }, prompt: widths }
    const model = { ...llama8b, geometry: { ...llama8b.geometry, embeddingLength: 2896 } }
    const only = { device: 'cpu' as const, bytes: 1, blocks: 32, output: true }
    const free = { ...found, prefillLayerMs: 0 }
    const slower = (type: string): number => {
      const one = { ...model, weights: { ...model.weights, activeBytesByType: { [type]: 5e9 }, outputBytes: 0 } }
      return prefillMs(one, 0, { ...free, beyond }, only) / prefillMs(one, 0, free, only)
    }
    expect(slower('Q4_K')).toBeCloseTo(1.09, 2)
    // One width alone counts for all; a type that was not measured there is like the one that was in most widths.
    expect(slower('Q8_0')).toBeCloseTo(1.5, 2)
    expect(slower('Q6_K')).toBeCloseTo(1.09, 2)
  })
  test('depth in a prompt is a matter of the heads, by the nearest measured width of one', () => {
    expect(found.prefillDepth).toMatchObject([{ headDim: 64 }])
    expect(found.prefillDepth?.[0]?.ms).toBeCloseTo(truth.promptDepthMs, 1)
    const wider = slice('heads', 'Q4_K', 9e6, 4, 8192)
    const deep = [0, 256, 512].map((from) => ({ from, tokens: 64, ms: (1 + ((from * 4 * 8) / 1e6) * 20) * 64 }))
    const { prefillDepth } = calibrate({ ...run, slices: [...run.slices, { ...wider, heads: 4 * 8, headDim: 256, prefill: deep }] })
    expect(prefillDepth?.map(({ headDim, ms }) => [headDim, Math.round(ms)])).toEqual([
      [64, 6],
      [256, 20],
    ])
  })
  test('an output matrix that is read faster than blocks says by how much, and a model is as much faster as it is of it', () => {
    expect(found.output).toBe(1)
    // 200 MB at 8 GB/s, of which 98,304 × 2,048 weights of 6.5625 bits are the output matrix, read at 10.
    const bytes = (98_304 * 2_048 * 6.5625) / 8
    const plain = slice('output', 'Q6_K', 200e6, 1, 98_304)
    const saved = bytes / 8e6 - bytes / 10e6
    const decode = plain.decode.map(({ depth, ms }) => ({ depth, ms: ms.map((each) => each - saved) }))
    const { output } = calibrate({ ...run, slices: [...run.slices, { ...plain, decode }] })
    expect(output).toBeCloseTo(10 / 8, 1)
    const whole = { device: 'cpu' as const, bytes: 1, blocks: 16, output: true }
    const model = { ...llama1b, weights: { ...llama1b.weights, activeBytesByType: { Q6_K: 800e6 }, outputBytes: 200e6 } }
    const faster = decodeMs(model, 0, found, whole) - decodeMs(model, 0, { ...found, output: 1.25 }, whole)
    expect(faster).toBeCloseTo((200 / 8) * (1 - 1 / 1.25), 0)
  })
  test('a mixture prefills at 0.66 of dense (facts: engine.md §4)', () => {
    expect(1 / found.mixture.prefill).toBeCloseTo(0.66, 1)
    expect(found.mixture.decode).toBeCloseTo(1.2, 1)
  })
  test('the spread is that of the measurements', () => {
    expect(found.spread).toBeGreaterThan(0.005)
    expect(found.spread).toBeLessThan(0.03)
  })
  test('a type that was not measured takes the nearest in bits', () => {
    expect(rateOf(found.bandwidth, 'IQ4_XS')).toBe(found.bandwidth.Q4_K)
    expect(rateOf(found.bandwidth, 'F16')).toBe(found.bandwidth.Q8_0)
  })
  test('one disturbed measurement changes nothing', () => {
    const disturbed = run.slices.map((one) => ({ ...one, decode: one.decode.map(({ depth, ms }) => ({ depth, ms: [...ms, 900] })) }))
    expect((calibrate({ ...run, slices: disturbed }).bandwidth.Q6_K ?? 0) / 8e9).toBeCloseTo(1, 1)
  })
  test('a core that is taken away for every fifth token makes a token as much slower as it is on average', () => {
    const often = (ms: number[]): number[] => Array.from({ length: 20 }, (_, index) => (ms[0] ?? 0) * (index % 5 === 4 ? 2 : 1))
    const taken = run.slices.map((one) => ({ ...one, decode: one.decode.map(({ depth, ms }) => ({ depth, ms: often(ms) })) }))
    // Four at once and one twice as long, without the slowest.
    expect((calibrate({ ...run, slices: taken }).bandwidth.Q6_K ?? 0) / 8e9).toBeCloseTo(19 / 22 / 0.99, 1)
  })
  test('a prompt whose batches were disturbed has the same slope', () => {
    const prefill = Array.from({ length: 12 }, (_, index) => {
      const usual = (1 + ((index * 64 * 32) / 1e6) * 20) * 64
      return { from: index * 64, tokens: 64, ms: index % 4 === 1 ? 2 * usual : usual }
    })
    const heads = { ...slice('heads', 'Q4_K', 9e6, 1, 8192), headDim: 256, prefill }
    expect(calibrate({ ...run, slices: [...run.slices, heads] }).prefillDepth?.[1]?.ms).toBeCloseTo(20, -1)
  })
  test('without the narrow slices there are still rates', () => {
    const few = calibrate({ ...run, slices: run.slices.slice(0, 1) })
    expect(few.layerMs).toBe(0)
    expect(few.bandwidth.Q4_K).toBeGreaterThan(10e9)
  })
})

const report: HardwareReport = {
  gpus: [],
  ram: { total: 32 * GiB, available: 28 * GiB },
  cpu: { name: 'CPU', physicalCores: 2, logicalCores: 2, usableCores: 2, features: ['avx2'], bandwidth: null },
  disk: null,
  os: { platform: 'linux', name: 'Linux', release: '6', arch: 'x64' },
  backends: [],
  unifiedMemory: false,
}
const options: MemoryOptions = {
  gpuLayers: 0,
  contextSize: 4096,
  batchSize: 512,
  kvCacheType: 'f16',
  flashAttention: true,
  useMmap: false,
  gpus: [],
}

describe('predictions by a calibration', () => {
  const table = deviceSpeeds(report, 'cpu')
  const measured = deviceSpeeds(report, 'cpu', [found])
  test('win over the table, say so, and are narrower', () => {
    const before = speedAt(llama8b, options, table, 0).decode
    const after = speedAt(llama8b, options, measured, 0).decode
    expect(predictSpeed(llama8b, options, measured).source).toBe('calibration')
    expect(after[1] / after[0]).toBeLessThan(before[1] / before[0])
    expect(after[1] / after[0]).toBeLessThan(1.3)
  })
  test('read each type at its own rate: llama 8B of Q4_K blocks and a Q6_K output', () => {
    const active = activeBytesByType({ ...llama8b, weights: { ...llama8b.weights, quantization: 'Q4_K_M' } })
    expect(Object.keys(active).sort()).toEqual(['Q4_K', 'Q6_K'])
    const reading = (active.Q4_K ?? 0) / 20e9 + (active.Q6_K ?? 0) / 8e9
    const beside = (0.6 + 32 * 0.12 + 128.256 * 0.01) / 1000
    const { decode } = speedAt({ ...llama8b, weights: { ...llama8b.weights, activeBytesByType: active } }, options, measured, 0)
    const middle = 2 / (1 / decode[0] + 1 / decode[1])
    expect(middle * (reading + beside)).toBeCloseTo(1, 1)
  })
  test('the exact types of a header win over the name', () => {
    const weights = { ...llama8b.weights, activeBytesByType: { Q8_0: 100 * MiB } }
    expect(activeBytesByType({ ...llama8b, weights })).toEqual({ Q8_0: 100 * MiB })
  })
  test('more depth is slower, by the attention of that model', () => {
    const at = (depth: number) => 1 / speedAt(llama1b, options, measured, depth).decode[0]
    expect(at(2048) - at(1024)).toBeCloseTo(at(1024) - at(0), 4)
    const cost = ((attentionElements(llama1b, 1024) / 1e9) * truth.depthMs) / 1000
    expect((at(1024) - at(0)) / cost).toBeGreaterThan(0.9)
    expect((at(1024) - at(0)) / cost).toBeLessThan(1.25)
  })
  test('one reply is predicted for the depth that it has, and as others corrected it', () => {
    const reply = (depth: number, promptDepth: number, corrections = {}) =>
      replySpeed(llama1b, options, measured, { depth, promptDepth }, corrections)
    const usual = predictSpeed(llama1b, options, measured).typical
    expect(reply(256, 500)).toEqual(usual)
    expect(reply(1500, 500).decode).toBeLessThan(reply(256, 500).decode)
    expect(reply(256, 750).prefill).toBeLessThan(reply(256, 500).prefill)
    const half = { 'cpu/dense': { decode: { factor: 0.5, spread: 0, models: 2 }, prefill: null } }
    expect(reply(256, 500, half)).toEqual({ decode: (usual?.decode ?? 0) / 2, prefill: usual?.prefill })
  })
  test('a mixture takes longer for the bytes it reads', () => {
    const dense = { ...qwen3moe8, geometry: { ...qwen3moe8.geometry, experts: null } }
    expect(speedAt(qwen3moe8, options, measured, 0).decode[0]).toBeLessThan(speedAt(dense, options, measured, 0).decode[0])
  })
  test('belong to their backend: on a GPU without a calibration the table speaks', () => {
    expect(deviceSpeeds(report, 'cuda', [found]).every(({ device, source }) => (device === 'cpu') === (source === 'calibration'))).toBe(
      true,
    )
  })
})
