import type { KvCacheType } from '@shared/domain/gguf'
import { hubAddress } from '@shared/domain/endpoint'
import type { ThinkingChoice } from '@shared/domain/thinking'
import { InvalidArgumentError } from 'commander'
import { words } from './words'

const { needed } = words.cli

/** Parsers of option values; what they refuse is wrong usage (exit code 2). */
export function integer(low: number, high = Number.MAX_SAFE_INTEGER) {
  return (value: string): number => {
    const number = Number(value)
    if (!/^\d+$/.test(value) || number < low || number > high) throw new InvalidArgumentError(needed.whole({ low: String(low) }))
    return number
  }
}

export function decimal(low: number, high: number) {
  return (value: string): number => {
    const number = Number(value)
    if (value.trim() === '' || !Number.isFinite(number) || number < low || number > high)
      throw new InvalidArgumentError(needed.between({ low: String(low), high: String(high) }))
    return number
  }
}

export function oneOf<const T extends string>(...allowed: T[]) {
  return (value: string): T => {
    const found = allowed.find((candidate) => candidate === value)
    if (found === undefined) throw new InvalidArgumentError(needed.oneOf({ list: allowed.join(', ') }))
    return found
  }
}

export const kvCacheType = oneOf('f16', 'q8_0', 'q4_0') satisfies (value: string) => KvCacheType

export function orAuto<T>(parse: (value: string) => T) {
  return (value: string): T | 'auto' => (value === 'auto' ? value : parse(value))
}

export function gpuLayers(value: string): number | 'max' | 'auto' {
  return value === 'max' || value === 'auto' ? value : integer(0, 100_000)(value)
}

export function onOff(value: string): boolean {
  return oneOf('on', 'off')(value) === 'on'
}

export function addressOfHub(value: string): string {
  const address = hubAddress(value)
  if (address === null) throw new InvalidArgumentError(needed.endpoint)
  return address
}

export function thinking(value: string): ThinkingChoice {
  if (value === 'on' || value === 'off') return { mode: value }
  if (!/^[\w-]{1,40}$/.test(value)) throw new InvalidArgumentError(needed.thinking)
  return { mode: 'effort', level: value }
}
