import type { Bytes } from './units'

/** Kinds of a part. On screen: weights (+ repack) · KV cache (+ state, checkpoint) · compute (+ output) · overhead. The reserve is a margin, never a part. */
export type MemoryKind = 'weights' | 'repack' | 'kv' | 'state' | 'checkpoint' | 'compute' | 'output' | 'overhead'
/** `cpu`, `gpu0`, `gpu1` … */
export type MemoryDevice = 'cpu' | `gpu${number}`

export interface MemoryPart {
  device: MemoryDevice
  kind: MemoryKind
  bytes: Bytes
}

/** How sure a figure is; shown beside it. */
export type EstimateLevel = 'rule' | 'formula' | 'dry-run' | 'measured'
