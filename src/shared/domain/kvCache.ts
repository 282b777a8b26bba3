import type { KvCacheType, LayerGeometry, ModelGeometry } from './gguf'
import { between, layerSums } from './layerSums'
import { type Bytes, MiB } from './units'

/** Bytes of one element: block bytes ÷ block elements (gguf-py GGML_QUANT_SIZES). */
export const kvElementBytes: Readonly<Record<KvCacheType, number>> = { f16: 2, q8_0: 34 / 32, q4_0: 18 / 32 }

/** llama.cpp pads the cells of a sequence to 256 (facts: engine.md §1). */
export function paddedCells(contextSize: number): number {
  return Math.ceil(contextSize / 256) * 256
}

/** Sliding layers keep min(context, window + batch + 1) cells, padded; the + 1 is node-llama-cpp's (gemma3 4B at 16,384: 1,792 cells). */
export function slidingCells(contextSize: number, slidingWindow: number, batchSize: number): number {
  return Math.min(paddedCells(contextSize), paddedCells(slidingWindow + batchSize + 1))
}

/** KV cache of one layer: cells × (kvHeads × headDimK × bytes(K) + kvHeads × headDimV × bytes(V)); llama.cpp llama-kv-cache.cpp. */
export function layerCacheBytes(
  layer: LayerGeometry,
  geometry: ModelGeometry,
  contextSize: number,
  batchSize: number,
  type: KvCacheType,
): Bytes {
  if (layer.kind !== 'full' && layer.kind !== 'sliding') return 0
  const cells =
    layer.kind === 'sliding' && geometry.slidingWindow !== null
      ? slidingCells(contextSize, geometry.slidingWindow, batchSize)
      : paddedCells(contextSize)
  return cells * layer.kvHeads * (layer.headDimK + layer.headDimV) * kvElementBytes[type]
}

export function kvCacheBytes(geometry: ModelGeometry, contextSize: number, batchSize: number, type: KvCacheType): Bytes {
  return geometry.layers.reduce((sum, layer) => sum + layerCacheBytes(layer, geometry, contextSize, batchSize, type), 0)
}

/** Models that cannot rewind (sliding window, recurrent) keep checkpoints: at most 4 and 256 MiB (DESIGN.md §2). */
export const maxCheckpoints = 4
export const maxCheckpointBytes = 256 * MiB

/** One checkpoint after so many tokens: the states, and of sliding layers what is in their window. */
export function oneCheckpointBytes(geometry: ModelGeometry, tokens: number, type: KvCacheType): Bytes {
  const held = Math.min(tokens, geometry.slidingWindow ?? 0)
  const { sliding, state } = layerSums(geometry)
  const blocks = geometry.layers.length
  return between(state, 0, blocks) + held * between(sliding, 0, blocks) * kvElementBytes[type]
}

export function checkpointBytes(geometry: ModelGeometry, type: KvCacheType): Bytes {
  return Math.min(oneCheckpointBytes(geometry, paddedCells(geometry.trainContextSize), type) * maxCheckpoints, maxCheckpointBytes)
}
