import { realpath } from 'node:fs/promises'
import type { ModelOrigin } from '@shared/domain/library'
import type { ThinkingCapability } from '@shared/domain/thinking'
import { SnugError, toErrorValue } from '@shared/errors'
import type { Log } from '@shared/log'
import type { ModelRow } from '../db/repositories/models'
import { type FoundFile, deviceOf, findModels, modelStat } from '../platform/modelFolders'
import { hashOfParts, modelId, newModelRow, settled } from './libraryRows'
import type { LibraryDependencies } from './libraryNeeds'

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

/** From files to rows, and rows kept as their files are. */
export class LibraryIntake {
  readonly #needs: LibraryDependencies
  readonly #log: Log
  /** Kept, and told to who follows. */
  readonly #save: (row: ModelRow) => void
  /** Projectors, adapters and the like, by path: not looked into again while they do not change. */
  readonly #skipped = new Map<string, string>()
  /** Device and inode: two names of one file free nothing. */
  readonly #identities = new Map<string, string>()
  #device: string | null = null
  #scanning: Promise<string[]> | null = null
  #disposed = false
  /** One file is looked into at a time: the tools process is one. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(needs: LibraryDependencies, log: Log, save: (row: ModelRow) => void) {
    this.#needs = needs
    this.#log = log
    this.#save = save
  }

  /** Device and inode of a row's file, as it was looked at last. */
  identity(id: string): string | undefined {
    return this.#identities.get(id)
  }

  /** Of the folder that downloads go to; null while it is not known. */
  get modelsDevice(): string | null {
    return this.#device
  }

  /** Rows against their files, then the folders. Gives the ids that are new. */
  scan(): Promise<string[]> {
    this.#scanning ??= this.#scan().finally(() => (this.#scanning = null))
    return this.#scanning
  }

  /** A look that is under way ends with its next file. */
  async dispose(): Promise<void> {
    this.#disposed = true
    await this.#scanning?.catch(() => [])
  }

  async #scan(): Promise<string[]> {
    this.#device = await deviceOf(this.#needs.modelsFolder())
    for (const row of this.#needs.rows.all()) if (!this.#disposed) await this.refresh(row)
    const added = await this.takeFolder(this.#needs.starterFolder, 'starter', false)
    added.push(...(await this.takeFolder(this.#needs.modelsFolder(), 'added', false)))
    for (const folder of this.#needs.settings.get().watchedFolders) added.push(...(await this.takeFolder(folder, 'watched', false)))
    return added
  }

  /** `asked`: by a person, who gets what was taken off the list back, too. Gives the ids that are new. */
  async takeFolder(folder: string, origin: ModelOrigin, asked: boolean): Promise<string[]> {
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
    return await this.add(file.path, { ...file, origin, asked })
  }

  add(path: string, options: AddOptions): Promise<string> {
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
    if (unchanged && row.facts !== null && row.problem === null) this.#save(settled({ ...row, ...own, ...promised }))
    else await this.#look({ ...row, ...facts, ...unread, promisedSha256s: null, ...own, ...promised })
    return row.id
  }

  /** The file of a row is gone, back, or another one. */
  async refresh(row: ModelRow): Promise<void> {
    const found = await modelStat(row.path)
    if (found === null) {
      if (row.state !== 'missing') this.#save({ ...row, state: 'missing' })
      return
    }
    const { identity, ...facts } = found
    this.#identities.set(row.id, identity)
    const unchanged = row.sizeBytes === facts.sizeBytes && row.mtimeMs === facts.mtimeMs
    if (unchanged && row.state !== 'missing') return
    if (unchanged) return this.#save(settled(row))
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
      this.#save(settled({ ...row, facts, thinking, problem: null }))
    } catch (error) {
      const { code, message } = toErrorValue(error)
      const ofTheFile = code === 'model/corrupt-file' || code === 'engine/crashed' || code === 'engine/stalled'
      if (!ofTheFile) throw error
      this.#save({ ...row, facts: null, thinking: null, state: 'damaged', problem: { code, message } })
    }
  }
}

/** What was known of the bytes is void. What they should be is not: it was said of the file that came, and tells whether this is it. */
const unread = { sha256: null, fileSha256: null, checkedAt: null }

function signature({ sizeBytes, mtimeMs }: { sizeBytes: number; mtimeMs: number }): string {
  return `${sizeBytes}:${mtimeMs}`
}
