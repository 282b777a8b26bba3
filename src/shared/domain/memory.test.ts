import { fc, test as property } from '@fast-check/vitest'
import { describe, expect, test } from 'vitest'
import { gemma3, llama1b, llama8b, qwen3moe8 } from './exampleModels'
import { checkpointBytes, kvCacheBytes, paddedCells, slidingCells } from './kvCache'
import { placeLayers } from './layerRuns'
import {
  type MemoryOptions,
  blockComputeBytes,
  deviceBytes,
  memoryParts,
  outputComputeBytes,
  processOverheadBytes,
  plannedBatchSize,
  residentBytes,
  totalBytes,
} from './memory'
import { ruleOfThumbQuantized, ruleOfThumbSize } from './ruleOfThumb'
import { GiB, MiB } from './units'

const cpu: MemoryOptions = {
  gpuLayers: 0,
  contextSize: 4096,
  batchSize: 512,
  kvCacheType: 'f16',
  flashAttention: true,
  useMmap: false,
  gpus: [],
}
const oneGpu = [{ device: 'gpu0' as const, share: 1, contextBytes: 0 }]

describe('KV cache, exact against llama.cpp (facts: engine.md §1)', () => {
  test('llama1b at 4,096 F16 is 128.00 MiB = 16 × 4,096 × 2 × 8 × 64 × 2', () => {
    expect(kvCacheBytes(llama1b.geometry, 4096, 512, 'f16')).toBe(128 * MiB)
  })
  test('llama1b at 16,384 Q8_0 is 272.00 MiB', () => {
    expect(kvCacheBytes(llama1b.geometry, 16_384, 512, 'q8_0')).toBe(272 * MiB)
  })
  test('gemma3-4B at 16,384: 320 MiB of 5 full layers and 203 MiB of 29 sliding ones with 1,792 cells', () => {
    expect(slidingCells(16_384, 1024, 512)).toBe(1792)
    expect(kvCacheBytes(gemma3.geometry, 16_384, 512, 'f16')).toBe((320 + 203) * MiB)
  })
  test('qwen3moe-8L at 4,096 is 64 MiB', () => {
    expect(kvCacheBytes(qwen3moe8.geometry, 4096, 512, 'f16')).toBe(64 * MiB)
  })
  test('MLA caches one latent and no V: 576 × 2 bytes a token and layer', () => {
    const geometry = { ...llama1b.geometry, layers: [{ kind: 'full' as const, kvHeads: 1, headDimK: 576, headDimV: 0 }] }
    expect(kvCacheBytes(geometry, 1024, 512, 'f16')).toBe(1024 * 576 * 2)
  })
  test('recurrent and shared layers cost nothing per token', () => {
    const geometry = { ...llama1b.geometry, layers: [{ kind: 'recurrent' as const, stateBytes: 1000 }, { kind: 'none' as const }] }
    expect(kvCacheBytes(geometry, 8192, 512, 'f16')).toBe(0)
    const parts = memoryParts({ ...llama1b, geometry }, cpu)
    expect(parts.find((part) => part.kind === 'state')?.bytes).toBe(1000)
  })
  test('cells are padded to 256', () => {
    expect([paddedCells(1), paddedCells(256), paddedCells(257)]).toEqual([256, 256, 512])
  })
})

