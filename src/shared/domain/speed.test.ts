import { describe, expect, test } from 'vitest'
import { deviceSpec, deviceSpecs, ramBandwidth } from './deviceBandwidth'
import { llama8b, qwen3moe8 } from './exampleModels'
import type { HardwareReport } from './hardware'
import type { MemoryOptions } from './memory'
import { parseSimulated, simulateGpu } from './simulate'
import { bytesPerToken, deviceSpeeds, firstTokenMs, predictSpeed, withMeasured } from './speed'
import { GiB, MiB } from './units'

const bare: HardwareReport = {
  gpus: [],
  ram: { total: 32 * GiB, available: 28 * GiB },
  cpu: {
    name: 'CPU',
    physicalCores: 8,
    logicalCores: 16,
    usableCores: 8,
    features: ['avx2'],
    bandwidth: { bytesPerSecond: 76.8e9, source: 'test' },
  },
  disk: null,
  os: { platform: 'linux', name: 'Linux', release: '6', arch: 'x64' },
  backends: [],
  unifiedMemory: false,
}

const options: MemoryOptions = {
  gpuLayers: 33,
  contextSize: 2048,
  batchSize: 512,
  kvCacheType: 'f16',
  flashAttention: true,
  useMmap: false,
  gpus: [{ device: 'gpu0', share: 1, contextBytes: 0 }],
}

function on(name: string) {
  const gpu = parseSimulated(name)
  if (gpu === null) throw new Error(`no ${name}`)
  const report = simulateGpu(bare, gpu)
  return predictSpeed(llama8b, options, deviceSpeeds(report, report.gpus[0]?.backends[0] ?? 'cpu'))
}

describe('decode of Llama 3 8B Q4_K_M holds what was measured elsewhere (facts: engine.md §4)', () => {
  test.each([
    ['RTX 3070', 72.8],
    ['RTX 3080', 109.6],
    ['RTX 3090', 115.4],
    ['RTX 4070 Ti', 83.5],
    ['RTX 4080', 108.2],
    ['RTX 4090', 130.6],
    ['Apple M1 Max', 46.2],
    ['Apple M2 Ultra', 78.8],
  ])('%s: %d tok/s', (name, measured) => {
    const { decode, source } = on(name)
    expect(source).toBe('table')
    expect(decode[0]).toBeLessThanOrEqual(measured)
    expect(decode[1]).toBeGreaterThanOrEqual(measured)
    expect(decode[1] / decode[0]).toBeLessThan(2.6)
  })
  test.each([
    ['RTX 3070', 2403],
    ['RTX 4090', 7139],
    ['Apple M2 Ultra', 994],
  ])('prefill on %s: %d tok/s', (name, measured) => {
    const { prefill } = on(name)
    expect(prefill[0]).toBeLessThanOrEqual(measured * 1.1)
    expect(prefill[1]).toBeGreaterThanOrEqual(measured)
  })
})

test('bytes per token: blocks, output and the KV cache so far; the input embedding costs nothing', () => {
  const bytes = bytesPerToken(llama8b, options, 1000).get('gpu0') ?? 0
  const expected = (4685 - 281.8) * MiB + 32 * 1000 * 2 * 8 * 128 * 2
  expect(bytes).toBeCloseTo(expected, -2)
})

test('a mixture reads only its active experts', () => {
  const gpuLayers = qwen3moe8.geometry.layers.length + 1
  const bytes = bytesPerToken(qwen3moe8, { ...options, gpuLayers }, 0).get('gpu0') ?? 0
  expect(bytes).toBeLessThan(qwen3moe8.weights.totalBytes * 0.35)
})

test('a split is slower than all on the GPU and faster than the CPU alone', () => {
  const gpu = parseSimulated('RTX 4070')
  if (gpu === null) throw new Error('no card')
  const speeds = deviceSpeeds(simulateGpu(bare, gpu), 'cuda')
  const at = (gpuLayers: number) => predictSpeed(llama8b, { ...options, gpuLayers, gpus: gpuLayers > 0 ? options.gpus : [] }, speeds)
  expect(at(20).decode[1]).toBeLessThan(at(33).decode[0])
  expect(at(20).decode[0]).toBeGreaterThan(at(0).decode[0])
  expect(at(20).prefill[0]).toBeLessThan(at(33).prefill[0])
})

test('time to first token = prompt ÷ prefill + 1 ÷ decode', () => {
  expect(firstTokenMs([10, 20], [500, 1000])).toEqual([1050, 2100])
})

