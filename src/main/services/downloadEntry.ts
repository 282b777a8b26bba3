import type { Download } from '@shared/domain/library'
import type { Log } from '@shared/log'
import type { DownloadRow } from '../db/repositories/downloads'
import type { JobEvent } from '../platform/downloadTypes'
import { SpeedMeter } from './downloadProgress'
import { isActive, receivedBytes, viewOf, waitsForNetwork } from './downloadRows'

/** A row with what is going on right now. */
export interface Entry {
  row: DownloadRow
  receivedBytes: number
  verifiedBytes: number
  speed: SpeedMeter
  /** Code of what the job is waiting out. */
  trouble: string | null
  /** What is asked for; `running` is the work that obeys it. `none`: nobody asked this process yet, whatever the row says. */
  intent: 'none' | 'run' | 'wait' | 'pause' | 'cancel' | 'quit'
  /** A chat is to be opened when it is here. */
  thenChat: boolean
  stop: AbortController | null
  running: Promise<void> | null
  /** Pause, resume and cancel happen one after the other. */
  turn: Promise<void>
}

export function newEntry(row: DownloadRow): Entry {
  const received = receivedBytes(row)
  return {
    row,
    receivedBytes: received,
    verifiedBytes: row.state === 'done' ? received : 0,
    speed: new SpeedMeter(),
    trouble: null,
    intent: 'none',
    thenChat: false,
    stop: null,
    running: null,
    turn: Promise.resolve(),
  }
}

/** What a job tells, put into its row; true where that has to outlive a kill. */
export function takeEvent(entry: Entry, event: JobEvent, log: Log): boolean {
  const { row } = entry
  if (event.type === 'progress') {
    if (event.receivedBytes > entry.receivedBytes) entry.trouble = null
    entry.receivedBytes = event.receivedBytes
    entry.verifiedBytes = event.verifiedBytes
    entry.speed.add(event.receivedBytes, performance.now())
    const state = event.verifying ? 'verifying' : 'running'
    if (row.state === state || !isActive(row)) return false
    row.state = state
    return true
  }
  if (event.type === 'durable' || event.type === 'placed') {
    const part = row.parts[event.part]
    if (part === undefined) return false
    const { sha256 } = event
    if (event.type === 'durable') Object.assign(part, { etag: event.etag, source: event.source, sha256, ranges: event.ranges })
    else
      Object.assign(part, {
        done: true,
        ownSha256: event.ownSha256 ?? part.ownSha256,
        fetched: event.fetched || part.fetched,
        sha256,
        ranges: [[0, part.sizeBytes]],
      })
    return true
  }
  if (event.type === 'folder') {
    row.folder = event.folder
    return true
  }
  log.info(event.type === 'retry' ? 'download tries again' : 'download goes another way', { id: row.id, ...event })
  if (event.type === 'retry') entry.trouble = event.code
  return false
}

/** `lookAt`: when the network is looked for next. */
export function viewOfEntry(
  { row, receivedBytes: received, verifiedBytes, speed, trouble, thenChat }: Entry,
  lookAt: number | null,
): Download {
  const running = row.state === 'running'
  const bytesPerSecond = running ? speed.bytesPerSecond(performance.now()) : null
  return viewOf(row, {
    receivedBytes: received,
    verifiedBytes,
    bytesPerSecond,
    trouble: running ? trouble : null,
    thenChat,
    retryAt: waitsForNetwork(row) ? lookAt : null,
  })
}
