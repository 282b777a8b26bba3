import type { KvCacheType } from './gguf'
import type { Backend, GpuKind } from './hardware'
import type { EstimateLevel, MemoryDevice, MemoryPart } from './memory'
import type { SpeedEstimate } from './speed'
import type { Bytes } from './units'

/** Where it runs. How well it runs is `SpeedGrade` (recommend.ts). */
export type Verdict = 'full-gpu' | 'partial-gpu' | 'cpu' | 'too-big'

/** A limit of the platform below the size of the memory, drawn and named. */
export interface PlatformLimit {
  /** Metal's recommended working set, Linux' GTT for APUs, Windows' shared memory (never used silently), what the user allows. */
  name: 'metal-working-set' | 'gtt' | 'windows-shared' | 'user'
  /** Parts on these devices count against it. */
  device: MemoryDevice
  bytes: Bytes
}

/**
 * One physical memory: one tank on screen. Unified memory is one pool that holds `gpu0` and `cpu`, so nothing is counted twice;
 * a machine with two cards has three.
 */
export interface MemoryPool {
  id: MemoryDevice
  /** Devices whose parts lie in it. */
  devices: MemoryDevice[]
  name: string
  kind: 'ram' | GpuKind
  /** The width of the bar. */
  totalBytes: Bytes
  /** Free now, other programs' memory taken off: the capacity line is drawn at `freeBytes + returnedBytes`. */
  freeBytes: Bytes
  /** What our own loaded model would give back ("in place of"); 0 for "beside it". */
  returnedBytes: Bytes
  /** A margin at the capacity line, never a part. */
  reserveBytes: Bytes
  limit: PlatformLimit | null
}

export interface PoolFit extends MemoryPool {
  /** free + returned − reserve, and no more than the platform's limit where all parts count against it. */
  budgetBytes: Bytes
  /** Sum of the parts that lie here; the reserve is not in it. */
  takesBytes: Bytes
  /** budget − takes: "2.1 GiB to spare", negative by what is missing. */
  spareBytes: Bytes
}

/** What was planned; `gpuLayers` counts the output layer, so `totalLayers` is blocks + 1. */
export interface LoadPlan {
  backend: Backend
  gpuLayers: number
  totalLayers: number
  contextSize: number
  batchSize: number
  kvCacheType: KvCacheType
  flashAttention: boolean
  useMmap: boolean
}

/** `snug fit --json` (DESIGN.md §10), and what every memory bar is drawn from. */
export interface FitReport {
  verdict: Verdict
  level: EstimateLevel
  plan: LoadPlan
  /** What is reserved, by device and kind. For too-big: of the smallest plan that was tried. */
  parts: MemoryPart[]
  totalBytes: Bytes
  /** How much the engine process will really have grown after its first long prompt (RSS). */
  residentBytes: Bytes
  /** The longest context that keeps this verdict; 0 when nothing fits. */
  maxContext: number
  speed: SpeedEstimate
  /** GPUs first, then RAM. One tank each. */
  pools: PoolFit[]
  /** Bytes other programs would have to free so that it runs, null where it fits or where even an empty machine is too small. */
  freeUpBytes: Bytes | null
}
