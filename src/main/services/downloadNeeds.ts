import type { Log } from '@shared/log'
import type { DownloadRow } from '../db/repositories/downloads'
import type { DownloadRunner } from '../platform/downloadRunner'
import type { DownloadLimits } from '../platform/downloadTypes'
import type { Endpoints } from '../platform/endpoints'
import type { Hub } from '../platform/hub'
import type { Network } from '../platform/network'
import type { AddressedFile } from '../platform/remoteFile'
import type { ReturnDelays } from './networkReturn'

/** What arrived, for the library. */
export interface Arrived {
  /** The only file, or the first part. */
  path: string
  /** null: it came from a mere address. */
  repository: string | null
  revision: string
  /** What the source says of each file, in their order; null where it does not say so of all. */
  sha256s: string[] | null
  /** The hashes that they have, where no source says which they should have. */
  ownSha256s?: string[] | undefined
}

/** A model of the library. */
export interface Here {
  modelId: string
  path: string
}

/** `here`: where the file lies already. */
export interface Started {
  id: string
  here?: string
}

export interface DownloadsDependencies {
  rows: {
    all(): DownloadRow[]
    get(id: string): DownloadRow | undefined
    save(row: DownloadRow): void
    /** Its place in the queue, and nothing else of the row. */
    move(id: string, position: number): void
    delete(id: string): void
  }
  hub: Pick<Hub, 'listing' | 'endpointOf'>
  /** What lies at an address. */
  lookAt?: (address: string) => Promise<AddressedFile>
  /** Where one of several is taken: which of them answer. */
  endpoints?: Pick<Endpoints, 'ready' | 'mirrors' | 'failed'>
  /** Asked whether there is an answer again. */
  network?: Pick<Network, 'request'>
  returnDelays?: ReturnDelays
  runner: DownloadRunner
  /** The model whose files have these hashes, wherever it lies now. */
  here?: (sha256s: (string | null)[]) => Promise<Here | null>
  /** Puts a verified file on the list; gives the model's id. */
  arrived: (file: Arrived) => Promise<string | null>
  modelsFolder: () => string
  /** Keeps app and command line apart. */
  locksFolder: string
  log?: Log
  /** Files at the same time (2), each with a worker of its own; asked again by `applyLimits`. */
  limits?: () => DownloadLimits & { files: number | null }
  reserveBytes?: number
  now?: () => number
}
