import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { nameInAddress, partsOfAddress, readAddress } from '@shared/domain/address'
import type { ModelFacts } from '@shared/domain/gguf'
import type { Bytes } from '@shared/domain/units'
import type { HeaderCheck } from '@shared/engine/protocol'
import { SnugError } from '@shared/errors'
import type { Log } from '@shared/log'
import { HeaderCache, type HeaderCacheLimits, safeHeaderName } from '../platform/headerCache'
import { fileAddress } from '../platform/fileAddress'
import type { Hub } from '../platform/hub'
import type { FileGroup, HubListing } from '../platform/hubFiles'
import type { Network } from '../platform/network'
import { type HeaderRequest, fetchHeader } from '../platform/remoteHeader'

export interface RemoteModelsDependencies {
  network: Network
  hub: Pick<Hub, 'endpoint'> & Partial<Pick<Hub, 'endpointOf'>>
  folder: string
  check: (path: string, sizeBytes: Bytes) => Promise<HeaderCheck>
  inspect: (path: string) => Promise<ModelFacts>
  log: Log
  limits?: Partial<HeaderCacheLimits>
  idleMs?: number
}

/** A model that is not here, as far as its header tells; `path` is its stand-in for inspect, dry run, prompt and vocabulary. */
export interface RemoteModel {
  path: string
  facts: ModelFacts
  source: { address: string; repository: string | null; revision: string | null; file: string }
}

interface Part {
  address: string
  name: string
  expected: NonNullable<HeaderRequest['expected']> | null
}

/** Each part is a request at least. */
const maxParts = 100
/** Parts but the first hold no vocabulary. */
const laterFirstBytes = 256 * 1024
const partsAtOnce = 4

/** Headers of models at the hub or at any address, fetched by ranges and kept. */
export class RemoteModels {
  readonly #needs: RemoteModelsDependencies
  readonly #cache: HeaderCache
  readonly #pending = new Map<string, Promise<RemoteModel>>()
  readonly #end = new AbortController()

  constructor(needs: RemoteModelsDependencies) {
    this.#needs = needs
    this.#cache = new HeaderCache(needs.folder, needs.limits)
  }

  /** One file of a repository, all its parts. The commit and the hash name it, so what is kept stays right. */
  async ofGroup(listing: HubListing, group: Pick<FileGroup, 'file' | 'parts'>): Promise<RemoteModel> {
    const { repository, revision } = listing
    const endpoint = this.#endpointOf(repository)
    if (group.parts.length > maxParts) throw tooManyParts(group.parts.length)
    const parts = group.parts.map((path): Part => {
      const file = listing.files.find((candidate) => candidate.path === path)
      return {
        address: fileAddress(endpoint, repository, file?.revision ?? revision, path),
        name: safeHeaderName(path),
        expected: file === undefined ? null : { sizeBytes: file.sizeBytes, sha256: file.sha256, hubOrigin: new URL(endpoint).origin },
      }
    })
    const hashes = parts.map((part) => part.expected?.sha256 ?? `${repository} ${revision} ${part.address}`)
    const source = { address: parts[0]?.address ?? '', repository, revision, file: group.file }
    return this.#once(keyOf([new URL(endpoint).origin, ...hashes]), parts, source)
  }

  /** Whether that header is here without asking anybody. */
  async known(listing: HubListing, group: Pick<FileGroup, 'file' | 'parts'>): Promise<RemoteModel | null> {
    const endpoint = this.#endpointOf(listing.repository)
    const hashes = group.parts.map((path) => listing.files.find((candidate) => candidate.path === path)?.sha256 ?? null)
    if (hashes.some((hash) => hash === null)) return null
    const path = await this.#cache.find(keyOf([new URL(endpoint).origin, ...hashes.map(String)]), group.parts.map(safeHeaderName))
    return path === null ? null : await this.ofGroup(listing, group)
  }

