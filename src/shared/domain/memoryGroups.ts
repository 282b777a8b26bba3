import type { MemoryDevice, MemoryKind, MemoryPart } from './memory'
import type { Bytes } from './units'

/** The four parts of every estimate that a person reads, in the order in which they always stand. */
export type MemoryGroup = 'weights' | 'kv' | 'compute' | 'overhead'
export const memoryGroups: readonly MemoryGroup[] = ['weights', 'kv', 'compute', 'overhead']

const groups: Record<MemoryKind, MemoryGroup> = {
  weights: 'weights',
  repack: 'weights',
  kv: 'kv',
  state: 'kv',
  checkpoint: 'kv',
  compute: 'compute',
  output: 'compute',
  overhead: 'overhead',
}

/** Of those devices, or of all. */
export function sumByGroup(parts: readonly MemoryPart[], devices?: readonly MemoryDevice[]): Record<MemoryGroup, Bytes> {
  const sums: Record<MemoryGroup, Bytes> = { weights: 0, kv: 0, compute: 0, overhead: 0 }
  for (const part of parts) if (devices === undefined || devices.includes(part.device)) sums[groups[part.kind]] += part.bytes
  return sums
}
