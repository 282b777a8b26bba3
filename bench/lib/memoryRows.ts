import type { Backend } from '@shared/domain/hardware'
import type { KvCacheType } from '@shared/domain/gguf'
import type { ShapeName } from '../../src/engine/shapes'
import type { ShapeQuantization } from '../../src/engine/shapeTypes'

/** What is loaded: a shape model made here (`layers`: only the first so many), or one of the real files of set-up. */
export type RowModel =
  | { kind: 'shape'; shape: ShapeName; quantization: ShapeQuantization; layers?: number }
  | { kind: 'real'; file: 'starter' | 'gemma' }

export interface MemoryRow {
  model: RowModel
  backend: Backend
  gpuLayers: number | 'max'
  contextSize: number
  batchSize: number
  kvCacheType: KvCacheType
  flashAttention: boolean
  useMmap: boolean
  /** Of the long prompt. What it touches depends on its slices, which the processor's speed decides, hardly on its length. */
  promptTokens: number
}

const usualPrompt = 128

/** `8192 b512 q8_0 mmap noflash`: context, batch, cache type, and what differs from the usual. */
function row(model: RowModel, words: string, more: Partial<MemoryRow> = {}): MemoryRow {
  const [context = '', ...rest] = words.split(' ')
  const contextSize = Number(context)
  return {
    model,
    backend: 'cpu',
    gpuLayers: 0,
    contextSize,
    batchSize: Number(rest.find((word) => /^b\d+$/.test(word))?.slice(1) ?? 512),
    kvCacheType: rest.includes('q8_0') ? 'q8_0' : rest.includes('q4_0') ? 'q4_0' : 'f16',
    flashAttention: !rest.includes('noflash'),
    useMmap: rest.includes('mmap'),
    promptTokens: Math.min(usualPrompt, contextSize - 64),
    ...more,
  }
}

const shape = (name: ShapeName, quantization: ShapeQuantization, layers?: number): RowModel => ({
  kind: 'shape',
  shape: name,
  quantization,
  ...(layers === undefined ? {} : { layers }),
})
const real = (file: 'starter' | 'gemma'): RowModel => ({ kind: 'real', file })
const each = (model: RowModel, configurations: string[], more: Partial<MemoryRow> = {}) =>
  configurations.map((words) => row(model, words, more))

const small = { promptTokens: 600 }
/** A longer prompt would take minutes. */
const slow = { promptTokens: 64 }

/** The processor alone: buffers, and what the process really takes. The 30B ones are cut: as much memory as a shared machine can give. */
const processorRows: MemoryRow[] = [
  ...each(real('starter'), ['2048', '8192 q8_0 mmap', '8192 b128 noflash'], small),
  ...each(real('gemma'), ['4096', '32768 q8_0 mmap'], small),
  ...each(shape('llama-1b', 'Q4_K_M'), ['4096', '4096 mmap', '16384 q8_0', '32768 q4_0 b128', '4096 noflash', '512 b128']),
  ...each(shape('llama-1b', 'Q8_0'), ['8192 b128', '2048 mmap']),
  ...each(shape('llama-8b', 'Q4_K_M'), ['8192', '32768 q8_0 mmap'], slow),
  ...each(shape('llama-8b', 'Q4_K_M', 24), ['32768 q8_0 mmap'], slow),
  ...each(shape('llama-8b', 'Q6_K', 16), ['4096 q4_0 b128'], slow),
  ...each(shape('qwen3-4b', 'Q4_K_M'), ['8192', '32768 q8_0 mmap']),
  ...each(shape('qwen3-4b', 'Q8_0'), ['2048 b128 noflash']),
  ...each(shape('gemma3-4b', 'Q4_K_M'), ['16384', '4096 q8_0 b128 mmap']),
  ...each(shape('gemma3-4b', 'Q8_0'), ['8192 noflash']),
  ...each(shape('qwen3moe-30b-a3b', 'Q4_K_M', 12), ['4096', '16384 q8_0 mmap']),
  ...each(shape('qwen3moe-30b-a3b', 'Q6_K', 6), ['4096 b128 noflash']),
  ...each(shape('gpt-oss-20b', 'MXFP4_MOE', 12), ['8192', '32768 q8_0 b128 mmap']),
  ...each(shape('gpt-oss-20b', 'MXFP4_MOE', 8), ['32768 q8_0 b128 mmap']),
  ...each(shape('gpt-oss-20b', 'Q4_K_M', 8), ['4096']),
  ...each(shape('deepseek2-30b-a3b', 'Q4_K_M', 12), ['8192', '32768 mmap']),
  ...each(shape('deepseek2-30b-a3b', 'Q8_0', 6), ['2048 b128 noflash']),
  ...each(shape('qwen35-4b', 'Q4_K_M'), ['8192', '32768 q8_0 mmap']),
  ...each(shape('qwen35-4b', 'Q8_0'), ['512 b128']),
  ...each(shape('granite-h-3b', 'Q4_K_M'), ['8192', '16384 q4_0 mmap']),
  ...each(shape('granite-h-3b', 'Q8_0'), ['4096 b128 noflash']),
]

