import { type KnownHubs, readAddress } from '@shared/domain/address'
import type { FitReport } from '@shared/domain/fit'
import { type KvCacheType, type ModelFacts, saidActiveParameters } from '@shared/domain/gguf'
import type { RepositoryFiles, SearchHit, SearchResult } from '@shared/domain/library'
import { quantizationInfo } from '@shared/domain/quantization'
import { type SearchFilters, noSearchFilters, passesSearch } from '@shared/domain/search'
import { sourceKind } from '@shared/domain/source'
import type { SimulatedMachine } from '@shared/domain/simulate'
import { SnugError, toErrorValue } from '@shared/errors'
import type { AddressedModel, AddressLook, ExactFit, FoundModels } from '@shared/ipc/discover'
import { type Log, silentLog } from '@shared/log'
import type { Hub } from '../platform/hub'
import type { FileGroup, HubListing } from '../platform/hubFiles'
import type { CardText } from '../platform/modelCard'
import { isLoopback } from '../platform/redirects'
import type { AddressedFile } from '../platform/remoteFile'
import type { RemoteModel, RemoteModels } from './remoteModels'

interface FitWishes {
  contextSize?: number
  kvCacheType?: KvCacheType
  simulate?: SimulatedMachine
  beside?: boolean
}

export interface DiscoverDependencies {
  hub: Pick<Hub, 'listing' | 'searchPages' | 'status'> & Partial<Pick<Hub, 'card'>>
  /** Sizing by name and size, keyed by quantization. */
  fitRepository: (
    repository: string,
    files: readonly { quantization: string; sizeBytes: number }[],
    options: FitWishes,
    header: ModelFacts | null,
  ) => Promise<Record<string, FitReport>>
  foundOnDisk: () => Promise<FoundModels[]>
  /** Headers by ranges; without them everything goes by name and size. */
  remote?: Pick<RemoteModels, 'known' | 'ofGroup'> & Partial<Pick<RemoteModels, 'ofAddress'>>
  /** What lies at an address. */
  lookAt?: (address: string, signal?: AbortSignal) => Promise<AddressedFile>
  /** The hubs whose pages are read. */
  hubs?: () => KnownHubs
  /** Sizing of one file by its own header, with llama.cpp's dry run. */
  fitExactly?: (model: RemoteModel, options: FitWishes) => Promise<FitReport>
  /** The catalogue has the geometry of its own repositories: no header is fetched for a mere look. */
  isCatalogued?: (repository: string) => boolean
  log?: Log
  /** How long a look waits for a header; it goes on and is there the next time. */
  headerWaitMs?: number
}

const headerWaitMs = 6_000
const usual = 'Q4_K_M'
const maxHits = 30
/** While hits are left out, the hub is asked for more at once, up to this often. */
const searchPage = 100
const maxSearchPages = 5
const manyLicences: ReadonlySet<string> = new Set(['permissive', 'llama', 'non-commercial'])

export class DiscoverService {
  constructor(readonly needs: DiscoverDependencies) {}

  /** Fits go by quantization and by file: a repository can have a quantization twice. */
  async files(
    repository: string,
    options: FitWishes = {},
    signal?: AbortSignal,
  ): Promise<RepositoryFiles & { fits: Record<string, FitReport> }> {
    const listing = await this.needs.hub.listing(repository, { signal })
    const header = await this.#header(listing)
    const fits: Record<string, FitReport> = {}
    const left = [...listing.groups]
    while (left.length > 0) {
      // One round per occurrence of a quantization, so that each file is priced by its own size.
      const round = left.filter((group, index) => left.findIndex((other) => other.quantization === group.quantization) === index)
      const priced = await this.needs.fitRepository(repository, round, options, header)
      for (const group of round) {
        const fit = priced[group.quantization]
        left.splice(left.indexOf(group), 1)
        if (fit === undefined) continue
        fits[group.file] = fit
        fits[group.quantization] ??= fit
      }
    }
    const { revision, licence, groups, page, gated } = listing
    return { repository, revision, licence, groups, fits, gated: gated ?? null, ...(page === undefined ? {} : { page }) }
  }

  /** One file by its own header: what to trust right before it is downloaded. */
  async exact(repository: string, file: string, options: FitWishes = {}, signal?: AbortSignal): Promise<ExactFit> {
    const { fitExactly } = this.needs
    if (fitExactly === undefined) throw new SnugError('internal/bug', 'no headers here')
    const listing = await this.needs.hub.listing(repository, { signal })
    const group = groupOf(listing, file)
    const model = await this.#remote.ofGroup(listing, group)
    const { architecture, name, quantization, parameters, sizeBytes, trainContextSize } = model.facts
    return {
      repository,
      file: group.file,
      fit: await fitExactly(model, options),
      facts: { architecture, name, quantization, parameters, sizeBytes, trainContextSize },
    }
  }

