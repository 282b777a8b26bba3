import { lstat, mkdir, readdir, readFile, rename, rm, stat, statfs, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import type { LibraryWork } from '@shared/domain/library'
import { SnugError, toErrorValue } from '@shared/errors'
import { type Log, silentLog } from '@shared/log'
import type { ModelRow } from '../db/repositories/models'
import { fromFileSystem } from '../platform/downloadFiles'
import type { RunFileJob } from '../platform/fileJobRunner'
import { doFileJob, isThere, linkOrRename, placeWithout } from '../platform/fileJobs'
import { takeLock } from '../platform/fileLock'
import { partPaths } from '../platform/modelFolders'
import { diskFull } from '../platform/partWriter'
import { Changes, follow } from './follow'
import { newId } from './ids'
import type { LibraryService } from './library'
import { hashOfParts, promisedOf, settled } from './libraryRows'

/** `same`: no hub says, but it is what it was; `unknown`: it was read for the first time. */
export type Verified = 'verified' | 'same' | 'unknown' | 'wrong'

export interface LibraryCareOptions {
  library: Pick<LibraryService, 'row' | 'rows' | 'save'>
  /** Reads and copies whole files in a thread; left out: here. */
  fileJob?: RunFileJob
  /** Remembers what a move has begun, so that a kill leaves nothing. */
  locksFolder: string
  loadedId?: () => string | null
  /** Free bytes of the disk that holds a folder; the system's own where left out. */
  freeBytes?: (folder: string) => Promise<number>
  log?: Log
  now?: () => number
}

interface Entry {
  work: LibraryWork
  abort: AbortController
  run: (entry: Entry) => Promise<LibraryWork['outcome']>
}

/** A file being copied: never ends in `.gguf`, so no look at a folder lists it. */
const unfinished = '.snug-moving'
/** Left free on the disk that a model moves to. */
const spareBytes = 64 * 1024 * 1024

/** Long work on the files of the library: one after the other, watched and cancelled by id. */
export class LibraryCare {
  readonly #options: LibraryCareOptions
  readonly #log: Log
  readonly #changes = new Changes()
  readonly #entries: Entry[] = []
  #turn: Promise<unknown> = Promise.resolve()

  constructor(options: LibraryCareOptions) {
    this.#options = options
    this.#log = options.log ?? silentLog
  }

  works(): LibraryWork[] {
    return this.#entries.map(({ work }) => ({ ...work }))
  }

  follow(signal?: AbortSignal): AsyncGenerator<LibraryWork[], void, void> {
    return follow(this.#changes, () => this.works(), { signal, pauseMs: 100 })
  }

  startVerify(modelId: string): { id: string } {
    const row = this.#options.library.row(modelId)
    return this.#start('verify', modelId, row.sizeBytes, ({ work, abort }) =>
      this.verify(modelId, abort.signal, (bytes) => this.#progress(work, bytes)),
    )
  }

  startCompare(): { id: string } {
    const total = this.#perhapsSame().reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
    return this.#start('compare', null, total, async ({ work, abort }) => {
      await this.compare(abort.signal, (bytes) => this.#progress(work, bytes))
      return 'compared'
    })
  }

  startMove(modelId: string, folder: string): { id: string } {
    const row = this.#options.library.row(modelId)
    return this.#start('move', modelId, 2 * row.sizeBytes, async ({ work, abort }) => {
      await this.move(modelId, folder, abort.signal, (bytes) => this.#progress(work, bytes))
      return 'moved'
    })
  }

  /** Ends what runs, and takes what has ended off the list. */
  cancel(id: string): void {
    const entry = this.#entries.find(({ work }) => work.id === id)
    if (entry === undefined) return
    entry.abort.abort()
    if (entry.work.state !== 'running') this.#drop(entry)
  }

  async dispose(): Promise<void> {
    for (const { abort } of this.#entries) abort.abort()
    await this.#turn
  }

  /** Reads every byte again; what is wrong is damaged from then on, what is right again is healed. */
  async verify(id: string, signal: AbortSignal, onProgress: (doneBytes: number) => void = () => {}): Promise<Verified> {
    const { library } = this.#options
    const before = library.row(id)
    const hashes = await this.#job({ kind: 'hash', paths: partPaths(before.path) }, onProgress, signal)
    const row = library.row(id)
    if (row.mtimeMs !== before.mtimeMs || row.sizeBytes !== before.sizeBytes)
      throw new SnugError('model/file-changed', 'the file changed while it was read', { path: row.path })
    const found = hashOfParts(hashes)
    if (isOther(row, hashes)) {
      const problem = { code: 'download/hash-mismatch', message: `sha256 ${hashes.join(' ')}` }
      library.save({ ...row, state: 'damaged', sha256: null, problem })
      return 'wrong'
    }
    const problem = row.problem?.code === 'download/hash-mismatch' ? null : row.problem
    const promised = promisedOf(row) !== null
    library.save(settled({ ...row, sha256: promised ? found : null, fileSha256: found, checkedAt: this.#now(), problem }))
    return promised ? 'verified' : before.fileSha256 == null ? 'unknown' : 'same'
  }

  /** Reads the files that may be copies of another one: those of the same size whose hash is not known. */
  async compare(signal: AbortSignal, onProgress: (doneBytes: number) => void = () => {}): Promise<void> {
    const { library } = this.#options
    let done = 0
    for (const before of this.#perhapsSame()) {
      const hashes = await this.#job({ kind: 'hash', paths: partPaths(before.path) }, (bytes) => onProgress(done + bytes), signal)
      done += before.sizeBytes
      const row = library.row(before.id)
      if (row.mtimeMs === before.mtimeMs && row.sizeBytes === before.sizeBytes)
        library.save({ ...row, fileSha256: hashOfParts(hashes), checkedAt: this.#now() })
    }
  }

  /** All files of a model to another folder. The old ones go when the new ones are whole, in place and known; before that nothing changes. */
  async move(id: string, folder: string, signal: AbortSignal, onProgress: (doneBytes: number) => void = () => {}): Promise<void> {
    const { library, locksFolder } = this.#options
    const row = library.row(id)
    const parts = await this.#movable(row)
    const target = resolve(folder)
    if (this.#options.loadedId?.() === id) throw new SnugError('engine/busy', 'the model is loaded', { id })
    if (target === dirname(row.path)) throw new SnugError('usage/invalid', 'the file is in that folder already', { path: row.path })
    const files = parts.map((from) => ({ from, to: join(target, basename(from)) }))
    for (const { to } of files)
      if (await isThere(to)) throw new SnugError('file/exists', 'a file of that name is there already', { path: to })
    const unlock = await takeLock(join(locksFolder, `move-${id}.lock`))
    if (unlock === null) throw new SnugError('download/busy', 'this model is being moved by another Snug', { id })
    const journal = join(locksFolder, `move-${id}.json`)
    try {
      await mkdir(target, { recursive: true }).catch((error: unknown) => {
        throw fromFileSystem(error, target)
      })
      const oneDisk = (await stat(target)).dev === (await stat(row.path)).dev
      if (!oneDisk) await this.#refuseFull(target, row.sizeBytes)
      const copies = files.map(({ from, to }) => ({ from, to: `${to}.${id}${unfinished}` }))
      await writeFile(journal, JSON.stringify(copies.map(({ to }) => to)))
      let read = {}
      if (!oneDisk) {
        const hashes = await this.#job({ kind: 'copy', files: copies }, onProgress, signal).catch(async (error: unknown) => {
          // The half copy is gone: now it can be told how much is missing.
          if (error instanceof SnugError && error.code === 'download/disk-full') await this.#refuseFull(target, row.sizeBytes)
          throw error
        })
        await this.#checkCopies(row, hashes, copies)
        read = { fileSha256: hashOfParts(hashes), checkedAt: this.#now() }
      }
      // From here on nothing is long, and nothing is cancelled.
      await this.#place(row, files, oneDisk ? null : copies, read)
    } finally {
      await rm(journal, { force: true })
      await unlock()
    }
  }

  /** Copies that a killed Snug left. */
  async cleanUp(): Promise<void> {
    const { locksFolder } = this.#options
    for (const name of await readdir(locksFolder).catch(() => [])) {
      const match = /^move-(\w+)\.json$/.exec(name)
      if (match === null) continue
      const unlock = await takeLock(join(locksFolder, `move-${match[1]}.lock`))
      if (unlock === null) continue
      try {
        const left: unknown = JSON.parse(await readFile(join(locksFolder, name), 'utf8'))
        for (const path of Array.isArray(left) ? left : [])
          if (typeof path === 'string' && path.endsWith(unfinished)) await rm(path, { force: true })
        await rm(join(locksFolder, name), { force: true })
      } catch (error) {
        this.#log.warn('what a move left could not be removed', { name, error: toErrorValue(error) })
      } finally {
        await unlock()
      }
    }
  }

  /** New names first, the first part last: a look at the folder never finds half a model. Then the row, then the old names go. */
  async #place(
    row: ModelRow,
    files: { from: string; to: string }[],
    copies: { to: string }[] | null,
    read: Partial<ModelRow>,
  ): Promise<void> {
    const { library } = this.#options
    const placed: string[] = []
    try {
      for (const [at, { from, to }] of [...files.entries()].reverse()) {
        const copy = copies?.[at]?.to
        if (copy === undefined) await linkOrRename(from, to)
        else await placeWithout(copy, to)
        placed.push(to)
      }
    } catch (error) {
      // On one disk the old names are still there, for a copy the old files are.
      for (const [at, to] of placed.entries()) {
        const from = files[files.length - 1 - at]?.from
        if (from === undefined) continue
        if (await isThere(from)) await rm(to, { force: true })
        else await rename(to, from)
      }
      for (const { to } of copies ?? []) await rm(to, { force: true })
      throw fromFileSystem(error, files[0]?.to ?? '')
    }
    const first = files[0]?.to ?? row.path
    const { mtimeMs } = await stat(first)
    library.save({ ...library.row(row.id), ...read, path: first, mtimeMs: files.length === 1 ? mtimeMs : await newest(files) })
    for (const { from } of files) await rm(from, { force: true })
  }

  async #checkCopies(row: ModelRow, hashes: readonly string[], copies: { to: string }[]): Promise<void> {
    if (!isOther(row, hashes)) return
    for (const { to } of copies) await rm(to, { force: true })
    // What is damaged stays where it is, for the person to see.
    this.#options.library.save({
      ...this.#options.library.row(row.id),
      state: 'damaged',
      problem: { code: 'download/hash-mismatch', message: `sha256 ${hashes.join(' ')}` },
    })
    throw new SnugError('download/hash-mismatch', 'the file is not what it was', { path: row.path })
  }

  async #movable(row: ModelRow): Promise<string[]> {
    const parts = partPaths(row.path)
    for (const part of parts) {
      const facts = await lstat(part).catch(() => null)
      if (facts === null) throw new SnugError('model/not-found', 'the file is not there', { path: part })
      if (!facts.isFile() || !/\.gguf$/i.test(part) || row.origin === 'starter')
        throw new SnugError('file/not-permitted', 'this file belongs to another program, which would miss it', { path: part })
    }
    return parts
  }

  async #refuseFull(folder: string, sizeBytes: number): Promise<void> {
    const free = await (this.#options.freeBytes ?? freeOf)(folder)
    if (free < sizeBytes + spareBytes) throw diskFull(folder, sizeBytes + spareBytes - free)
  }

  #perhapsSame(): ModelRow[] {
    const there = this.#options.library.rows().filter(({ state }) => state === 'own' || state === 'verified')
    return there
      .filter((row) => there.some((other) => other.id !== row.id && other.sizeBytes === row.sizeBytes))
      .filter((row) => row.fileSha256 == null && row.sha256 === null)
  }

  #start(kind: LibraryWork['kind'], modelId: string | null, totalBytes: number, run: Entry['run']): { id: string } {
    const before = this.#entries.find(({ work }) => work.kind === kind && work.modelId === modelId)
    if (before?.work.state === 'running' || before?.work.state === 'waiting') return { id: before.work.id }
    if (before !== undefined) this.#drop(before)
    const work: LibraryWork = { id: newId(), kind, modelId, state: 'waiting', doneBytes: 0, totalBytes, outcome: null, error: null }
    const entry: Entry = { work, abort: new AbortController(), run }
    this.#entries.push(entry)
    this.#changes.emit()
    this.#turn = this.#turn.then(() => this.#run(entry))
    return { id: work.id }
  }

  async #run(entry: Entry): Promise<void> {
    const { work, abort } = entry
    if (abort.signal.aborted) return
    work.state = 'running'
    this.#changes.emit()
    try {
      work.outcome = await entry.run(entry)
      work.state = 'done'
    } catch (caught) {
      const { code, message, data } = toErrorValue(caught)
      if (code === 'cancelled') return this.#drop(entry)
      this.#log.warn('work on a file failed', { kind: work.kind, code, message })
      work.state = 'failed'
      work.error = { code, message, data: data ?? {} }
    }
    this.#changes.emit()
  }

  #progress(work: LibraryWork, doneBytes: number): void {
    work.doneBytes = Math.min(doneBytes, work.totalBytes)
    this.#changes.emit()
  }

  #drop(entry: Entry): void {
    const at = this.#entries.indexOf(entry)
    if (at >= 0) this.#entries.splice(at, 1)
    this.#changes.emit()
  }

  get #job(): RunFileJob {
    return this.#options.fileJob ?? doFileJob
  }

  #now(): number {
    return (this.#options.now ?? Date.now)()
  }
}

/** Not what was promised; where nothing was, not what it was when it was read before. */
function isOther(row: ModelRow, hashes: readonly string[]): boolean {
  const promised = promisedOf(row)
  const before = promised === null ? (row.fileSha256 ?? null) : hashOfParts(promised)
  return before !== null && before !== hashOfParts(hashes)
}

async function freeOf(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize
}

async function newest(files: { to: string }[]): Promise<number> {
  let mtimeMs = 0
  for (const { to } of files) mtimeMs = Math.max(mtimeMs, (await stat(to)).mtimeMs)
  return mtimeMs
}
