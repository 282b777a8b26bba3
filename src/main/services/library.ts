import { realpath, stat } from 'node:fs/promises'
import { basename, resolve, sep } from 'node:path'
import type { ModelFacts } from '@shared/domain/gguf'
import type { LibraryModel, ModelOrigin } from '@shared/domain/library'
import { type PresetChange, type RecommendedSampling, automaticPreset, changedPreset, isAutomatic } from '@shared/domain/preset'
import type { Settings } from '@shared/domain/settings'
import type { ThinkingCapability } from '@shared/domain/thinking'
import { SnugError, toErrorValue } from '@shared/errors'
import type { FoundModels } from '@shared/ipc/discover'
import type { AddedFiles } from '@shared/ipc/library'
import { type Log, silentLog } from '@shared/log'
import type { ModelRow } from '../db/repositories/models'
import { type FoundFile, deviceOf, findModels, mayBeModel, modelStat } from '../platform/modelFolders'
import { type ModelSource, type Surroundings, defaultFolders } from '../platform/otherPrograms'
import type { Arrived } from './downloadNeeds'
import { Changes, follow } from './follow'
import { foundElsewhere } from './foundElsewhere'
import { hashOfParts, modelId, newModelRow, rowsWithFiles, sameFiles, settled, viewOf } from './libraryRows'
import { type TrashPlan, trashPlan } from './trashPlan'

export interface LibraryDependencies {
  rows: {
    all(options?: { removed?: boolean }): ModelRow[]
    get(id: string): ModelRow | undefined
    byPath(path: string): ModelRow | undefined
    save(row: ModelRow): void
  }
  settings: { get(): Settings; set(patch: Partial<Settings>): Settings }
  /** Both in the tools process: no header is read here. */
  inspect: (path: string) => Promise<ModelFacts>
  capability: (path: string) => Promise<ThinkingCapability>
  trash: (path: string) => Promise<void>
  modelsFolder: () => string
  starterFolder: string
  surroundings: Surroundings
  /** What the catalogue recommends for a repository's models. */
  catalogueSampling?: (repository: string) => RecommendedSampling | null
  log?: Log
  now?: () => number
  /** A file that changed this recently may still be being copied, and is looked at next time; 2,000. */
  settleMs?: number
}

interface AddOptions {
  origin: ModelOrigin
  repository?: string | null
  revision?: string | null
  sha256s?: string[] | null
  /** Read while it arrived; no source vouches for it. */
  ownSha256s?: string[] | undefined
  /** The person asked for it: also what was taken off the list comes back. */
  asked: boolean
}

const lookEveryMs = 15_000