const gpu = (gpuLayers: number | 'max', useMmap = false): Partial<MemoryRow> => ({ gpuLayers, useMmap })

/** Buffers only: a software rasteriser is too slow to run, and what lies on a card is in no process. */
const graphicsRows: MemoryRow[] = [
  row(real('starter'), '8192', gpu('max')),
  row(real('gemma'), '8192 q8_0', gpu('max', true)),
  row(shape('llama-1b', 'Q4_K_M'), '4096', gpu(8)),
  row(shape('llama-1b', 'Q4_K_M'), '16384 q8_0', gpu('max', true)),
  row(shape('llama-1b', 'Q4_K_M'), '4096 noflash', gpu('max')),
  row(shape('llama-1b', 'Q8_0'), '4096', gpu(0)),
  row(shape('llama-8b', 'Q4_K_M'), '8192', gpu(10)),
  row(shape('qwen3-4b', 'Q4_K_M'), '4096 q8_0', gpu('max')),
  row(shape('qwen3-4b', 'Q8_0'), '8192 b128', gpu(10, true)),
  row(shape('gemma3-4b', 'Q4_K_M'), '4096', gpu(20)),
  row(shape('gemma3-4b', 'Q4_K_M'), '16384 q8_0', gpu('max', true)),
  row(shape('qwen3moe-30b-a3b', 'Q4_K_M'), '8192', gpu(4, true)),
  row(shape('gpt-oss-20b', 'MXFP4_MOE'), '8192', gpu(3, true)),
  row(shape('deepseek2-30b-a3b', 'Q4_K_M'), '8192', gpu(4, true)),
  row(shape('qwen3moe-30b-a3b', 'Q4_K_M', 12), '8192', gpu(4, true)),
  row(shape('gpt-oss-20b', 'MXFP4_MOE', 12), '8192', gpu(3, true)),
  row(shape('deepseek2-30b-a3b', 'Q4_K_M', 12), '8192', gpu(4, true)),
  row(shape('qwen35-4b', 'Q4_K_M'), '8192', gpu(16)),
  row(shape('granite-h-3b', 'Q4_K_M'), '16384 q8_0', gpu('max')),
]

/** Seconds for all of them: for the ordinary test run. */
export const quickRows: MemoryRow[] = [
  ...each(real('starter'), ['2048'], { promptTokens: 150 }),
  ...each(shape('llama-1b', 'Q4_K_M', 2), ['2048 b128 mmap'], { promptTokens: 60 }),
  ...each(shape('gemma3-4b', 'Q8_0', 3), ['4096 b128 q8_0'], { promptTokens: 60 }),
  ...each(shape('deepseek2-30b-a3b', 'Q4_K_M', 2), ['1024 b128'], { promptTokens: 60 }),
]

export function memoryRows(backends: readonly Backend[]): MemoryRow[] {
  return backends.flatMap((backend) => (backend === 'cpu' ? processorRows : graphicsRows.map((one) => ({ ...one, backend }))))
}

export function modelName(model: RowModel): string {
  if (model.kind === 'real') return model.file === 'starter' ? 'SmolLM2 135M Q4_1 (real)' : 'Gemma 3 270M Q4_K_M (real)'
  return `${model.shape} ${model.quantization}${model.layers === undefined ? '' : `, ${model.layers} layers`}`
}

export function rowName(one: MemoryRow): string {
  const words = [
    modelName(one.model),
    `context ${one.contextSize}`,
    one.kvCacheType,
    `batch ${one.batchSize}`,
    ...(one.flashAttention ? [] : ['no flash']),
    ...(one.useMmap ? ['mmap'] : []),
    one.backend,
    ...(one.backend === 'cpu' ? [] : [`${one.gpuLayers} layers on it`]),
  ]
  return words.join(' · ')
}
