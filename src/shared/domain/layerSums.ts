import type { LayerGeometry, ModelGeometry, WeightFacts } from './gguf'

/** Sums over the first n blocks, for n from 0: what blocks a to b have is one subtraction. */
export type Sums = Float64Array

export interface LayerSums {
  /** Cache elements of one cell (kvHeads × (headDimK + headDimV)), by whether the context or a window says how many cells there are. */
  full: Sums
  sliding: Sums
  /** Bytes of recurrent state. */
  state: Sums
}

/** A constant per sequence, F32, independent of the context (llama-memory-recurrent.cpp). */
export function layerStateBytes(layer: LayerGeometry): number {
  if (layer.kind === 'recurrent') return layer.stateBytes
  return layer.kind === 'full' ? (layer.stateBytes ?? 0) : 0
}

function cacheElements(layer: LayerGeometry): number {
  return layer.kind === 'full' || layer.kind === 'sliding' ? layer.kvHeads * (layer.headDimK + layer.headDimV) : 0
}

function sumsOf<T>(items: readonly T[], value: (item: T) => number): Sums {
  const sums = new Float64Array(items.length + 1)
  let sum = 0
  for (const [index, item] of items.entries()) {
    sum += value(item)
    sums[index + 1] = sum
  }
  return sums
}

// Ranking the catalogue asks the same models many thousand times; what is kept goes with the model. Facts are never changed in place.
const geometries = new WeakMap<ModelGeometry, LayerSums>()
const weights = new WeakMap<WeightFacts, { bytes: Sums; active: Sums }>()

/** Layers with a cache that cost a token the same. */
interface AlikeLayers {
  headDimK: number
  headDimV: number
  sliding: boolean
  count: number
}
const alike = new WeakMap<ModelGeometry, AlikeLayers[]>()

export function cachedLayers(geometry: ModelGeometry): readonly AlikeLayers[] {
  const known = alike.get(geometry)
  if (known !== undefined) return known
  const groups = new Map<string, AlikeLayers>()
  for (const layer of geometry.layers) {
    if (layer.kind !== 'full' && layer.kind !== 'sliding') continue
    const { headDimK, headDimV, kind } = layer
    const key = `${headDimK} ${headDimV} ${kind}`
    const group = groups.get(key) ?? { headDimK, headDimV, sliding: kind === 'sliding', count: 0 }
    groups.set(key, { ...group, count: group.count + 1 })
  }
  const made = [...groups.values()]
  alike.set(geometry, made)
  return made
}

/** Tokens that a layer looks at with so many before. */
export function tokensSeen({ sliding }: { sliding: boolean }, depth: number, { slidingWindow }: ModelGeometry): number {
  return sliding ? Math.min(depth, slidingWindow ?? depth) : depth
}

export function layerSums(geometry: ModelGeometry): LayerSums {
  const known = geometries.get(geometry)
  if (known !== undefined) return known
  const windowed = (layer: LayerGeometry): boolean => layer.kind === 'sliding' && geometry.slidingWindow !== null
  const made: LayerSums = {
    full: sumsOf(geometry.layers, (layer) => (windowed(layer) ? 0 : cacheElements(layer))),
    sliding: sumsOf(geometry.layers, (layer) => (windowed(layer) ? cacheElements(layer) : 0)),
    state: sumsOf(geometry.layers, layerStateBytes),
  }
  geometries.set(geometry, made)
  return made
}

/** Bytes of the blocks, and of what a token reads of them. */
export function weightSums(facts: WeightFacts): { bytes: Sums; active: Sums } {
  const known = weights.get(facts)
  if (known !== undefined) return known
  const made = { bytes: sumsOf(facts.layerBytes, (bytes) => bytes), active: sumsOf(facts.activeLayerBytes, (bytes) => bytes) }
  weights.set(facts, made)
  return made
}

/** Of blocks `from` up to, not with, `to`; blocks that there are not count nothing. */
export function between(sums: Sums, from: number, to: number): number {
  const last = sums.length - 1
  return (sums[Math.min(to, last)] ?? 0) - (sums[Math.min(from, last)] ?? 0)
}