describe('compute buffer, within 1 % of the measured loads', () => {
  test.each([
    ['llama1b 4,096', llama1b, 4096, 258.5],
    ['llama1b 16,384', llama1b, 16_384, 262.5],
    ['gemma3-4B 16,384', gemma3, 16_384, 523],
    ['qwen3moe-8L 4,096', qwen3moe8, 4096, 304.75],
  ])('%s', (_, model, contextSize, measuredMiB) => {
    const predicted = outputComputeBytes(model.geometry, contextSize, 512) / MiB
    expect(Math.abs(predicted / measuredMiB - 1)).toBeLessThan(0.01)
  })
  test('llama1b with batch 128: 64.6 MiB', () => {
    expect(outputComputeBytes(llama1b.geometry, 4096, 128) / MiB).toBeCloseTo(64.6, -0.5)
  })
  test('blocks on a GPU without the output matrix: 60.0 MiB at 4,096 and 72.0 at 16,384', () => {
    expect(blockComputeBytes(llama1b.geometry, 4096, 512, true) / MiB).toBeCloseTo(60, 1)
    expect(blockComputeBytes(llama1b.geometry, 16_384, 512, true) / MiB).toBeCloseTo(72, 1)
  })
  test('of a mixture one expert counts for each that is used: qwen3moe at 8,192 is 8 + 24 + 24 = 56.0 MiB', () => {
    const geometry = { ...qwen3moe8.geometry, embeddingLength: 2048, expertFeedForwardLength: 768, experts: { count: 128, used: 8 } }
    expect(blockComputeBytes(geometry, 8192, 512, true)).toBe(56 * MiB)
  })
  test('with a card the host of SmolLM2 at 8,192 keeps inputs and mask: 2.25 + 8 = 10.25 MiB', () => {
    const smol = { ...llama1b, geometry: { ...llama1b.geometry, embeddingLength: 576 } }
    const parts = memoryParts(smol, { ...cpu, contextSize: 8192, gpuLayers: 17, gpus: oneGpu })
    expect(parts.find(({ device, kind }) => device === 'cpu' && kind === 'compute')?.bytes).toBe(10.25 * MiB)
  })
  test('without flash attention the scores come on top: heads × cells × batch × 4', () => {
    const more = blockComputeBytes(llama1b.geometry, 4096, 512, false) - blockComputeBytes(llama1b.geometry, 4096, 512, true)
    expect(more).toBe(32 * 4096 * 512 * 4)
  })
})

