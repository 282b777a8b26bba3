import { type BeyondCaches, type ByHead, type Calibration, attentionElements, parametersOf, rateOf } from './calibration'
import type { MemoryDevice, SizedModel } from './memory'
import { blockBits, quantizationInfo } from './quantization'
import type { Bytes } from './units'

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

/** The part of a model that lies on one device. */
export interface DeviceShare {
  device: MemoryDevice
  /** Of the bytes that a token reads, without the cache. */
  bytes: number
  blocks: number
  output: boolean
}

/** Time of one token with so many before it, for what lies on this device: reading + blocks + attention + sampling. */
export function decodeMs(model: SizedModel, depth: number, by: Calibration, share: DeviceShare): number {
  const all = Object.entries(activeBytesByType(model))
  const inBlocks = blockBytesByType(model)
  const far = farShare(model, all.reduce((sum, [, bytes]) => sum + bytes, 0) * share.bytes, by.beyond)
  // Only the blocks of a mixture choose experts.
  const mixture = model.geometry.experts === null ? 1 : by.mixture.decode
  const reading = all.reduce((sum, [type, bytes]) => {
    const block = Math.min(bytes, inBlocks[type] ?? 0)
    const [rate, most] = [rateOf(by.bandwidth, type), mostBeyond(type, by.beyond)]
    return sum + block * mixture * byteMs(rate, most, far) + (bytes - block) * byteMs(rate * by.output, most, far)
  }, 0)
  const part = share.blocks / Math.max(1, model.geometry.layers.length)
  const attention = (attentionElements(model, depth) / 1e9) * part * by.depthMs
  const ends = share.output ? by.tokenMs + (model.geometry.vocabularySize / 1000) * by.vocabularyMs : 0
  return reading * share.bytes + share.blocks * by.layerMs + attention + ends
}

/** Time of one token of a prompt at this mean depth: operations + blocks + attention. The output matrix is used once, not for each token. */
export function prefillMs(model: SizedModel, depth: number, by: Calibration, share: DeviceShare): number {
  const types = Object.entries(blockBytesByType(model))
  const part = share.blocks / Math.max(1, model.geometry.layers.length)
  const far = farShare(model, types.reduce((sum, [, bytes]) => sum + bytes, 0) * part, by.beyond)
  const computing = types.reduce((sum, [type, bytes]) => {
    const slower = 1 + (promptBeyond(type, model.geometry.embeddingLength, by.beyond) - 1) * far
    return sum + ((2 * parametersOf(type, bytes)) / rateOf(by.flops, type)) * slower * 1000
  }, 0)
  const mixture = model.geometry.experts === null ? 1 : by.mixture.prefill
  const attention = attentionMs(model, depth, by.prefillDepth) * part
  return computing * part * mixture + share.blocks * by.prefillLayerMs + attention
}

/** Each layer by the measured head width nearest to its own. Written with plain sums: a whole catalogue is priced at once. */
function attentionMs({ geometry }: SizedModel, depth: number, measured: ByHead[]): number {
  let sum = 0
  let [width, ms] = [0, 0]
  for (const layer of geometry.layers) {
    if (layer.kind !== 'full' && layer.kind !== 'sliding') continue
    // Most layers are as the one before.
    if (layer.headDimK !== width) [width, ms] = [layer.headDimK, nearestMs(layer.headDimK, measured)]
    sum += ms * (layer.kind === 'sliding' ? Math.min(depth, geometry.slidingWindow ?? depth) : depth)
  }
  return (sum * geometry.headCount) / 1e6
}

function nearestMs(headDim: number, measured: ByHead[]): number {
  const off = (one: ByHead): number => Math.abs(Math.log(one.headDim / Math.max(1, headDim)))
  return measured.toSorted((one, other) => off(one) - off(other))[0]?.ms ?? 0
}

/** Of this type, else of the one that was measured in the most widths; between the measured widths, in octaves. */
function promptBeyond(type: string, width: number, beyond: BeyondCaches | undefined): number {
  if (beyond === undefined) return 1
  const [own, others] = [beyond.prompt.filter((one) => one.type === type), beyond.prompt.filter((one) => one.type === mostMeasured(beyond))]
  const widths = own.length > 0 ? own : others
  const [narrowest, widest] = [widths[0], widths.at(-1)]
  if (narrowest === undefined || widest === undefined) return 1
  const steps = Math.log2(widest.width / narrowest.width)
  const at = steps === 0 ? 0 : Math.min(1, Math.max(0, Math.log2(width / narrowest.width) / steps))
  return narrowest.factor + (widest.factor - narrowest.factor) * at
}

function mostMeasured({ prompt }: BeyondCaches): string | undefined {
  const count = (type: string): number => prompt.filter((one) => one.type === type).length
  return prompt.toSorted((one, other) => count(other.type) - count(one.type))[0]?.type
}

/** How much of what is beyond the caches so many bytes meet, 0 … 1. What a mixture takes longer was measured for itself. */
function farShare({ geometry }: SizedModel, bytes: Bytes, beyond: BeyondCaches | undefined): number {
  if (beyond === undefined || geometry.experts !== null) return 0
  return Math.min(1, Math.max(0, (bytes - beyond.fromBytes) / Math.max(1, beyond.toBytes - beyond.fromBytes)))
}

/** Bytes per second that memory gives for this type at most: what was measured of it there, else what was measured of any. */
function mostBeyond(type: string, beyond: BeyondCaches | undefined): number {
  return beyond === undefined ? Infinity : (beyond.decode[type] ?? Math.max(...Object.values(beyond.decode)))
}

/** Milliseconds for a byte, near at its type's own rate and far at no more than `most`. */
function byteMs(rate: number, most: number, far: number): number {
  const near = 1000 / rate
  return near + far * (Math.max(near, 1000 / most) - near)
}
