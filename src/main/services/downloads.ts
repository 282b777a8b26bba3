import type { Download } from '@shared/domain/library'
import { SnugError, toErrorValue } from '@shared/errors'
import { type Log, silentLog } from '@shared/log'
import type { DownloadRow } from '../db/repositories/downloads'
import { type Entry, newEntry, viewOfEntry } from './downloadEntry'
import { DownloadLocks } from './downloadLocks'
import type { DownloadsDependencies, Started } from './downloadNeeds'
import { hasRoomAgain, isActive, isOffline, isOutdated, isUnfinished, targetOf, waitsForNetwork } from './downloadRows'
import { DownloadQueue, ended } from './downloadQueue'
import { answersNow } from './downloadSource'
import { DownloadStarts } from './downloadStarts'
import { DownloadWork } from './downloadWork'
import { Changes, follow } from './follow'
import { ModelsDisk } from './modelsDisk'
import { NetworkReturn } from './networkReturn'

const MiB = 1024 * 1024
/** Whether there is room again, or another process has let go, is looked for this often while a download waits for it. */
const lookEveryMs = 10_000

/** Downloads belong to main: pages only watch. Rows outlive quit and kill; whatever was synced is never fetched again. */
export class DownloadsService {
  readonly #needs: DownloadsDependencies
  readonly #log: Log
  readonly #now: () => number
  readonly #entries = new Map<string, Entry>()
  readonly #changes = new Changes()
  #timer: NodeJS.Timeout | null = null
  readonly #queue: DownloadQueue
  readonly #return: NetworkReturn<Entry>
  readonly #starts: DownloadStarts
  readonly #locks: DownloadLocks
  readonly #disk: ModelsDisk