describe('parts', () => {
  const mib = (model: typeof llama1b, options: MemoryOptions, kinds: string[]): number =>
    memoryParts(model, options)
      .filter((part) => kinds.includes(part.kind))
      .reduce((sum, part) => sum + part.bytes, 0) / MiB

  test('llama1b on the CPU without mmap: 762.81 MiB of weights once, with mmap 1,208.3 as the repacked copy comes on top', () => {
    expect(mib(llama1b, cpu, ['weights', 'repack'])).toBeCloseTo(762.81, 1)
    const mapped = { ...llama1b, weights: { ...llama1b.weights, mappedBytesWhenRepacked: llama1b.weights.totalBytes } }
    expect(mib(mapped, { ...cpu, useMmap: true }, ['weights', 'repack'])).toBeCloseTo(1208.31, 1)
  })
  test('total of llama.cpp at 4,096 within 1 %: 762.81 + 386.50 MiB', () => {
    const total = mib(llama1b, cpu, ['weights', 'repack', 'kv', 'state', 'compute', 'output'])
    expect(Math.abs(total / (762.81 + 386.5 + 0.49) - 1)).toBeLessThan(0.01)
  })
  test('nothing is repacked once a GPU is visible', () => {
    const parts = memoryParts(llama1b, { ...cpu, gpuLayers: 1, gpus: oneGpu })
    expect(parts.some((part) => part.kind === 'repack')).toBe(false)
  })
  test('a tied embedding is in RAM and once more where the output layer lies', () => {
    const parts = memoryParts(llama1b, { ...cpu, gpuLayers: 17, gpus: oneGpu })
    const weights = (device: string): number => parts.find((part) => part.device === device && part.kind === 'weights')?.bytes ?? 0
    expect(weights('cpu') / MiB).toBeCloseTo(205.49, 1)
    expect(weights('gpu0') / MiB).toBeCloseTo(762.81, 1)
  })
  test('llama1b with 8 of 17 layers on a GPU: 7 blocks and 56 MiB of KV cache there', () => {
    const place = placeLayers(16, { gpuLayers: 8, gpus: oneGpu })
    expect(place.blocks.filter((device) => device === 'gpu0')).toHaveLength(7)
    expect(place.output).toBe('gpu0')
    const parts = memoryParts(llama1b, { ...cpu, gpuLayers: 8, gpus: oneGpu })
    expect(parts.find((part) => part.device === 'gpu0' && part.kind === 'kv')?.bytes).toBe(56 * MiB)
  })
  test('two cards of 16 and 8 GiB share 24 layers two to one, the output on the last', () => {
    const gpus = [
      { device: 'gpu0' as const, share: 16 * GiB, contextBytes: 0 },
      { device: 'gpu1' as const, share: 8 * GiB, contextBytes: 0 },
    ]
    const place = placeLayers(23, { gpuLayers: 24, gpus })
    expect(place.blocks.filter((device) => device === 'gpu0')).toHaveLength(16)
    expect(place.blocks.filter((device) => device === 'gpu1')).toHaveLength(7)
    expect(place.output).toBe('gpu1')
  })
  test('checkpoints are at most 256 MiB and only where a model cannot rewind', () => {
    expect(checkpointBytes(llama1b.geometry, 'f16')).toBe(0)
    expect(checkpointBytes(gemma3.geometry, 'f16')).toBe(256 * MiB)
  })
  test('resident memory leaves out the logits, and the rows of a batch that a slice of a prompt does not fill', () => {
    const parts = memoryParts(llama1b, cpu)
    const untouched = totalBytes(parts) - residentBytes(llama1b, cpu, parts)
    // 64 rows: mask of 600 tokens 0.09 + 64 × 4 × (6 × 2,048 + 2 × 8,192) = 7.0 MiB
    expect(untouched / MiB).toBeCloseTo(259.5 - 7.1, 0)
  })
  test('and has the one checkpoint that a model without rewinding took', () => {
    const parts = memoryParts(gemma3, cpu)
    const held =
      residentBytes(gemma3, cpu, parts) - residentBytes({ ...gemma3, geometry: { ...gemma3.geometry, slidingWindow: null } }, cpu, parts)
    expect(held).toBe(600 * 29 * 4 * 512 * 2)
  })
  test('batch sizes on a card: 512 for 128k tokens, 256 for 262k; on a processor 256 and 128', () => {
    expect([plannedBatchSize(128_256), plannedBatchSize(151_936), plannedBatchSize(262_144)]).toEqual([512, 512, 256])
    expect([49_152, 128_256, 151_936, 262_144].map((size) => plannedBatchSize(size, false))).toEqual([512, 256, 128, 128])
  })
  test('a tensor above the limit of a device stays in RAM with what comes of it: llama1b on llvmpipe, 205.5 + 557.3 MiB and 258.5 of logits', () => {
    const gpus = [{ device: 'gpu0' as const, share: 1, contextBytes: 0, maxTensorBytes: 128 * MiB }]
    const parts = memoryParts(llama1b, { ...cpu, gpuLayers: 17, gpus })
    const of = (device: string, kind: string) => (parts.find((part) => part.device === device && part.kind === kind)?.bytes ?? 0) / MiB
    expect(of('cpu', 'weights')).toBeCloseTo(205.49, 1)
    expect(of('gpu0', 'weights')).toBeCloseTo(557.32, 1)
    expect(of('cpu', 'compute')).toBeCloseTo(259.5, 1)
    expect(of('gpu0', 'compute')).toBeCloseTo(60, 1)
  })
  test('with a card the host keeps only inputs and mask: 4,096 × 512 × 2 + 2 × 512 × 2,048 × 4 = 12 MiB', () => {
    for (const gpuLayers of [8, 17]) {
      const parts = memoryParts(llama1b, { ...cpu, gpuLayers, gpus: oneGpu })
      expect(parts.find((part) => part.device === 'cpu' && part.kind === 'compute')?.bytes).toBe(12 * MiB)
    }
  })
})

describe('what a vocabulary takes in the process (docs/accuracy.md)', () => {
  test.each([
    ['SmolLM2, 49k BPE, read from the file', { model: 'gpt2', tokens: 49_152, merges: 48_900 }, 46],
    ['Llama 3, 280k merges', { model: 'gpt2', tokens: 128_256, merges: 280_147 }, 156],
    ['Gemma 3, 262k SPM', { model: 'llama', tokens: 262_144, merges: 0 }, 152],
    ['128k BPE of the catalogue: 1.5 merges a token', { model: 'gpt2', tokens: 128_256 }, 125],
  ])('%s', (_, tokenizer, mib) => {
    expect(processOverheadBytes(tokenizer) / MiB).toBeCloseTo(mib, -0.5)
  })
})