/** The model files that Snug knows. They are adopted where they lie; a row whose file is gone stays, and comes back with it. */
export class LibraryService {
  readonly #needs: LibraryDependencies
  readonly #log: Log
  readonly #changes = new Changes()
  /** Projectors, adapters and the like, by path: not looked into again while they do not change. */
  readonly #skipped = new Map<string, string>()
  /** Device and inode: two names of one file free nothing. */
  readonly #identities = new Map<string, string>()
  /** Of the folder that downloads go to; null while it is not known. */
  #modelsDevice: string | null = null
  #scanning: Promise<string[]> | null = null
  #disposed = false
  #timer: NodeJS.Timeout | null = null
  /** One file is looked into at a time: the tools process is one. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(needs: LibraryDependencies) {
    this.#needs = needs
    this.#log = needs.log ?? silentLog
  }

  list(): LibraryModel[] {
    const rows = this.#needs.rows.all()
    const identity = (id: string) => this.#identities.get(id) ?? id
    const same = sameFiles(rows, identity)
    const counted = new Set<string>()
    return rows.map((row) => {
      const onModelsDisk = this.#isOnModelsDisk(row) && !counted.has(identity(row.id))
      if (onModelsDisk) counted.add(identity(row.id))
      return { ...this.#view(row), sameAs: same.get(row.id) ?? null, onModelsDisk }
    })
  }

  /** The model that is these files, where it still lies as it was read. `hashes` are a source's own, so it vouches for what has them. */
  async withFiles(hashes: readonly (string | null)[]): Promise<{ modelId: string; path: string } | null> {
    for (const row of rowsWithFiles(this.#needs.rows.all(), hashes)) {
      const { id, path, sizeBytes, mtimeMs } = row
      const now = await modelStat(path)
      if (now?.sizeBytes !== sizeBytes || now.mtimeMs !== mtimeMs) continue
      const promisedSha256s = hashes.flatMap((hash) => hash ?? [])
      if (row.sha256 === null) this.save(settled({ ...row, promisedSha256s, sha256: hashOfParts(promisedSha256s) }))
      return { modelId: id, path }
    }
    return null
  }

  follow(signal?: AbortSignal): AsyncGenerator<LibraryModel[], void, void> {
    return follow(this.#changes, () => this.list(), { signal, pauseMs: 100 })
  }

  get(id: string): LibraryModel {
    return this.#view(this.row(id))
  }

  /** What its header says; for sizing. */
  facts(id: string): ModelFacts {
    const { facts, problem } = this.row(id)
    if (facts !== null) return facts
    throw new SnugError('model/corrupt-file', problem?.message ?? 'this file could not be read', { id })
  }

  /** Checks that the file is as it was: for a load. */
  async pathForLoad(id: string): Promise<string> {
    await this.#refresh(this.row(id))
    const row = this.row(id)
    if (row.state === 'missing') throw new SnugError('model/not-found', 'the file is not there', { id, path: row.path })
    if (row.state === 'damaged') throw new SnugError('model/corrupt-file', row.problem?.message ?? 'damaged', { id, path: row.path })
    return row.path
  }

  /** Looks at the folders now and every 15 s. */
  watch(): void {
    this.#timer ??= setInterval(() => void this.scan(), lookEveryMs).unref()
    void this.scan()
  }

  /** A look that is under way ends with its next file. */
  async dispose(): Promise<void> {
    clearInterval(this.#timer ?? undefined)
    this.#disposed = true
    await this.#scanning?.catch(() => [])
  }

  /** Rows against their files, then the folders. Gives the ids that are new. */
  scan(): Promise<string[]> {
    this.#scanning ??= this.#scan().finally(() => (this.#scanning = null))
    return this.#scanning
  }

  async addFiles(paths: readonly string[]): Promise<AddedFiles> {
    const added: string[] = []
    const refused: AddedFiles['refused'] = []
    for (const path of paths) {
      try {
        const facts = await stat(path).catch(() => null)
        if (facts?.isDirectory()) added.push(...(await this.addFolder(path)).added)
        // A damaged model is listed with what is wrong; a photo is none, whatever it was dropped on.
        else if (facts?.isFile() && !(await mayBeModel(path))) throw new SnugError('model/corrupt-file', 'this is no GGUF file', { path })
        else added.push(await this.#add(resolve(path), { origin: 'added', asked: true }))
      } catch (error) {
        const { code, message } = toErrorValue(error)
        this.#log.warn('a file was not added', { path, code, message })
        refused.push({ fileName: basename(path), code })
      }
    }
    const damaged = added.flatMap((id) => (this.row(id).state === 'damaged' ? [basename(this.row(id).path)] : []))
    return { added, damaged, refused }
  }

  /** Watched from then on. */
  async addFolder(path: string): Promise<{ added: string[] }> {
    const folder = resolve(path)
    const facts = await stat(folder).catch(() => null)
    if (!facts?.isDirectory()) throw new SnugError('file/not-permitted', 'this folder cannot be read', { path: folder })
    const { watchedFolders } = this.#needs.settings.get()
    if (!watchedFolders.includes(folder)) this.#needs.settings.set({ watchedFolders: [...watchedFolders, folder] })
    return { added: await this.#takeFolder(folder, 'watched', true) }
  }

  removeFolder(index: number): void {
    const { watchedFolders } = this.#needs.settings.get()
    const folder = watchedFolders[index]
    if (folder === undefined) throw new SnugError('usage/invalid', 'no such folder', { index })
    const left = watchedFolders.filter((_, at) => at !== index)
    this.#needs.settings.set({ watchedFolders: left })
    for (const row of this.#needs.rows.all())
      if (row.origin === 'watched' && isInside(row.path, folder) && !left.some((other) => isInside(row.path, other))) this.#takeOff(row)
    this.#changes.emit()
  }

  /** Of other programs, without what is watched already. */
  async foundOnDisk(): Promise<FoundModels[]> {
    return await foundElsewhere(this.#needs.surroundings, new Set(this.#needs.settings.get().watchedFolders))
  }

  async adopt(source: ModelSource): Promise<{ added: string[] }> {
    const added: string[] = []
    for (const folder of await defaultFolders(source, this.#needs.surroundings))
      if ((await findModels(folder)).length > 0) added.push(...(await this.addFolder(folder)).added)
    return { added }
  }

  /** A download that was verified. */
  arrived({ path, repository, revision, sha256s, ownSha256s }: Arrived): Promise<string> {
    return this.#add(path, { origin: 'download', repository, revision, sha256s, ownSha256s, asked: true })
  }

  /** The file stays. */
  forget(id: string): void {
    this.#takeOff(this.row(id))
    this.#changes.emit()
  }

  /** What `trash` would move: said to the person before. */
  async whatTrashMoves(id: string): Promise<TrashPlan & { name: string }> {
    const row = this.row(id)
    return { name: viewOf(row).name, ...(await trashPlan(row.path)) }
  }

  /** `paths`: what the person was told, and nothing else. */
  async trash(id: string, paths: readonly string[]): Promise<{ moved: boolean }> {
    if (paths.length === 0) throw new SnugError('model/not-found', 'the file is not there', { id })
    for (const path of paths) await this.#needs.trash(path)
    this.forget(id)
    return { moved: true }
  }

  rows(): ModelRow[] {
    return this.#needs.rows.all()
  }

  /** How this model is loaded and how it writes, from its next load and its next reply on. */
  setPreset(id: string, change: PresetChange): LibraryModel {
    const row = this.row(id)
    const preset = changedPreset(row.preset ?? automaticPreset, change)
    this.save({ ...row, preset: isAutomatic(preset) ? null : preset })
    return this.get(id)
  }

  /** The values of the model's maker: the file's own, else the catalogue's. */
  recommendedSampling(id: string): RecommendedSampling | null {
    return this.get(id).sampling ?? null
  }

  setMeasured(id: string, tokensPerSecond: number): void {
    this.save({ ...this.row(id), measuredTokensPerSecond: tokensPerSecond })
  }

  #isOnModelsDisk({ id, path, state }: ModelRow): boolean {
    if (state === 'missing') return false
    const device = this.#identities.get(id)?.split(':')[0]
    if (device === undefined || this.#modelsDevice === null) return isInside(path, this.#needs.modelsFolder())
    return device === this.#modelsDevice
  }

  async #scan(): Promise<string[]> {
    this.#modelsDevice = await deviceOf(this.#needs.modelsFolder())
    for (const row of this.#needs.rows.all()) if (!this.#disposed) await this.#refresh(row)
    const added = await this.#takeFolder(this.#needs.starterFolder, 'starter', false)
    added.push(...(await this.#takeFolder(this.#needs.modelsFolder(), 'added', false)))
    for (const folder of this.#needs.settings.get().watchedFolders) added.push(...(await this.#takeFolder(folder, 'watched', false)))
    return added
  }

  async #takeFolder(folder: string, origin: ModelOrigin, asked: boolean): Promise<string[]> {
    const added: string[] = []
    for (const file of await findModels(folder)) {
      try {
        const id = this.#disposed ? null : await this.#take(file, origin, asked)
        if (id !== null) added.push(id)
      } catch (error) {
        const { code, message } = toErrorValue(error)
        if (code !== 'model/unsupported') this.#log.warn('a file in a folder was not added', { path: file.path, code, message })
      }
    }
    return added
  }

  /** null: known, to be skipped, or perhaps still being written. */
  async #take(file: FoundFile, origin: ModelOrigin, asked: boolean): Promise<string | null> {
    const row = this.#needs.rows.byPath(file.path)
    if (row !== undefined && (row.removedAt === null || !asked)) return null
    const facts = await modelStat(file.path)
    if (facts === null || this.#skipped.get(file.path) === signature(facts)) return null
    if (!asked && (this.#needs.now ?? Date.now)() - facts.mtimeMs < (this.#needs.settleMs ?? 2_000)) return null
    const real = this.#needs.rows.get(modelId(await realpath(file.path)))
    if (real !== undefined && (real.removedAt === null || !asked)) return null
    return await this.#add(file.path, { ...file, origin, asked })
  }

  #add(path: string, options: AddOptions): Promise<string> {
    const done = this.#turn.then(() => this.#addNow(path, options))
    // The next file does not care how this one fared; its caller is told.
    this.#turn = done.catch(() => {})
    return done
  }

  async #addNow(path: string, { origin, repository, revision, sha256s, ownSha256s }: AddOptions): Promise<string> {
    const real = await realpath(path).catch((cause: unknown) => {
      throw new SnugError('model/not-found', 'the file is not there', { path }, { cause })
    })
    const found = await modelStat(path)
    if (found === null) throw new SnugError('model/not-found', 'a part is missing, or this is no plain file', { path })
    const { identity, ...facts } = found
    const id = modelId(real)
    const known = this.#needs.rows.byPath(path) ?? this.#needs.rows.get(id)
    const row: ModelRow = { ...(known ?? newModelRow(id, path, (this.#needs.now ?? Date.now)())), removedAt: null }
    this.#identities.set(row.id, identity)
    // Two links to one file are one model; the path that still leads there stays.
    if (row.path !== path && (await modelStat(row.path)) === null) row.path = path
    if (known === undefined || origin === 'download') row.origin = origin
    row.repository = repository ?? row.repository
    row.revision = revision ?? row.revision
    const own = ownSha256s === undefined ? {} : { fileSha256: hashOfParts(ownSha256s), checkedAt: (this.#needs.now ?? Date.now)() }
    const promised = sha256s == null ? {} : { promisedSha256s: sha256s, sha256: hashOfParts(sha256s) }
    const unchanged = known !== undefined && known.sizeBytes === facts.sizeBytes && known.mtimeMs === facts.mtimeMs
    if (unchanged && row.facts !== null && row.problem === null) this.save(settled({ ...row, ...own, ...promised }))
    else await this.#look({ ...row, ...facts, ...unread, promisedSha256s: null, ...own, ...promised })
    return row.id
  }

  /** The file of a row is gone, back, or another one. */
  async #refresh(row: ModelRow): Promise<void> {
    const found = await modelStat(row.path)
    if (found === null) {
      if (row.state !== 'missing') this.save({ ...row, state: 'missing' })
      return
    }
    const { identity, ...facts } = found
    this.#identities.set(row.id, identity)
    const unchanged = row.sizeBytes === facts.sizeBytes && row.mtimeMs === facts.mtimeMs
    if (unchanged && row.state !== 'missing') return
    if (unchanged) return this.save(settled(row))
    try {
      await this.#look({ ...row, ...facts, ...unread })
    } catch (error) {
      this.#log.warn('a changed file could not be looked into', { path: row.path, error: toErrorValue(error) })
    }
  }

  /** Reads the header in the tools process and saves what it says; a damaged file is listed as such. */
  async #look(row: ModelRow): Promise<void> {
    try {
      const facts = await this.#needs.inspect(row.path)
      if (facts.kind !== 'model') {
        this.#skipped.set(row.path, signature(row))
        throw new SnugError('model/unsupported', `a ${facts.kind} is no model to chat with`, { path: row.path, kind: facts.kind })
      }
      const thinking = await this.#needs.capability(row.path).catch((error: unknown): ThinkingCapability => {
        this.#log.warn('the chat template could not be asked', { path: row.path, error: toErrorValue(error) })
        return { kind: 'none' }
      })
      this.save(settled({ ...row, facts, thinking, problem: null }))
    } catch (error) {
      const { code, message } = toErrorValue(error)
      const ofTheFile = code === 'model/corrupt-file' || code === 'engine/crashed' || code === 'engine/stalled'
      if (!ofTheFile) throw error
      this.save({ ...row, facts: null, thinking: null, state: 'damaged', problem: { code, message } })
    }
  }

  #view(row: ModelRow): LibraryModel {
    const { catalogueSampling } = this.#needs
    return viewOf(row, row.repository === null ? null : (catalogueSampling?.(row.repository) ?? null))
  }

  /** For work on its files. */
  row(id: string): ModelRow {
    const row = this.#needs.rows.get(id)
    if (row === undefined || row.removedAt !== null) throw new SnugError('model/not-found', 'no such model', { id })
    return row
  }

  #takeOff(row: ModelRow): void {
    this.#needs.rows.save({ ...row, removedAt: (this.#needs.now ?? Date.now)() })
  }

  /** Tells who follows. */
  save(row: ModelRow): void {
    this.#needs.rows.save(row)
    this.#changes.emit()
  }
}

/** What was known of the bytes is void. What they should be is not: it was said of the file that came, and tells whether this is it. */
const unread = { sha256: null, fileSha256: null, checkedAt: null }

function signature({ sizeBytes, mtimeMs }: { sizeBytes: number; mtimeMs: number }): string {
  return `${sizeBytes}:${mtimeMs}`
}

function isInside(path: string, folder: string): boolean {
  return path.startsWith(folder.endsWith(sep) ? folder : folder + sep)
}
