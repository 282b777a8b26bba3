import { type BeyondCaches, type ByHead, type Calibration, attentionElements, parametersOf, rateOf } from './calibration'
import { cachedLayers, tokensSeen } from './layerSums'
import { typesRead } from './typesRead'
import type { MemoryDevice, SizedModel } from './memory'
import type { Bytes } from './units'

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
  const { types, bytes } = typesRead(model)
  const far = farShare(model, bytes * share.bytes, by.beyond)
  // Only the blocks of a mixture choose experts.
  const mixture = model.geometry.experts === null ? 1 : by.mixture.decode
  let reading = 0
  for (const { type, blocks, output } of types) {
    const rate = rateOf(by.bandwidth, type)
    const most = mostBeyond(type, by.beyond)
    reading += blocks * mixture * byteMs(rate, most, far) + output * byteMs(rate * by.output, most, far)
  }
  const part = share.blocks / Math.max(1, model.geometry.layers.length)
  const attention = (attentionElements(model, depth) / 1e9) * part * by.depthMs
  const ends = share.output ? by.tokenMs + (model.geometry.vocabularySize / 1000) * by.vocabularyMs : 0
  return reading * share.bytes + share.blocks * by.layerMs + attention + ends
}

/** Time of one token of a prompt at this mean depth: operations + blocks + attention. The output matrix is used once, not for each token. */
export function prefillMs(model: SizedModel, depth: number, by: Calibration, share: DeviceShare): number {
  const { types, blocks: bytes } = typesRead(model)
  const part = share.blocks / Math.max(1, model.geometry.layers.length)
  const far = farShare(model, bytes * part, by.beyond)
  let computing = 0
  for (const { type, blocks } of types) {
    const slower = 1 + (promptBeyond(type, model.geometry.embeddingLength, by.beyond) - 1) * far
    computing += ((2 * parametersOf(type, blocks)) / rateOf(by.flops, type)) * slower * 1000
  }
  const mixture = model.geometry.experts === null ? 1 : by.mixture.prefill
  const attention = attentionMs(model, depth, by.prefillDepth) * part
  return computing * part * mixture + share.blocks * by.prefillLayerMs + attention
}

/** Each layer by the measured head width nearest to its own. */
function attentionMs({ geometry }: SizedModel, depth: number, measured: readonly ByHead[]): number {
  let sum = 0
  for (const layers of cachedLayers(geometry))
    sum += layers.count * nearestMs(layers.headDimK, measured) * tokensSeen(layers, depth, geometry)
  return (sum * geometry.headCount) / 1e6
}

function nearestMs(headDim: number, measured: readonly ByHead[]): number {
  const off = (one: ByHead): number => Math.abs(Math.log(one.headDim / Math.max(1, headDim)))
  let nearest: ByHead | undefined
  for (const one of measured) if (nearest === undefined || off(one) < off(nearest)) nearest = one
  return nearest?.ms ?? 0
}

/** Of this type, else of the one that was measured in the most widths; between the measured widths, in octaves. */
function promptBeyond(type: string, width: number, beyond: BeyondCaches | undefined): number {
  if (beyond === undefined) return 1
  const widths = beyond.prompt[type] ?? Object.values(beyond.prompt).reduce((most, one) => (one.length > most.length ? one : most), [])
  const [narrowest, widest] = [widths[0], widths.at(-1)]
  if (narrowest === undefined || widest === undefined) return 1
  const steps = Math.log2(widest.width / narrowest.width)
  const at = steps === 0 ? 0 : Math.min(1, Math.max(0, Math.log2(width / narrowest.width) / steps))
  return narrowest.factor + (widest.factor - narrowest.factor) * at
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