describe('rule of thumb (the field guide)', () => {
  test('S = N × B: 7B in FP16 is 14 × 10⁹ bytes', () => {
    expect(ruleOfThumbSize(7e9, 'FP16')).toBe(14e9)
    expect(ruleOfThumbSize(7e9, 'FP32')).toBe(28e9)
    expect(ruleOfThumbSize(7e9, 'INT4')).toBe(3.5e9)
  })
  test('S′ = N × B′ × k with k from 1.1 to 1.2', () => {
    expect(ruleOfThumbQuantized(10e9, 'INT8')).toEqual([11e9, 12e9])
  })
})

const anyModel = fc.constantFrom(llama1b, gemma3, qwen3moe8, llama8b)
const anyOptions = fc.record({
  contextSize: fc.integer({ min: 256, max: 40_960 }),
  batchSize: fc.constantFrom(128, 256, 512),
  kvCacheType: fc.constantFrom('f16' as const, 'q8_0' as const, 'q4_0' as const),
  flashAttention: fc.constant(true),
  useMmap: fc.boolean(),
})

describe('for every model and every option', () => {
  property.prop([anyModel, anyOptions, fc.integer({ min: 0, max: 35 }), fc.integer({ min: 0, max: 20_000 })])(
    'more context never needs less, on any device',
    (model, options, gpuLayers, more) => {
      const at = (contextSize: number) => memoryParts(model, { ...options, contextSize, gpuLayers, gpus: gpuLayers > 0 ? oneGpu : [] })
      for (const device of ['cpu', 'gpu0'] as const)
        expect(totalBytes(at(options.contextSize + more), device)).toBeGreaterThanOrEqual(totalBytes(at(options.contextSize), device))
    },
  )
  property.prop([anyModel, anyOptions, fc.integer({ min: 0, max: 34 })])(
    'more layers on the GPU never need less VRAM',
    (model, options, gpuLayers) => {
      const at = (layers: number) => totalBytes(memoryParts(model, { ...options, gpuLayers: layers, gpus: oneGpu }), 'gpu0')
      expect(at(gpuLayers + 1)).toBeGreaterThanOrEqual(at(gpuLayers))
    },
  )
  property.prop([anyModel, anyOptions, fc.integer({ min: 0, max: 35 })])(
    'the parts add up, and there is one per device and kind',
    (model, options, gpuLayers) => {
      const parts = memoryParts(model, { ...options, gpuLayers, gpus: oneGpu })
      expect(totalBytes(parts)).toBeCloseTo(totalBytes(parts, 'cpu') + totalBytes(parts, 'gpu0'), 3)
      expect(new Set(parts.map((part) => `${part.device}/${part.kind}`)).size).toBe(parts.length)
      expect(parts.every((part) => part.bytes > 0)).toBe(true)
    },
  )
  property.prop([anyModel, anyOptions, fc.integer({ min: 0, max: 35 })])(
    'a split neither loses nor doubles the KV cache',
    (model, options, gpuLayers) => {
      const kv = memoryParts(model, { ...options, gpuLayers, gpus: oneGpu }).filter((part) => part.kind === 'kv')
      const whole = kvCacheBytes(model.geometry, options.contextSize, options.batchSize, options.kvCacheType)
      expect(kv.reduce((sum, part) => sum + part.bytes, 0)).toBeCloseTo(whole, 3)
    },
  )
})

test('the sums by device, which the search for a plan uses, are those of the parts', () => {
  const gpu = (device: 'gpu0' | 'gpu1', share: number) => ({ device, share, contextBytes: 100 * MiB })
  for (const model of [llama1b, llama8b, qwen3moe8])
    for (const gpus of [[], [gpu('gpu0', 1)], [gpu('gpu0', 3), gpu('gpu1', 1)]])
      for (const gpuLayers of [0, 1, 7, model.geometry.layers.length, model.geometry.layers.length + 1])
        for (const [contextSize, flashAttention] of [
          [512, false],
          [20_000, true],
        ] as const) {
          const options = { gpuLayers, contextSize, batchSize: 256, kvCacheType: 'f16' as const, flashAttention, useMmap: true, gpus }
          const parts = memoryParts(model, options)
          const devices = ['cpu' as const, ...gpus.map(({ device }) => device)]
          const sums = deviceBytes(model, options)
          expect(sums).toHaveLength(devices.length)
          for (const [index, device] of devices.entries()) expect(sums[index]).toBeCloseTo(totalBytes(parts, device), 3)
        }
})
