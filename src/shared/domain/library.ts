import type { EstimateLevel, MemoryPart } from './memory'
import type { ModelPreset, RecommendedSampling } from './preset'
import type { ThinkingCapability } from './thinking'
import type { Bytes, Range } from './units'

export type ModelOrigin = 'download' | 'added' | 'watched' | 'starter' | 'scripted'

/** A model file that the library knows. Rows are never forgotten: a file that is gone is `missing`. */
export interface LibraryModel {
  id: string
  path: string
  fileName: string
  /** `verified`: hash checked against its hub. `own`: the user's file, readable. `damaged`: header refused (see `problem`). */
  state: 'verified' | 'own' | 'missing' | 'damaged'
  origin: ModelOrigin
  name: string
  architecture: string
  parameters: number
  activeParameters: number
  quantization: string
  sizeBytes: Bytes
  trainContextSize: number
  thinking: ThinkingCapability
  licence: string | null
  /** The repository it came from, where known. */
  repository: string | null
  problem: { code: string; message: string } | null
  addedAt: number
  /** Last measured decode rate on this machine, tokens per second. */
  measuredTokensPerSecond: number | null
  /** Sampling values that the file or the catalogue recommends; null or absent where nobody says. */
  sampling?: RecommendedSampling | null
  /** Who recommends these values. */
  samplingFrom?: 'file' | 'catalogue' | null
  /** Other rows whose files have the same bytes, as far as hashes are known. null or absent: none known. */
  sameAs?: string[] | null
  /** Its bytes lie on the disk that downloads go to; not said of a second name of a file that counts already. */
  onModelsDisk?: boolean
  /** When every byte was read last and found right. */
  checkedAt?: number | null
  /** What the person keeps for this model: how it is loaded, how it writes. null or absent: nothing, all is automatic. */
  preset?: ModelPreset | null
  /** A preset: sent where a person wrote no system message; null for nearly all models. */
  recommendedSystem: string | null
  /** A hand-made script or demonstration: shown as such wherever it is met. */
  demonstration: 'starter' | 'scripted' | null
}

/** Work on whole files that a person asked for; one after the other. */
export interface LibraryWork {
  id: string
  /** `verify`: every byte is read and compared. `compare`: looks for copies of one file. `move`: to another folder. */
  kind: 'verify' | 'compare' | 'move'
  /** null: no single model. */
  modelId: string | null
  state: 'waiting' | 'running' | 'done' | 'failed'
  doneBytes: Bytes
  totalBytes: Bytes
  /** `same`: no hub has said what the bytes should be, but they are what they were when they were read last. */
  outcome: 'verified' | 'same' | 'unknown' | 'wrong' | 'moved' | 'compared' | null
  error: { code: string; message: string; data: Record<string, unknown> } | null
}

/** The file of that name at the hub is another one than ours. */
export interface ModelUpdate {
  modelId: string
  repository: string
  revision: string
  file: string
  sizeBytes: Bytes
}

export interface UpdateCheck {
  /** When the hub was asked. */
  at: number
  /** Models whose file could be compared by hash. */
  checked: number
  updates: ModelUpdate[]
  /** Of the last repository that could not be asked. */
  error: { code: string; message: string; data: Record<string, unknown> } | null
}

/** A folder of models and the disk that it lies on. */
export interface FolderSpace {
  path: string
  models: number
  modelBytes: Bytes
  totalBytes: Bytes
  freeBytes: Bytes
}

export type EngineStatus =
  | { state: 'empty' }
  /** `expectedMs`: how long loads like it took here; left out where there were none. */
  | { state: 'loading'; modelId: string; fraction: number; expectedMs?: Range }
  | {
      state: 'ready'
      modelId: string
      contextSize: number
      gpuLayers: number
      totalLayers: number
      /** Processor threads at most. */
      threads: number
      backend: string
      parts: MemoryPart[]
      level: EstimateLevel
      /** What the load ladder changed, in order; empty when the plan worked. */
      ladder: LadderStep[]
    }
  | { state: 'failed'; modelId: string; error: { code: string; message: string; data: Record<string, unknown> }; canTryCpu: boolean }

export type LadderStep =
  | { change: 'context'; from: number; to: number; because: string }
  | { change: 'kv-cache'; from: string; to: string; because: string }
  | { change: 'gpu-layers'; from: number; to: number; because: string }
  | { change: 'cpu'; because: string }

export type DownloadState = 'queued' | 'running' | 'paused' | 'verifying' | 'done' | 'failed' | 'cancelled'

export interface Download {
  id: string
  repository: string
  file: string
  /** All parts of a split file. */
  parts: string[]
  revision: string
  state: DownloadState
  totalBytes: Bytes
  receivedBytes: Bytes
  /** Hashed so far. */
  verifiedBytes: Bytes
  /** Smoothed over 10 s; null in the first 3 s. */
  bytesPerSecond: number | null
  secondsLeft: number | null
  error: { code: string; message: string; data: Record<string, unknown> } | null
  /** The error after which it tries again by itself; null or absent while bytes arrive. */
  trouble?: string | null
  /** When it is tried again by itself after a failure, milliseconds since 1970; null or absent: not. */
  retryAt?: number | null
  /** A chat opens when it is here, unless the person is busy by then. */
  thenChat?: boolean
  /** It lies on the disk that new downloads go to; the folder may have been another one when it began. */
  onModelsDisk?: boolean
  /** The library's row once it is done. */
  modelId: string | null
  createdAt: number
}

/** A repository's files, grouped by quantization; split parts together. */
export interface RepositoryFiles {
  repository: string
  revision: string
  licence: string | null
  /** Its page at the hub, where terms are accepted. */
  page?: string
  /** Its maker asks for an agreement: given at once, or by hand. */
  gated?: 'auto' | 'manual' | null
  groups: { quantization: string; file: string; parts: string[]; sizeBytes: Bytes; sha256: string | null }[]
}

export interface SearchHit {
  repository: string
  downloads: number | null
  likes: number | null
  licence: string | null
  updatedAt: string | null
  /** By the hub, else by the name; null: neither says it. */
  parameters: number | null
  /** What its maker declares, as codes; empty: nothing. */
  languages: string[]
  gated: boolean
  /** Whether the usual quantization would run here, by size alone; null: the size is not known, or nobody asked. */
  fits: boolean | null
}

export interface SearchResult {
  hits: SearchHit[]
  /** Left out because the hub does not tell what was asked for. */
  unknown: number
  /** There may be more that match: not every page was looked at. */
  more: boolean
}