test('measured here wins and is one number', () => {
  const predicted = on('RTX 4070')
  expect(withMeasured(predicted, {})).toBe(predicted)
  const measured = withMeasured(predicted, { decode: 64 })
  expect(measured.decode).toEqual([64, 64])
  expect(measured.source).toBe('measured')
})

test('a CPU without a known memory gives an assumed range', () => {
  const report = { ...bare, cpu: { ...bare.cpu, usableCores: 2, bandwidth: null } }
  const speed = predictSpeed(llama8b, { ...options, gpuLayers: 0, gpus: [] }, deviceSpeeds(report, 'cpu'))
  expect(speed.source).toBe('assumed')
  expect(speed.decode[0]).toBeGreaterThan(0.3)
  expect(speed.decode[1]).toBeLessThan(12)
})

describe('devices', () => {
  test.each([
    ['NVIDIA GeForce RTX 4070 Ti SUPER', 672e9],
    ['NVIDIA GeForce RTX 4070', 504e9],
    ['NVIDIA GeForce RTX 4070 Laptop GPU', 256e9],
    ['AMD Radeon RX 7900 XTX (RADV NAVI31)', 960e9],
    ['NVIDIA GeForce RTX 4080 Laptop GPU', 432e9],
    ['NVIDIA A100-SXM4-80GB', 2039e9],
    ['Intel(R) Arc(TM) A770 Graphics', 512e9],
    ['AMD Ryzen 7 7840U w/ Radeon 780M Graphics', 89.6e9],
    ['Apple M5 Max', 614e9],
    ['Apple M4 Max', 546e9],
    ['M4 Pro', 273e9],
    ['Apple M4', 120e9],
    ['NVIDIA H200', 4800e9],
  ])('%s', (name, bandwidth) => expect(deviceSpec(name)?.bytesPerSecond).toBe(bandwidth))
  test('an unknown device has none, nor has one that only sounds like another', () => {
    for (const name of [
      'Voodoo 2',
      'Intel(R) Core(TM) m3-7Y30 CPU @ 1.00GHz',
      'Quadro M5000',
      'NVIDIA RTX A1000',
      'NVIDIA GeForce GTX 780M',
    ])
      expect(deviceSpec(name), name).toBeNull()
  })
  test('every laptop card is at most as fast as the desktop card of its name (the RTX 5050 has newer memory)', () => {
    const laptops = deviceSpecs.filter((spec) => spec.match.source.endsWith(' laptop') && spec.maker === 'NVIDIA')
    expect(laptops.length).toBeGreaterThanOrEqual(12)
    for (const { match, bytesPerSecond } of laptops) {
      const desktop = deviceSpec(match.source.replace('(ti )?', '').replace(' laptop', ''))
      if (desktop?.match.source.startsWith('rtx 5050') === false)
        expect(desktop.bytesPerSecond, match.source).toBeGreaterThanOrEqual(bytesPerSecond)
    }
  })
  test('every figure says where it is from, and only Apple shares its memory by the maker', () => {
    for (const spec of deviceSpecs)
      expect(spec.source, spec.match.source).toMatch(/^(TechPowerUp|reported by|worked out|commonly published)/)
    expect(simulateGpu(bare, parseSimulated('M5 Pro 48GB') ?? { name: '', vramBytes: 0 }).os.platform).toBe('darwin')
  })
  test('RAM: DDR5-5600 in two channels is 89.6 GB/s', () => {
    expect(ramBandwidth([{ megatransfers: 5600 }, { megatransfers: 5600 }])?.bytesPerSecond).toBe(89.6e9)
    expect(ramBandwidth([{ megatransfers: 3200 }])?.bytesPerSecond).toBe(25.6e9)
    expect(ramBandwidth([{ megatransfers: null }])).toBeNull()
  })
  test('simulated names', () => {
    expect(parseSimulated('RTX 4060 Ti 16GB')).toEqual({ name: 'RTX 4060 Ti', vramBytes: 16 * GiB })
    expect(parseSimulated('24 GB')).toEqual({ name: '24 GB', vramBytes: 24 * GiB })
    expect(parseSimulated('RTX 4090')?.vramBytes).toBe(24 * GiB)
    expect(parseSimulated('Voodoo 2')).toBeNull()
    const arc = parseSimulated('Arc B580')
    expect(arc === null ? [] : simulateGpu(bare, arc).gpus[0]?.backends).toEqual(['vulkan'])
  })
})
