import type { LayerGeometry } from './gguf'
import type { SizedModel } from './memory'
import { MiB } from './units'

/** Models of known measurements (facts: engine.md §1, §2), for tests and worked examples. */

function full(count: number, kvHeads: number, headDim: number): LayerGeometry[] {
  return Array.from({ length: count }, () => ({ kind: 'full', kvHeads, headDimK: headDim, headDimV: headDim }))
}

function model(input: {
  architecture: string
  layers: LayerGeometry[]
  embedding: number
  feedForward: number
  heads: number
  vocabulary: number
  context: number
  window?: number
  experts?: { count: number; used: number }
  parameters: number
  active?: number
  totalMiB: number
  embeddingMiB: number
  outputMiB: number
  tied: boolean
  repackMiB: number
}): SizedModel {
  const total = input.totalMiB * MiB
  const ends = (input.embeddingMiB + (input.tied ? 0 : input.outputMiB)) * MiB
  const each = (total - ends) / input.layers.length
  const active = (input.active ?? input.parameters) / input.parameters
  return {
    parameters: input.parameters,
    activeParameters: input.active ?? input.parameters,
    trainContextSize: input.context,
    tokenizer: { model: 'gpt2', tokens: input.vocabulary },
    geometry: {
      architecture: input.architecture,
      layers: input.layers,
      embeddingLength: input.embedding,
      feedForwardLength: input.feedForward,
      headCount: input.heads,
      vocabularySize: input.vocabulary,
      trainContextSize: input.context,
      slidingWindow: input.window ?? null,
      experts: input.experts ?? null,
    },
    weights: {
      totalBytes: total,
      tokenEmbeddingBytes: input.embeddingMiB * MiB,
      outputBytes: input.outputMiB * MiB,
      outputIsTied: input.tied,
      layerBytes: input.layers.map(() => each),
      activeLayerBytes: input.layers.map(() => each * active),
      bytesByType: {},
      repackableBytes: input.repackMiB * MiB,
      mappedBytesWhenRepacked: total - input.repackMiB * MiB,
    },
  }
}

/** llama-3.2-1B in a Q4_K_M-like mix: 762.81 MiB of tensors, 445.5 of them repacked, 205.49 of tied embedding. */
export const llama1b = model({
  architecture: 'llama',
  layers: full(16, 8, 64),
  embedding: 2048,
  feedForward: 8192,
  heads: 32,
  vocabulary: 128_256,
  context: 131_072,
  parameters: 1_235_814_400,
  totalMiB: 762.81,
  embeddingMiB: 205.49,
  outputMiB: 205.49,
  tied: true,
  repackMiB: 445.5,
})

/** gemma-3-4B: 34 layers, every sixth over the whole context. */
export const gemma3 = model({
  architecture: 'gemma3',
  layers: Array.from(
    { length: 34 },
    (_, index): LayerGeometry => ({ kind: index % 6 === 5 ? 'full' : 'sliding', kvHeads: 4, headDimK: 256, headDimV: 256 }),
  ),
  embedding: 2560,
  feedForward: 10_240,
  heads: 8,
  vocabulary: 262_144,
  context: 131_072,
  window: 1024,
  parameters: 3_880_000_000,
  totalMiB: 2368,
  embeddingMiB: 525,
  outputMiB: 525,
  tied: true,
  repackMiB: 1458,
})

/** The eight-layer cut of qwen3-30B-A3B: 3,290 MiB, 2,239 repacked. */
export const qwen3moe8 = model({
  architecture: 'qwen3moe',
  layers: full(8, 4, 128),
  embedding: 2048,
  feedForward: 768,
  heads: 32,
  vocabulary: 151_936,
  context: 40_960,
  experts: { count: 128, used: 8 },
  parameters: 5_600_000_000,
  active: 1_100_000_000,
  totalMiB: 3290,
  embeddingMiB: 167,
  outputMiB: 243,
  tied: false,
  repackMiB: 2239,
})

/** Llama 3.1 8B at Q4_K_M: 4.58 GiB. */
export const llama8b = model({
  architecture: 'llama',
  layers: full(32, 8, 128),
  embedding: 4096,
  feedForward: 14_336,
  heads: 32,
  vocabulary: 128_256,
  context: 131_072,
  parameters: 8_030_261_248,
  totalMiB: 4685,
  embeddingMiB: 281.8,
  outputMiB: 411,
  tied: false,
  repackMiB: 3100,
})
