import { SnugError, toErrorValue } from '@shared/errors'
import { type Log, silentLog } from '@shared/log'
import type { DownloadRow } from '../db/repositories/downloads'
import type { JobEvent } from '../platform/downloadTypes'
import { isProjector } from '../platform/hubFiles'
import { type Entry, takeEvent } from './downloadEntry'
import type { DownloadLocks } from './downloadLocks'
import type { DownloadsDependencies } from './downloadNeeds'
import { SpeedMeter } from './downloadProgress'
import { arrivalOf, receivedBytes, stoppedBy } from './downloadRows'
import { specNow } from './downloadSource'
import type { NetworkReturn } from './networkReturn'

interface WorkNeeds {
  locks: DownloadLocks
  networkReturn: Pick<NetworkReturn<Entry>, 'eased' | 'check'>
  /** Kept in the table, and shown. */
  save: (entry: Entry) => void
  /** Shown only. */
  changed: () => void
}

/** One download from its lock to its place, or to what stopped it. */
export class DownloadWork {
  readonly #needs: DownloadsDependencies
  readonly #host: WorkNeeds
  readonly #log: Log

  constructor(needs: DownloadsDependencies, host: WorkNeeds) {
    this.#needs = needs
    this.#host = host
    this.#log = needs.log ?? silentLog
  }

  /** Ends when nothing of it runs any more; what stopped it stands in its row. */
  async run(entry: Entry): Promise<void> {
    const stop = new AbortController()
    entry.stop = stop
    entry.speed = new SpeedMeter()
    entry.trouble = null
    let unlock: (() => Promise<void>) | null = null
    // The speed falls while nothing arrives.
    const ticking = setInterval(() => this.#host.changed(), 1_000)
    try {
      unlock = await this.#host.locks.take(entry.row)
      if (this.#doneElsewhere(entry)) return
      if (stop.signal.aborted) throw new SnugError('cancelled', 'stopped')
      this.#set(entry, { state: 'running' })
      const spec = await specNow(this.#needs, entry.row, this.#host.locks.reserveBytes, stop.signal)
      await this.#needs.runner.run(spec, (event) => this.#onEvent(entry, event), stop.signal)
      await this.#finish(entry)
    } catch (error) {
      this.#fail(entry, error)
    } finally {
      clearInterval(ticking)
      // What counts from here on is what was synced.
      entry.receivedBytes = receivedBytes(entry.row)
      entry.verifiedBytes = Math.min(entry.verifiedBytes, entry.receivedBytes)
      await unlock?.()
    }
  }

  /** Another process may have gone on with the row since it was read here; only the holder of the lock writes it. */
  #doneElsewhere({ row }: Entry): boolean {
    const fresh = this.#needs.rows.get(row.id)
    if (fresh === undefined) return false
    Object.assign(row, { parts: fresh.parts, folder: fresh.folder })
    if (fresh.state !== 'done') return false
    Object.assign(row, { state: fresh.state, error: null, modelId: fresh.modelId })
    this.#host.changed()
    return true
  }

  async #finish(entry: Entry): Promise<void> {
    const { row } = entry
    // A projector lies beside its model, and is none to chat with.
    if (isProjector(row.file)) return this.#set(entry, { state: 'done', error: null })
    const modelId = await this.#needs.arrived(arrivalOf(row)).catch((error: unknown) => {
      // The file is whole and in its place; the next look at the folder finds it.
      this.#log.error('a finished download could not be listed', { id: row.id, error: toErrorValue(error) })
      return null
    })
    this.#log.info('download done', { id: row.id, file: row.file })
    this.#set(entry, { state: 'done', error: null, modelId })
  }

  #fail(entry: Entry, error: unknown): void {
    const value = toErrorValue(error)
    if (value.code === 'cancelled' && entry.intent === 'wait') {
      entry.intent = 'run'
      return this.#set(entry, { state: 'queued', error: null })
    }
    if (value.code === 'cancelled' && entry.intent !== 'run') return
    // Its facts may hold an address whose query signs it.
    this.#log.warn('download stopped', { id: entry.row.id, code: value.code, message: value.message })
    const patch = stoppedBy(value)
    // None of those that were known: the next one looks for others.
    if (value.code === 'hub/unreachable') this.#needs.endpoints?.failed()
    // The row is being written by the other process: here it is only shown.
    if (value.code === 'download/busy') {
      Object.assign(entry.row, patch)
      this.#host.changed()
    } else this.#set(entry, patch)
    this.#host.networkReturn.check()
  }

  #onEvent(entry: Entry, event: JobEvent): void {
    if (event.type === 'durable') this.#host.networkReturn.eased()
    if (takeEvent(entry, event, this.#log)) this.#host.save(entry)
    else this.#host.changed()
  }

  #set(entry: Entry, patch: Partial<DownloadRow>): void {
    Object.assign(entry.row, patch)
    this.#host.save(entry)
  }
}