  #endpointOf(repository: string): string {
    return this.#needs.hub.endpointOf?.(repository) ?? this.#needs.hub.endpoint
  }

  /** A GGUF at any address; of a split one, any part. */
  async ofAddress(address: string): Promise<RemoteModel> {
    const url = URL.canParse(address) ? new URL(address) : null
    if (url === null || !/^https?:$/.test(url.protocol)) throw new SnugError('usage/invalid', 'not an http address', { address })
    const pasted = readAddress(address, { hub: [], modelScope: [] })
    const addresses = pasted.kind === 'file' ? partsOfAddress(pasted.address) : [url.href]
    if (addresses.length > maxParts) throw tooManyParts(addresses.length)
    const parts = addresses.map((part): Part => ({ address: part, name: safeHeaderName(nameInAddress(part)), expected: null }))
    const [first] = parts
    if (first === undefined) throw new SnugError('usage/invalid', 'this names no part', { address })
    const source = { address: first.address, repository: null, revision: null, file: first.name }
    return this.#once(null, parts, source)
  }

  dispose(): void {
    this.#end.abort(new SnugError('cancelled', 'cancelled'))
  }

  /** Two that ask at once wait for one fetch, which the going of one of them does not end. */
  #once(key: string | null, parts: Part[], source: RemoteModel['source']): Promise<RemoteModel> {
    const name = key ?? source.address
    const pending =
      this.#pending.get(name) ??
      this.#model(key, parts, source).finally(() => {
        this.#pending.delete(name)
      })
    this.#pending.set(name, pending)
    return pending
  }

  async #model(key: string | null, parts: Part[], source: RemoteModel['source']): Promise<RemoteModel> {
    const names = parts.map((part) => part.name)
    const kept = key === null ? null : await this.#kept(key, names)
    if (kept !== null) return { ...kept, source }
    const fresh = await this.#fetch(key, parts)
    return { ...fresh, source }
  }

  async #fetch(givenKey: string | null, parts: Part[]): Promise<{ path: string; facts: ModelFacts }> {
    const names = parts.map((part) => part.name)
    const place = await this.#cache.begin()
    let key = givenKey
    try {
      const [first] = parts
      if (first === undefined) throw new SnugError('internal/bug', 'a model without parts')
      let known: { path: string; facts: ModelFacts } | null = null
      const fetched = await this.#part(first, join(place.folder, first.name), {
        // The address alone does not name the bytes: its validator does.
        isKnown: async (file) => {
          const validator = file.etag ?? file.lastModified
          key ??= validator === null ? null : keyOf([first.address, validator, String(file.sizeBytes)])
          known = key === null ? null : await this.#kept(key, names)
          return known !== null
        },
      })
      if (fetched === null && known !== null) {
        await place.drop()
        return known
      }
      const rest = parts.slice(1)
      while (rest.length > 0) {
        const some = rest.splice(0, partsAtOnce)
        await Promise.all(some.map((part) => this.#part(part, join(place.folder, part.name), { firstBytes: laterFirstBytes })))
      }
      // Whatever the whole says is wrong is said before anything is kept.
      const facts = await this.#needs.inspect(join(place.folder, first.name))
      const keptAs = key ?? keyOf([first.address, String(facts.sizeBytes)])
      if (key === null) await this.#cache.remove(keptAs)
      await place.keep(keptAs)
      const path = await this.#cache.find(keptAs, names)
      if (path === null) throw new SnugError('internal/bug', 'a header that was kept is gone')
      return { path, facts }
    } catch (error) {
      await place.drop()
      throw error instanceof SnugError ? withAddress(error, parts[0]?.address ?? '') : error
    }
  }

  #part(part: Part, path: string, more: Pick<HeaderRequest, 'isKnown' | 'firstBytes'>) {
    const { network, check, idleMs } = this.#needs
    return fetchHeader(
      { network, check, ...(idleMs === undefined ? {} : { idleMs }) },
      {
        address: part.address,
        about: part.name,
        ...(part.expected === null ? {} : { expected: part.expected }),
        signal: this.#end.signal,
        ...more,
      },
      path,
    )
  }

  /** What was kept and cannot be read any more is fetched again. */
  async #kept(key: string, names: readonly string[]): Promise<{ path: string; facts: ModelFacts } | null> {
    const path = await this.#cache.find(key, names)
    if (path === null) return null
    try {
      return { path, facts: await this.#needs.inspect(path) }
    } catch (error) {
      this.#needs.log.warn('a kept header is damaged and fetched again', { path, error: String(error) })
      await this.#cache.remove(key)
      return null
    }
  }
}

function tooManyParts(count: number): SnugError {
  return new SnugError('model/unsupported', `it is split into ${count} parts; ${maxParts} are the limit here`, { count })
}

function keyOf(words: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(words)).digest('hex')
}

/** A path of the cache means nothing to a person. */
function withAddress(error: SnugError, address: string): SnugError {
  const { path: _path, ...data } = error.data
  const shown = URL.canParse(address) ? `${new URL(address).origin}${new URL(address).pathname}` : address
  return new SnugError(error.code, error.message, { ...data, address: shown }, { cause: error })
}