  /** What a person pasted: the page of a repository, or one file, priced by its own header. */
  async address(text: string, options: FitWishes = {}, signal?: AbortSignal): Promise<AddressLook> {
    const pasted = readAddress(text, this.needs.hubs?.() ?? { hub: [], modelScope: [] })
    if (pasted.kind === 'other') throw new SnugError('usage/invalid', 'this address names no model', { what: 'no-model' })
    if (pasted.kind === 'repository') return { kind: 'repository', repository: pasted.repository }
    if (pasted.kind === 'hub-file') return await this.#hubFile(pasted.repository, pasted.file, options, signal)
    try {
      return await this.#plainFile(pasted.address, options, signal)
    } catch (error) {
      if (!(error instanceof SnugError)) throw error
      // So that the page speaks of an address, and not of the hub.
      const { origin, pathname } = new URL(pasted.address)
      throw new SnugError(error.code, error.message, { ...error.data, address: `${origin}${pathname}` }, { cause: error })
    }
  }

  async #hubFile(repository: string, file: string, options: FitWishes, signal?: AbortSignal): Promise<AddressedModel> {
    const { hub } = this.needs
    const listing = await hub.listing(repository, { signal })
    const group = groupOf(listing, file)
    const files = group.parts.map((path) => listing.files.find((candidate) => candidate.path === path))
    const priced = await this.#priced(await this.#remote.ofGroup(listing, group), options)
    return {
      kind: 'file',
      repository,
      file: group.file,
      parts: group.parts.length,
      sizeBytes: group.sizeBytes,
      ...priced,
      hash: files.every((part) => part?.sha256 != null)
        ? 'sha256'
        : files.every((part) => part?.sha256 != null || part?.gitSha1 != null)
          ? 'git-sha1'
          : null,
      resumable: true,
      gated: listing.gated ?? null,
    }
  }

  async #plainFile(address: string, options: FitWishes, signal?: AbortSignal): Promise<AddressedModel> {
    const { lookAt } = this.needs
    if (lookAt === undefined) throw new SnugError('internal/bug', 'no addresses here')
    const found = await lookAt(address, signal)
    const priced = await this.#priced(await this.#ofAddress(found.address), options)
    return {
      kind: 'file',
      repository: found.address,
      file: found.name,
      parts: found.parts.length,
      sizeBytes: found.parts.reduce((sum, part) => sum + part.sizeBytes, 0),
      ...priced,
      hash: null,
      resumable: found.resumable,
      gated: null,
    }
  }

  async #priced(model: RemoteModel, options: FitWishes): Promise<Pick<AddressedModel, 'facts' | 'fit' | 'host' | 'way'>> {
    const { fitExactly } = this.needs
    if (fitExactly === undefined) throw new SnugError('internal/bug', 'no headers here')
    const { kind, architecture, name, quantization, parameters, trainContextSize, licence } = model.facts
    if (kind !== 'model') throw new SnugError('model/unsupported', 'no model to chat with', { kind })
    const { host, hostname, protocol } = new URL(model.source.address)
    return {
      facts: {
        architecture,
        name,
        quantization,
        parameters,
        activeParameters: saidActiveParameters(model.facts),
        trainContextSize,
        licence,
      },
      fit: await fitExactly(model, options),
      host,
      way: isLoopback(hostname) ? 'this-machine' : protocol === 'https:' ? 'encrypted' : 'plain',
    }
  }

  get #remote(): NonNullable<DiscoverDependencies['remote']> {
    if (this.needs.remote === undefined) throw new SnugError('internal/bug', 'no headers here')
    return this.needs.remote
  }

  async #ofAddress(address: string): Promise<RemoteModel> {
    const { remote } = this.needs
    if (remote?.ofAddress === undefined) throw new SnugError('internal/bug', 'no addresses here')
    return await remote.ofAddress(address)
  }

  /** Empty where the repository has none. */
  async card(repository: string, revision: string, signal?: AbortSignal): Promise<CardText> {
    return (await this.needs.hub.card?.(repository, revision, signal)) ?? { text: '', cut: false }
  }

  /** The header of one file, named or by its quantization. */
  async header(repository: string, file: string | null, quantization: string): Promise<RemoteModel> {
    if (sourceKind(repository) === 'address') return await this.#ofAddress(repository)
    const listing = await this.needs.hub.listing(repository)
    const group = listing.groups.find((candidate) =>
      file === null
        ? candidate.quantization.toUpperCase() === quantization.toUpperCase()
        : candidate.file === file || candidate.parts.includes(file),
    )
    if (group === undefined)
      throw new SnugError('hub/not-found', `${repository} has no such model file`, { repository, file, quantization })
    return await this.#remote.ofGroup(listing, group)
  }

  /** The files without a price. */
  listing(repository: string, signal?: AbortSignal): Promise<HubListing> {
    return this.needs.hub.listing(repository, { signal })
  }

  /** The header of one file, for all of them; null, and the catalogue or a rule of thumb, where it cannot be had soon. */
  async #header(listing: HubListing): Promise<ModelFacts | null> {
    const { remote, isCatalogued, log = silentLog } = this.needs
    const group = headerGroup(listing.groups)
    if (remote === undefined || group === null) return null
    let timer: NodeJS.Timeout | undefined
    try {
      const known = isCatalogued?.(listing.repository) === true ? remote.known(listing, group) : remote.ofGroup(listing, group)
      const late = new Promise<null>((resolve) => {
        timer = setTimeout(resolve, this.needs.headerWaitMs ?? headerWaitMs, null)
      })
      // Whoever does not wait for it does not hear how it went either.
      known.catch(() => {})
      const model = await Promise.race([known, late])
      return model !== null && model.facts.kind === 'model' ? model.facts : null
    } catch (error) {
      const { code, message } = toErrorValue(error)
      log.info('no header of a repository', { repository: listing.repository, code, message })
      return null
    } finally {
      clearTimeout(timer)
    }
  }

  /** `priced`: each hit says whether it would run here. The hub knows words, licences and languages; size and machine are looked at here, over as many pages as that takes. */
  async search(
    query: string,
    wishes: Partial<SearchFilters> & FitWishes & { priced?: boolean } = {},
    signal?: AbortSignal,
  ): Promise<SearchResult> {
    const filters = { ...noSearchFilters, ...wishes }
    const { licence, language } = filters
    const narrowed = licence !== null || language !== null || filters.size !== null || filters.fitsOnly
    const hits: SearchHit[] = []
    let unknown = 0
    let pages = 0
    const found = this.needs.hub.searchPages(query.trim(), {
      limit: narrowed ? searchPage : maxHits,
      // A kind of licence is many licences to the hub.
      licence: licence === null || manyLicences.has(licence) ? null : licence,
      language,
      ...(signal === undefined ? {} : { signal }),
    })
    for await (const page of found) {
      for (const hit of page) {
        const passes = passesSearch(hit, filters)
        if (passes !== 'yes') unknown += passes === 'unknown' ? 1 : 0
        else {
          const fits = filters.fitsOnly || filters.priced === true ? await this.#fitsBySize(hit, filters) : null
          if (!filters.fitsOnly || fits === true) hits.push({ ...hit, fits })
          else if (fits === null) unknown++
        }
        if (hits.length >= maxHits) return { hits, unknown, more: true }
      }
      if (++pages >= maxSearchPages) return { hits, unknown, more: true }
      // Without filters the first page is what was asked for.
      if (!narrowed) return { hits, unknown, more: page.length >= maxHits }
    }
    return { hits, unknown, more: false }
  }

  /** The usual quantization by its size, before anything of the repository is read. */
  async #fitsBySize(
    { repository, parameters }: SearchHit,
    { contextSize, kvCacheType, simulate, beside }: FitWishes,
  ): Promise<boolean | null> {
    if (parameters === null) return null
    const sizeBytes = Math.round((parameters * (quantizationInfo(usual)?.bitsPerWeight ?? 5)) / 8)
    const options = {
      ...(contextSize === undefined ? {} : { contextSize }),
      ...(kvCacheType === undefined ? {} : { kvCacheType }),
      ...(simulate === undefined ? {} : { simulate }),
      ...(beside === undefined ? {} : { beside }),
    }
    const fit = (await this.needs.fitRepository(repository, [{ quantization: usual, sizeBytes }], options, null))[usual]
    return fit === undefined ? null : fit.verdict !== 'too-big'
  }

  hubStatus(signal?: AbortSignal) {
    return this.needs.hub.status(signal)
  }

  foundOnDisk(): Promise<FoundModels[]> {
    return this.needs.foundOnDisk()
  }
}

/** The model that a file belongs to. One that lies beside models, like a projector, is none to chat with. */
function groupOf({ repository, groups, files }: HubListing, file: string): FileGroup {
  const group = groups.find((candidate) => candidate.file === file || candidate.parts.includes(file))
  if (group !== undefined) return group
  if (files.some(({ path }) => path === file)) throw new SnugError('model/unsupported', 'no model to chat with', { repository, file })
  throw new SnugError('hub/not-found', `${repository} has no such model file`, { repository, file })
}

/** The usual middle, else the smallest; one part rather than many. */
export function headerGroup(groups: readonly FileGroup[]): FileGroup | null {
  const whole = groups.filter((group) => group.parts.length === 1)
  const from = whole.length > 0 ? whole : groups
  return from.find((group) => group.quantization === 'Q4_K_M') ?? from.toSorted((a, b) => a.sizeBytes - b.sizeBytes)[0] ?? null
}
