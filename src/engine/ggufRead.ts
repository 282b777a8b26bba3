import type { GgufHeader } from './ggufHeader'
import { GgufArray } from './ggufValues'

/** Typed looks into a header's metadata: null where a key is missing or of another kind. */

export function textOf(header: GgufHeader, key: string): string | null {
  const value = header.metadata.get(key)
  return typeof value === 'string' ? value : null
}

/** A whole number of zero or more. */
export function countOf(header: GgufHeader, key: string): number | null {
  const value = header.metadata.get(key)
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 ? value : null
}

export function realOf(header: GgufHeader, key: string): number | null {
  const value = header.metadata.get(key)
  return typeof value === 'number' && Number.isFinite(value) ? value : null
}

export function flagOf(header: GgufHeader, key: string): boolean | null {
  const value = header.metadata.get(key)
  return typeof value === 'boolean' ? value : null
}

export function arrayOf(header: GgufHeader, key: string): GgufArray | null {
  const value = header.metadata.get(key)
  return value instanceof GgufArray ? value : null
}

export function numbersOf(header: GgufHeader, key: string): number[] | null {
  return arrayOf(header, key)?.numbers() ?? null
}
