import { fc, test as property } from '@fast-check/vitest'
import { expect, test } from 'vitest'
import { llama1b } from './exampleModels'
import { type MemoryOptions, type SizedModel, deviceBytes, memoryParts, totalBytes } from './memory'
import { MiB } from './units'

type Large = NonNullable<SizedModel['weights']['largeTensors']>

/** llama1b with the block sizes and large matrices of a mixture. */
function mixture(layers: number, largeTensors: Large, tied = false): SizedModel {
  const layerBytes = Array.from({ length: layers }, () => 430 * MiB)
  const ends = (tied ? 200 : 400) * MiB
  const sum = layers * 430 * MiB + ends
  return {
    ...llama1b,
    geometry: { ...llama1b.geometry, layers: llama1b.geometry.layers.slice(0, 1).flatMap((layer) => layerBytes.map(() => layer)) },
    weights: {
      ...llama1b.weights,
      totalBytes: sum,
      layerBytes,
      activeLayerBytes: layerBytes,
      outputIsTied: tied,
      outputBytes: 200 * MiB,
      tokenEmbeddingBytes: 200 * MiB,
      largeTensors,
    },
  }
}
const experts = (layers: number, copyBytes: (layer: number) => number): Large =>
  Array.from({ length: layers * 3 }, (_, index) => {
    const layer = Math.floor(index / 3)
    return { layer, bytes: 134.5 * MiB, copyBytes: copyBytes(layer) * MiB }
  })
const options = (gpuLayers: number, maxTensorMiB: number | null, useMmap = false): MemoryOptions => ({
  gpuLayers,
  contextSize: 4096,
  batchSize: 512,
  kvCacheType: 'f16',
  flashAttention: true,
  useMmap,
  gpus: [{ device: 'gpu0', share: 1, contextBytes: 0, ...(maxTensorMiB === null ? {} : { maxTensorBytes: maxTensorMiB * MiB }) }],
})
const mib = (model: SizedModel, plan: MemoryOptions) => {
  const of = (device: string, kind: string) =>
    (memoryParts(model, plan).find((part) => part.device === device && part.kind === kind)?.bytes ?? 0) / MiB
  return { cpu: of('cpu', 'weights'), repack: of('cpu', 'repack'), gpu: of('gpu0', 'weights') }
}

test('gpt-oss cut to 12 blocks, 3 layers on a device that takes 128 MiB: 12 × 3 × 134.5 = 4,842 MiB are repacked, in every block', () => {
  const model = mixture(
    12,
    experts(12, () => 134.5),
  )
  // Two blocks and the output went to the device, which takes what is not refused: 2 × (430 − 403.5); the output is above 128 MiB.
  expect(mib(model, options(3, 128))).toEqual({ cpu: 12 * 430 - 2 * 26.5 + 400 - 4842, repack: 4842, gpu: 53 })
  // Mapped from the embedding to the last block whose other matrices stay.
  expect(mib(model, options(3, 128, true))).toEqual({ cpu: 10 * 430 + 400, repack: 4842, gpu: 53 })
})

test('what is not repacked stays mapped or read, and stretches the mapping over the blocks on the device', () => {
  const model = mixture(
    12,
    experts(12, () => 0),
  )
  expect(mib(model, options(3, 128))).toEqual({ cpu: 12 * 430 - 53 + 400, repack: 0, gpu: 53 })
  expect(mib(model, options(3, 128, true))).toEqual({ cpu: 12 * 430 + 400, repack: 0, gpu: 53 })
})

test('a device that takes them, and one that nobody knows a limit of, get their blocks whole', () => {
  const model = mixture(
    12,
    experts(12, () => 134.5),
  )
  for (const limit of [135, null]) {
    const found = mib(model, options(3, limit))
    expect(found.repack).toBe(0)
    expect(found.gpu).toBe(2 * 430 + (limit === null ? 200 : 0))
  }
})

test('an output matrix that is refused is copied where its type is, and a tied one stays for the input', () => {
  const output: Large = [{ layer: null, bytes: 200 * MiB, copyBytes: 220 * MiB }]
  expect(mib(mixture(4, output), options(5, 128))).toEqual({ cpu: 200, repack: 220, gpu: 4 * 430 })
  expect(mib(mixture(4, output, true), options(5, 128))).toEqual({ cpu: 200, repack: 220, gpu: 4 * 430 })
})

test('without a layer on it a visible card still refuses what it would not take, and that is copied', () => {
  const output: Large = [{ layer: null, bytes: 200 * MiB, copyBytes: 220 * MiB }]
  expect(mib(mixture(4, output), options(0, 128))).toEqual({ cpu: 4 * 430 + 200, repack: 220, gpu: 0 })
  expect(mib(mixture(4, output, true), options(0, 128))).toEqual({ cpu: 4 * 430 + 200, repack: 220, gpu: 0 })
  expect(mib(mixture(4, output), options(0, 256))).toEqual({ cpu: 4 * 430 + 400, repack: 0, gpu: 0 })
})

property.prop([fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 13 }), fc.boolean(), fc.constantFrom(0, 134.5)])(
  'a limit moves bytes and loses none; the sums by device are those of the parts',
  (layers, gpuLayers, useMmap, copy) => {
    const model = mixture(
      layers,
      experts(layers, () => copy),
    )
    const sum = (limit: number) => {
      const { cpu, repack, gpu } = mib(model, options(gpuLayers, limit))
      return cpu + repack + gpu
    }
    // 135 and 128: the output is refused by both.
    expect(sum(128)).toBeCloseTo(sum(135), 6)
    const plan = options(gpuLayers, 128, useMmap)
    const [cpu, gpu] = deviceBytes(model, plan)
    expect(cpu).toBeCloseTo(totalBytes(memoryParts(model, plan), 'cpu'), 3)
    expect(gpu).toBeCloseTo(totalBytes(memoryParts(model, plan), 'gpu0'), 3)
  },
)
