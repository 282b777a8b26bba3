import { stat } from 'node:fs/promises'
import { basename, resolve, sep } from 'node:path'
import type { ModelFacts } from '@shared/domain/gguf'
import type { LibraryModel } from '@shared/domain/library'
import { type PresetChange, type RecommendedSampling, automaticPreset, changedPreset, isAutomatic } from '@shared/domain/preset'
import { SnugError, toErrorValue } from '@shared/errors'
import type { FoundModels } from '@shared/ipc/discover'
import type { AddedFiles } from '@shared/ipc/library'
import { type Log, silentLog } from '@shared/log'
import type { ModelRow } from '../db/repositories/models'
import { findModels, mayBeModel, modelStat } from '../platform/modelFolders'
import { type ModelSource, defaultFolders } from '../platform/otherPrograms'
import type { Arrived } from './downloadNeeds'
import { Changes, follow } from './follow'
import { foundElsewhere } from './foundElsewhere'
import { LibraryIntake } from './libraryIntake'
import type { LibraryDependencies } from './libraryNeeds'
import { hashOfParts, rowsWithFiles, sameFiles, settled, viewOf } from './libraryRows'
import { type TrashPlan, trashPlan } from './trashPlan'

const lookEveryMs = 15_000

/** The model files that Snug knows. They are adopted where they lie; a row whose file is gone stays, and comes back with it. */
export class LibraryService {
  readonly #needs: LibraryDependencies
  readonly #log: Log
  readonly #changes = new Changes()
  readonly #intake: LibraryIntake
  #timer: NodeJS.Timeout | null = null

  constructor(needs: LibraryDependencies) {
    this.#needs = needs
    this.#log = needs.log ?? silentLog
    this.#intake = new LibraryIntake(needs, this.#log, (row) => this.save(row))
  }

  list(): LibraryModel[] {
    const rows = this.#needs.rows.all()
    const identity = (id: string) => this.#intake.identity(id) ?? id
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
    await this.#intake.refresh(this.row(id))
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
    await this.#intake.dispose()
  }

  /** Rows against their files, then the folders. Gives the ids that are new. */
  scan(): Promise<string[]> {
    return this.#intake.scan()
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
        else added.push(await this.#intake.add(resolve(path), { origin: 'added', asked: true }))
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
    return { added: await this.#intake.takeFolder(folder, 'watched', true) }
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
    return this.#intake.add(path, { origin: 'download', repository, revision, sha256s, ownSha256s, asked: true })
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
    const device = this.#intake.identity(id)?.split(':')[0]
    if (device === undefined || this.#intake.modelsDevice === null) return isInside(path, this.#needs.modelsFolder())
    return device === this.#intake.modelsDevice
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

function isInside(path: string, folder: string): boolean {
  return path.startsWith(folder.endsWith(sep) ? folder : folder + sep)
}
