import { SnugError } from '@shared/errors'
import { factsFromHeader } from './ggufFacts'
import { readHeaderFromBytes } from './ggufHeader'

/** For tests only: damage of many kinds, the same for the same seed. */
export function mutate(original: Uint8Array, seed: number): Uint8Array {
  const random = randomFrom(seed)
  const pick = (below: number) => Math.floor(random() * below)
  let bytes = Uint8Array.from(original)
  const changes = 1 + pick(3)
  for (let change = 0; change < changes && bytes.length > 8; change++) {
    const at = pick(bytes.length)
    switch (pick(7)) {
      case 0:
        bytes[at] = (bytes[at] ?? 0) ^ (1 << pick(8))
        break
      case 1:
        bytes[at] = pick(256)
        break
      case 2: {
        const width = pick(2) === 0 ? 4 : 8
        const value = extremes[pick(extremes.length)] ?? 0n
        const start = Math.min(at, bytes.length - width)
        for (let i = 0; i < width; i++) bytes[start + i] = Number((value >> BigInt(8 * i)) & 255n)
        break
      }
      case 3:
        bytes = bytes.slice(0, at)
        break
      case 4:
        bytes = join(bytes.subarray(0, at), bytes.subarray(Math.min(bytes.length, at + 1 + pick(16))))
        break
      case 5: {
        const from = pick(bytes.length)
        bytes = join(bytes.subarray(0, at), bytes.subarray(from, from + 1 + pick(64)), bytes.subarray(at))
        break
      }
      default: {
        const end = Math.min(bytes.length, at + 1 + pick(24))
        bytes.fill(pick(2) === 0 ? 0 : 255, at, end)
      }
    }
  }
  return bytes
}

const extremes = [
  0n,
  1n,
  2n,
  7n,
  255n,
  65535n,
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 40n,
  2n ** 53n,
  2n ** 63n - 1n,
  2n ** 63n,
  2n ** 64n - 1n,
]

/** What came of one damaged file; anything but a clear refusal throws. */
export function tryBytes(bytes: Uint8Array): string {
  try {
    factsFromHeader(readHeaderFromBytes(bytes))
    return 'accepted'
  } catch (error) {
    if (
      error instanceof SnugError &&
      (error.code === 'model/corrupt-file' || error.code === 'model/unsupported') &&
      typeof error.data.reason === 'string'
    ) {
      return String(error.data.problem)
    }
    throw error
  }
}

function join(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}

/** Mulberry32. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}
