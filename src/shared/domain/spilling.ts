import type { GenerationStats } from './chat'
import { type Bytes, MiB } from './units'

/**
 * Decode below this share of the low end of what was predicted for this very plan: the driver moves the model through RAM. A range covers
 * what machines differ by (a quarter up and down); reading over PCIe instead of the card's own memory is 10 to 30 times slower for that part.
 */
const spillingBelow = 0.6
/** Fewer tokens say more about the start of a reply than about its rate. */
const leastTokens = 32
const shortestContext = 2_048

interface LoadedPlan {
  backend: string
  gpuLayers: number
  contextSize: number
}

/** Only where a graphics card is used: a slow processor is busy, it does not spill. */
export function isSpilling(
  plan: LoadedPlan,
  stats: Pick<GenerationStats, 'evalTokens' | 'evalTokensPerSecond'>,
  predictedLow: number,
): boolean {
  if (plan.backend === 'cpu' || plan.gpuLayers === 0) return false
  if (stats.evalTokens < leastTokens || !(stats.evalTokensPerSecond > 0) || !(predictedLow > 0)) return false
  return stats.evalTokensPerSecond < predictedLow * spillingBelow
}

/** Less than this is the driver's own book-keeping. */
const leastMovedBytes = 512 * MiB

/**
 * What cards use of RAM, before a model was loaded and now: buffers of the plan that lie with the processor are lent to the card and belong
 * there; what is beyond them was on the card and is not any more. 0 where it is too little to say.
 */
export function movedBytes(before: Bytes, now: Bytes, parts: readonly { device: string; bytes: Bytes }[]): Bytes {
  const lent = parts.reduce((sum, { device, bytes }) => sum + (device === 'cpu' ? bytes : 0), 0)
  const moved = now - before - lent
  return moved < leastMovedBytes ? 0 : moved
}

export interface WayOut {
  kind: 'context' | 'layers'
  contextSize: number
  gpuLayers: number
}

/** Half the context, or one layer in eight less on the card; what cannot get smaller is not offered. */
export function waysOut({ contextSize, gpuLayers }: LoadedPlan): WayOut[] {
  const half = Math.floor(contextSize / 2 / 256) * 256
  const fewer = gpuLayers - Math.max(1, Math.round(gpuLayers / 8))
  return [
    ...(half >= shortestContext ? [{ kind: 'context' as const, contextSize: half, gpuLayers }] : []),
    ...(fewer > 0 ? [{ kind: 'layers' as const, contextSize, gpuLayers: fewer }] : []),
  ]
}

/** What a plan leaves of the graphics cards' memory that another one took. */
export function freedBytes(before: readonly { device: string; bytes: Bytes }[], after: readonly { device: string; bytes: Bytes }[]): Bytes {
  const onCards = (parts: readonly { device: string; bytes: Bytes }[]): Bytes =>
    parts.reduce((sum, { device, bytes }) => sum + (device === 'cpu' ? 0 : bytes), 0)
  return Math.max(0, onCards(before) - onCards(after))
}
