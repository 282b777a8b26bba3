import type { ErrorValue } from '@shared/errors'
import type { NetworkEntry } from '@shared/ipc/app'
import type { ByteRange } from './byteRanges'
import type { HostToken, NetworkConfig } from './networkConfig'

export interface JobPart {
  /** Path in the repository. */
  file: string
  sizeBytes: number
  sha256: string | null
  gitSha1: string | null
  /** Of this file, where its source counts so; else that of the whole. */
  revision?: string | undefined
  /** Nobody says what its bytes should be: its own hash is taken, and proves nothing. */
  unverified?: boolean | undefined
  /** The storage's, for `If-Range`; another value than the hash. */
  etag: string | null
  /** The endpoint whose storage gave the ETag; absent: that of the download. */
  source?: string | undefined
  /** Synced to disk. */
  ranges: ByteRange[]
  /** Verified and under its final name. */
  done: boolean
}

export interface JobSpec {
  id: string
  endpoint: string
  /** Further endpoints with the same files, in turn when one fails. What they send is held against the same hash. */
  mirrors?: string[]
  repository: string
  revision: string
  /** Where `parts[].file` go. */
  folder: string
  parts: JobPart[]
  /** Kept free on the disk. */
  reserveBytes: number
}

/** What a job tells while it works. */
export type JobEvent =
  /** These bytes are on disk for good: the state to go on from after a kill. */
  | { type: 'durable'; part: number; etag: string | null; source?: string | undefined; sha256: string | null; ranges: ByteRange[] }
  | { type: 'progress'; receivedBytes: number; verifiedBytes: number; verifying: boolean }
  /** Another file has the name: the files go there instead. */
  | { type: 'folder'; folder: string }
  | { type: 'placed'; part: number; path: string; sha256: string | null; fetched: boolean; ownSha256?: string | undefined }
  | { type: 'retry'; code: string; tries: number; waitMs: number }
  /** Another endpoint goes on. */
  | { type: 'source'; endpoint: string }
  /** The whole hash was wrong: these bytes were, and are put right. */
  | { type: 'repaired'; part: number; ranges: ByteRange[] }

/** Waits and limits; the defaults are the product's, tests shorten them. */
export interface JobLimits {
  /** No byte for this long: the connection is given up. */
  stallMs: number
  /** Tries in a row that brought no byte. */
  maxTries: number
  /** Doubled for each try, with jitter. */
  backoffMs: number
  maxBackoffMs: number
  /** No server is waited for longer than this, whatever its `Retry-After` says. */
  maxRetryAfterMs: number
  /** Connections to begin with, and at most; one alone for a file that is smaller than `manyFromBytes`. */
  connections?: number
  maxConnections?: number | null
  manyFromBytes?: number
}

export const jobLimits: JobLimits = { stallMs: 30_000, maxTries: 6, backoffMs: 1_000, maxBackoffMs: 30_000, maxRetryAfterMs: 600_000 }

/** What the person allows; counts at once for what is under way. null: no limit. */
export interface DownloadLimits {
  bytesPerSecond: number | null
  /** Of one file. */
  connections: number | null
}

export interface WorkerStart {
  spec: JobSpec
  network: NetworkConfig
  limits: JobLimits
  /** The speed that all downloads share. */
  pace: SharedArrayBuffer
}

export type ToDownloadWorker =
  | { type: 'stop' }
  | { type: 'offline'; offline: boolean }
  | { type: 'connections'; connections: number | null }
  | { type: 'proxy'; origin: string; answer: string }
  | { type: 'tokens'; tokens: HostToken[] }
  | { type: 'kept' }
export type FromDownloadWorker =
  | { type: 'event'; event: JobEvent }
  | { type: 'network'; entry: NetworkEntry }
  /** Only main can ask the system. */
  | { type: 'proxy'; origin: string }
  /** Answered when all events before it are stored. */
  | { type: 'keep' }
  | { type: 'end'; error: ErrorValue | null }

/** Ids are ours, so that the name of an unfinished file tells whose it is. */
export function partFile(target: string, id: string): string {
  return `${target}.${id}.part`
}

/** What turned out wrong is kept under a name that no list takes for a model. */
export function wrongFile(target: string, id: string): string {
  return `${target}.${id}.wrong`
}