  constructor(needs: DownloadsDependencies) {
    this.#needs = needs
    this.#log = needs.log ?? silentLog
    this.#now = needs.now ?? Date.now
    this.#disk = new ModelsDisk(needs.modelsFolder, () => this.#changes.emit())
    this.#locks = new DownloadLocks(needs.locksFolder, needs.reserveBytes ?? 256 * MiB)
    for (const row of needs.rows.all()) this.#entries.set(row.id, newEntry(row))
    this.#return = new NetworkReturn({
      waiting: () => [...this.#entries.values()].filter(({ row }) => waitsForNetwork(row)),
      answers: ({ row }) => answersNow(needs, row),
      again: (entry) => this.#again(entry.row.id, waitsForNetwork),
      changed: () => this.#changes.emit(),
      delays: needs.returnDelays,
    })
    const work = new DownloadWork(needs, {
      locks: this.#locks,
      networkReturn: this.#return,
      save: (entry) => this.#save(entry),
      changed: () => this.#changes.emit(),
    })
    this.#queue = new DownloadQueue({
      entries: this.#entries,
      store: (id, position) => needs.rows.move(id, position),
      files: () => needs.limits?.().files ?? 2,
      work: (entry) => work.run(entry),
    })
    this.#starts = new DownloadStarts(needs, {
      entries: this.#entries,
      now: this.#now,
      enqueue: (entry) => this.#enqueue(entry),
      resume: (id) => this.resume(id),
      save: (entry) => this.#save(entry),
    })
    const limits = needs.limits?.()
    if (limits !== undefined) needs.runner.setLimits(limits)
  }

  /** In the order of the queue. */
  list(): Download[] {
    return this.#queue.inOrder().map((entry) => this.#view(entry))
  }

  /** The first ones of the queue run: who is moved there begins, and another waits. */
  move(id: string, to: 'up' | 'down' | 'top'): void {
    if (!this.#queue.move(this.#find(id), to)) return
    this.#changes.emit()
    this.#queue.rebalance()
  }

  /** The settings changed: they count for what is under way. */
  applyLimits(): void {
    const limits = this.#needs.limits?.()
    if (limits === undefined) return
    this.#needs.runner.setLimits(limits)
    this.#queue.rebalance()
  }

  get(id: string): Download {
    return this.#view(this.#find(id))
  }

  /** Where the file lies, or will. */
  pathOf(id: string): string {
    return targetOf(this.#find(id).row)
  }

  follow(signal?: AbortSignal): AsyncGenerator<Download[], void, void> {
    return follow(this.#changes, () => this.list(), { signal, pauseMs: 100 })
  }

  /** The same file again is the same download: going on where it ended. */
  start({ repository, file }: { repository: string; file: string }): Promise<Started> {
    return this.#starts.file(repository, file)
  }

  /** A GGUF at any address; nobody says what its bytes should be. The address and the size name it. */
  startAddress(address: string): Promise<Started> {
    return this.#starts.address(address)
  }

  /** Main's part of a start: those that a quit or a kill interrupted go on, and those that wait for room or for another process once it is there. */
  resumeInterrupted({ offline = false } = {}): void {
    for (const entry of this.#entries.values()) if (isActive(entry.row)) this.#enqueue(entry)
    this.#timer ??= setInterval(() => void this.#lookAgain(), lookEveryMs).unref()
    this.#return.start()
    if (!offline) this.backOnline()
  }

  /** The machine woke up: what a silent network stopped is tried without a wait. */
  wokeUp(): void {
    this.#return.now()
  }

  /** Offline was switched off: what it stopped goes on. */
  backOnline(): void {
    for (const id of this.#entries.keys()) this.#again(id, isOffline)
    this.#return.now()
  }

  pause(id: string): Promise<void> {
    return this.#inTurn(id, async (entry) => {
      if (!isActive(entry.row)) return
      await this.#stop(entry, 'pause')
      if (isActive(entry.row)) this.#set(entry, { state: 'paused', error: null })
    })
  }

  resume(id: string): Promise<void> {
    return this.#inTurn(id, async (entry) => {
      if (entry.row.state !== 'paused' && entry.row.state !== 'failed') return
      // It has failed, but may still be letting go of its lock.
      await entry.running
      if (isOutdated(entry.row)) await this.#starts.renew(entry)
      this.#enqueue(entry)
    })
  }

  cancel(id: string): Promise<void> {
    return this.#inTurn(id, async (entry) => {
      if (!isUnfinished(entry.row)) return
      await this.#stop(entry, 'cancel')
      if (entry.row.state === 'done') return
      await this.#locks.removeFiles(entry.row, this.#needs.modelsFolder())
      for (const part of entry.row.parts) Object.assign(part, { ranges: [], done: false })
      entry.receivedBytes = 0
      entry.verifiedBytes = 0
      entry.thenChat = false
      this.#set(entry, { state: 'cancelled', error: null })
    })
  }

  /** A chat with it was asked for as well. */
  wantChat(id: string): void {
    this.#find(id).thenChat = true
    this.#changes.emit()
  }

  /** True once, when it is here. */
  takeChat(id: string): boolean {
    const entry = this.#find(id)
    if (!entry.thenChat || entry.row.state !== 'done') return false
    entry.thenChat = false
    this.#changes.emit()
    return true
  }

  /** Only what is over. What a failed one left on the disk goes with it. */
  dismiss(id: string): Promise<void> {
    return this.#inTurn(id, async (entry) => {
      if (isActive(entry.row) || entry.row.state === 'paused') throw new SnugError('download/busy', 'cancel it first', { id })
      if (entry.row.state !== 'done') await this.#locks.removeFiles(entry.row, this.#needs.modelsFolder())
      this.#entries.delete(id)
      this.#needs.rows.delete(id)
      this.#changes.emit()
    })
  }

  /** Until it is done; rejects with what stopped it. For the command line. */
  async waitFor(id: string, onChange: (download: Download) => void = () => {}, signal?: AbortSignal): Promise<Download> {
    const done = await ended(this.follow(signal), id, onChange)
    // Its lock is gone as well when this returns.
    await this.#entries.get(id)?.running
    return done
  }

  /** Stops the work and keeps its state: the next start goes on. */
  async dispose(): Promise<void> {
    this.#queue.close()
    this.#return.close()
    if (this.#timer !== null) clearInterval(this.#timer)
    await Promise.all([...this.#entries.values()].map((entry) => this.#stop(entry, 'quit')))
  }

  #view(entry: Entry): Download {
    return { ...viewOfEntry(entry, this.#return.nextAt), onModelsDisk: this.#disk.holds(entry.row.folder) }
  }

  /** By itself, where what stopped it is over. */
  #again(id: string, stopped: (row: DownloadRow) => boolean): void {
    void this.#inTurn(id, async (entry) => {
      if (!stopped(entry.row)) return
      await entry.running
      this.#enqueue(entry)
    })
  }

  #enqueue(entry: Entry): void {
    if (entry.running !== null) return
    entry.intent = 'run'
    Object.assign(entry.row, { state: 'queued', error: null })
    // What another process may be working on is not written before its lock is ours.
    const stored = this.#needs.rows.get(entry.row.id)
    if (stored === undefined || (isUnfinished(stored) && !isActive(stored)) || stored.state === 'cancelled') this.#save(entry)
    else this.#changes.emit()
    this.#queue.launch()
  }

  #inTurn(id: string, work: (entry: Entry) => void | Promise<void>): Promise<void> {
    const entry = this.#find(id)
    const done = entry.turn.then(() => work(entry))
    // A turn that failed is told to its caller and does not hold up the next.
    entry.turn = done.catch(() => {})
    return done
  }

  async #stop(entry: Entry, intent: Entry['intent']): Promise<void> {
    entry.intent = intent
    entry.stop?.abort()
    await entry.running
  }

  async #lookAgain(): Promise<void> {
    for (const id of this.#entries.keys()) {
      await this.#inTurn(id, async (entry) => {
        if ((await hasRoomAgain(entry.row, this.#locks.reserveBytes, this.#log)) || (await this.#locks.isLetGo(entry.row)))
          this.#enqueue(entry)
      })
    }
  }

  #find(id: string): Entry {
    const entry = this.#entries.get(id)
    if (entry === undefined) throw new SnugError('download/not-found', 'no such download', { id })
    return entry
  }

  #set(entry: Entry, patch: Partial<DownloadRow>): void {
    Object.assign(entry.row, patch)
    this.#save(entry)
  }

  /** A full disk must not stop what runs: the row is kept in memory and saved with the next change. */
  #save(entry: Entry): void {
    entry.row.updatedAt = this.#now()
    if (this.#entries.get(entry.row.id) === entry) {
      try {
        this.#needs.rows.save(entry.row)
      } catch (error) {
        this.#log.error('the state of a download could not be saved', { id: entry.row.id, error: toErrorValue(error) })
      }
    }
    this.#changes.emit()
  }
}
