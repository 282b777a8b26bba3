import type { DownloadRow } from '../db/repositories/downloads'
import { SpeedMeter } from './downloadProgress'
import { receivedBytes } from './downloadRows'

/** A row with what is going on right now. */
export interface Entry {
  row: DownloadRow
  receivedBytes: number
  verifiedBytes: number
  speed: SpeedMeter
  /** Code of what the job is waiting out. */
  trouble: string | null
  /** What is asked for; `running` is the work that obeys it. */
  intent: 'run' | 'pause' | 'cancel' | 'quit'
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
    intent: 'run',
    stop: null,
    running: null,
    turn: Promise.resolve(),
  }
}
