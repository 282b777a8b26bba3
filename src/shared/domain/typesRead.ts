import type { WeightFacts } from './gguf'
import type { SizedModel } from './memory'
import { blockBits, quantizationInfo } from './quantization'
import type { Bytes } from './units'

/** What a token reads of a model. A prompt needs the output matrix once only. */
export interface TypesRead {
  types: readonly { type: string; blocks: Bytes; output: Bytes }[]
  /** Of all types, with the output matrix. */
  bytes: Bytes
  blocks: Bytes
}

// As in layerSums.ts: the same models are asked many thousand times, and facts are never changed in place.
const known = new WeakMap<WeightFacts, TypesRead>()

export function typesRead(model: SizedModel): TypesRead {
  const before = known.get(model.weights)
  if (before !== undefined) return before
  const blocks = blockBytesByType(model)
  const types = Object.entries(activeBytesByType(model)).map(([type, bytes]) => {
    const inBlocks = Math.min(bytes, blocks[type] ?? 0)
    return { type, blocks: inBlocks, output: bytes - inBlocks }
  })
  const sum = (part: 'blocks' | 'output'): Bytes => types.reduce((all, one) => all + one[part], 0)
  const read = { types, bytes: sum('blocks') + sum('output'), blocks: sum('blocks') }
  known.set(model.weights, read)
  return read
}

/** Bytes read for one token, by tensor type: exact from a header; by the quantization's name and size where only the catalogue knows the model. */
export function activeBytesByType(model: SizedModel): Record<string, Bytes> {
  const { weights } = model
  if (weights.activeBytesByType !== undefined) return weights.activeBytesByType
  const blocks = weights.activeLayerBytes.reduce((sum, bytes) => sum + bytes, 0)
  const known = Object.entries(weights.bytesByType).filter(([type]) => type !== 'F32')
  const all = known.reduce((sum, [, bytes]) => sum + bytes, 0)
  if (all > 0) return Object.fromEntries(known.map(([type, bytes]) => [type, (bytes / all) * (blocks + weights.outputBytes)]))
  const bits = (weights.outputBytes * 8) / Math.max(1, model.geometry.vocabularySize * model.geometry.embeddingLength)
  const info = weights.quantization === undefined ? null : quantizationInfo(weights.quantization)
  const bulk = info?.bulkType ?? typeByBits(bits)
  const output = info?.outputType ?? typeByBits(bits)
  return bulk === output ? { [bulk]: blocks + weights.outputBytes } : { [bulk]: blocks, [output]: weights.outputBytes }
}

/** The same without the output matrix, which a prompt needs once only. Its type is told by its size. */
function blockBytesByType(model: SizedModel): Record<string, Bytes> {
  const { outputBytes } = model.weights
  const types = activeBytesByType(model)
  const bits = (outputBytes * 8) / Math.max(1, model.geometry.vocabularySize * model.geometry.embeddingLength)
  const near = Object.keys(types).toSorted((a, b) => Math.abs((blockBits[a] ?? 4.5) - bits) - Math.abs((blockBits[b] ?? 4.5) - bits))
  const type = near.find((candidate) => (types[candidate] ?? 0) >= outputBytes * 0.99)
  // A size that no type explains: all types alike.
  const all = Object.values(types).reduce((sum, bytes) => sum + bytes, 0)
  const share = all === 0 ? 1 : Math.max(0, 1 - outputBytes / all)
  if (type === undefined) return Object.fromEntries(Object.entries(types).map(([name, bytes]) => [name, bytes * share]))
  return { ...types, [type]: Math.max(0, (types[type] ?? 0) - outputBytes) }
}

function typeByBits(bits: number): string {
  return Object.entries(blockBits).toSorted((a, b) => Math.abs(a[1] - bits) - Math.abs(b[1] - bits))[0]?.[0] ?? 'Q4_K'
}
