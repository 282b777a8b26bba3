import { z } from 'zod'
import type { SearchHit } from '@shared/domain/library'
import { parametersInName } from '@shared/domain/search'
import { modelScope as modelScopeAddress, sourceKind } from '@shared/domain/source'
import { type ErrorValue, SnugError, toErrorValue } from '@shared/errors'
import type { Endpoints } from './endpoints'
import { hubError, pageOf, usableBase } from './hubError'
import { type HubFile, type HubListing, groupFiles, isProjector } from './hubFiles'
import { type CardText, fetchCard } from './modelCard'
import { ModelScope } from './modelScope'
import type { Network, NetworkRequest, NetworkResponse } from './network'
import { isLoopback } from './redirects'

const modelInfo = z.object({
  id: z.string().max(300),
  sha: z.string().regex(/^[0-9a-f]{40,64}$/),
  gated: z.union([z.boolean(), z.string().max(40)]).optional(),
  tags: z.array(z.string()).optional(),
  cardData: z.object({ license: z.union([z.string(), z.array(z.string())]).nullish() }).nullish(),
})
const sha256 = z.string().regex(/^[0-9a-f]{64}$/)
const treeEntry = z.object({
  type: z.string(),
  path: z.string().min(1).max(1_000),
  size: z.number().int().min(0).default(0),
  oid: z.string().max(80).optional(),
  lfs: z.object({ oid: sha256, size: z.number().int().min(0) }).nullish(),
})
const searchEntry = z.object({
  id: z.string().max(300),
  downloads: z.number().nullish(),
  likes: z.number().nullish(),
  lastModified: z.string().nullish(),
  tags: z.array(z.string()).optional(),
  gated: z.union([z.boolean(), z.string().max(40)]).nullish(),
  cardData: z
    .object({
      license: z.union([z.string(), z.array(z.string())]).nullish(),
      language: z.union([z.string(), z.array(z.string())]).nullish(),
    })
    .nullish()
    .catch(null),
  /** What the hub read from the header of a file. */
  gguf: z.object({ total: z.number().positive().nullish() }).nullish().catch(null),
})

/** A tree of this many files is no model repository. */
const maxFiles = 20_000

export interface HubOptions {
  network: Network
  /** Asked for each request, so that a changed setting counts at once. */
  endpoint: () => string
  /** Where one of several is taken: looked for before a request. */
  endpoints?: Pick<Endpoints, 'ready' | 'origin' | 'failed'>
  /** Repositories whose name begins with `ms:`. */
  modelScope?: ModelScope
}

/** The Hugging Face API, as it and its mirrors speak it. */
export class Hub {
  readonly #network: Network
  readonly #endpoint: () => string
  readonly #endpoints: HubOptions['endpoints']

  readonly #modelScope: ModelScope

  constructor({ network, endpoint, endpoints, modelScope = new ModelScope(network, modelScopeAddress) }: HubOptions) {
    this.#modelScope = modelScope
    this.#network = network
    this.#endpoints = endpoints
    this.#endpoint = endpoint
  }

  get endpoint(): string {
    return this.#endpoint().replace(/\/+$/, '')
  }

  /** Where the files of a repository are asked for. */
  endpointOf(repository: string): string {
    const kind = sourceKind(repository)
    if (kind === 'address') return new URL(repository).origin
    return kind === 'modelscope' ? this.#modelScope.endpoint : this.endpoint
  }

  /** A repository's files, pinned to the commit that `revision` means now. */
  async listing(repository: string, options: { revision?: string; signal?: AbortSignal } = {}): Promise<HubListing> {
    if (sourceKind(repository) === 'modelscope') return await this.#modelScope.listing(repository, options)
    const origin = usableBase((await this.#endpoints?.origin()) ?? this.endpoint)
    const base = `${origin}/api/models/${encodePath(repository)}`
    const revision = options.revision === undefined ? '' : `/revision/${encodeURIComponent(options.revision)}`
    const info = await this.#json(`${base}${revision}`, modelInfo, {
      purpose: 'facts',
      about: repository,
      signal: options.signal,
    })
    const files: HubFile[] = []
    let next: string | null = `${base}/tree/${info.value.sha}?recursive=true`
    while (next !== null) {
      const page: { value: z.infer<typeof treeEntry>[]; response: NetworkResponse } = await this.#json(next, z.array(treeEntry), {
        purpose: 'files',
        about: repository,
        signal: options.signal,
      })
      for (const entry of page.value) if (entry.type === 'file') files.push(toFile(entry))
      next = nextPage(page.response)
      if (files.length > maxFiles) throw new SnugError('hub/bad-answer', 'too many files', { repository })
    }
    return {
      repository,
      revision: info.value.sha,
      licence: licenceOf(info.value),
      page: pageOf(new URL(base)),
      gated: gateOf(info.value.gated),
      groups: groupFiles(files),
      files,
      projectors: files.filter((file) => /\.gguf$/i.test(file.path) && isProjector(file.path)),
    }
  }

  /** What the maker writes about it, at that commit; null where there is nothing. */
  async card(repository: string, revision: string, signal?: AbortSignal): Promise<CardText | null> {
    const kind = sourceKind(repository)
    if (kind === 'modelscope') return await this.#modelScope.card(repository, signal)
    if (kind === 'address') return null
    await this.#endpoints?.ready()
    const address = resolveAddress(usableBase(this.endpoint), repository, revision, 'README.md')
    return await fetchCard(this.#network, address, { about: repository, signal })
  }

  async search(query: string, options: { limit?: number; signal?: AbortSignal } = {}): Promise<SearchHit[]> {
    for await (const page of this.searchPages(query, options)) return page
    return []
  }

  /** Page by page, most downloaded first. A mirror may not know the filters: whoever asks looks at each hit. */
  async *searchPages(
    query: string,
    options: { limit?: number; licence?: string | null; language?: string | null; signal?: AbortSignal } = {},
  ): AsyncGenerator<SearchHit[], void, void> {
    const { limit = 30, licence = null, language = null, signal } = options
    if (query.startsWith('ms:')) {
      yield* this.#modelScope.searchPages(query.slice('ms:'.length), { limit, ...(signal === undefined ? {} : { signal }) })
      return
    }
    const parameters = new URLSearchParams({ search: query, filter: 'gguf', sort: 'downloads', limit: String(limit) })
    if (licence !== null) parameters.append('filter', `license:${licence}`)
    if (language !== null) parameters.append('filter', language)
    for (const field of ['downloads', 'likes', 'lastModified', 'tags', 'gated', 'cardData', 'gguf']) parameters.append('expand', field)
    await this.#endpoints?.ready()
    let next: string | null = `${usableBase(this.endpoint)}/api/models?${parameters.toString()}`
    while (next !== null) {
      const page: { value: z.infer<typeof searchEntry>[]; response: NetworkResponse } = await this.#json(next, z.array(searchEntry), {
        purpose: 'search',
        about: query,
        signal,
      })
      yield page.value.filter((entry) => /^[\w.-]+\/[\w.-]+$/.test(entry.id)).map(toHit)
      next = nextPage(page.response)
    }
  }

  /** Whether the hub answers; never throws. */
  async status(signal?: AbortSignal): Promise<{ endpoint: string; reachable: boolean; error: ErrorValue | null }> {
    await this.#endpoints?.ready()
    const endpoint = this.endpoint
    try {
      const { response } = await this.#json(`${usableBase(endpoint)}/api/models?limit=1`, z.array(z.object({ id: z.string() })), {
        purpose: 'answers',
        signal,
        timeoutMs: 6_000,
      })
      return { endpoint, reachable: response.status === 200, error: null }
    } catch (error) {
      return { endpoint, reachable: false, error: toErrorValue(error) }
    }
  }

  async #json<T>(address: string, shape: z.ZodType<T>, request: NetworkRequest): Promise<{ value: T; response: NetworkResponse }> {
    const headers = { accept: 'application/json', ...request.headers }
    const response = await this.#network.text(address, { ...request, headers }).catch((error: unknown) => {
      if (error instanceof SnugError && /^(hub\/unreachable|network\/certificate)$/.test(error.code)) this.#endpoints?.failed()
      throw error
    })
    if (response.status !== 200) throw hubError(response)
    let value: unknown
    try {
      value = JSON.parse(response.text)
    } catch (cause) {
      throw new SnugError('hub/bad-answer', 'the answer is no JSON', { host: response.url.host }, { cause })
    }
    const parsed = shape.safeParse(value)
    if (!parsed.success)
      throw new SnugError('hub/bad-answer', 'the answer has another shape', { host: response.url.host }, { cause: parsed.error })
    return { value: parsed.data, response }
  }
}

/** Address at which a file of a commit is asked for. */
export function resolveAddress(endpoint: string, repository: string, revision: string, path: string): string {
  return `${endpoint}/${encodePath(repository)}/resolve/${encodeURIComponent(revision)}/${encodePath(path)}`
}

function encodePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/')
}

function toFile(entry: z.infer<typeof treeEntry>): HubFile {
  const lfs = entry.lfs ?? null
  const git = entry.oid !== undefined && /^[0-9a-f]{40}$/.test(entry.oid) ? entry.oid : null
  return { path: entry.path, sizeBytes: lfs?.size ?? entry.size, sha256: lfs?.oid ?? null, gitSha1: lfs === null ? git : null }
}

function toHit(entry: z.infer<typeof searchEntry>): SearchHit {
  const language = entry.cardData?.language ?? []
  // Makers declare them in the card; the hub makes tags of them, among others of two letters.
  const declared = typeof language === 'string' ? [language] : language
  const tagged = (entry.tags ?? []).filter((tag) => tag.length === 2 && /^[a-z]{2}$/.test(tag) && tag !== 'tf')
  return {
    repository: entry.id,
    downloads: entry.downloads ?? null,
    likes: entry.likes ?? null,
    licence: licenceOf(entry),
    updatedAt: entry.lastModified ?? null,
    parameters: entry.gguf?.total ?? parametersInName(entry.id),
    languages: [...new Set([...declared, ...tagged].map((code) => code.toLowerCase()))],
    gated: gateOf(entry.gated ?? undefined) !== null,
    fits: null,
  }
}

function gateOf(gated: boolean | string | undefined): 'auto' | 'manual' | null {
  if (gated === undefined || gated === false) return null
  return gated === 'manual' ? 'manual' : 'auto'
}

function licenceOf(info: {
  tags?: string[] | undefined
  cardData?: { license?: string | string[] | null | undefined } | null | undefined
}): string | null {
  const named = info.cardData?.license
  if (typeof named === 'string' && named !== '') return named
  if (Array.isArray(named) && named[0] !== undefined) return named[0]
  return info.tags?.find((tag) => tag.startsWith('license:'))?.slice('license:'.length) ?? null
}

/** `Link: <…>; rel="next"`; a page of another host is not followed. A mirror that forgets its own name is put right. */
function nextPage(response: NetworkResponse): string | null {
  const link = /<([^>]+)>\s*;\s*rel="?next"?/.exec(response.headers.link ?? '')?.[1]
  if (link === undefined || !URL.canParse(link, response.url.href)) return null
  const next = new URL(link, response.url)
  if (next.origin === response.url.origin) return next.href
  if (isLoopback(next.hostname) && !isLoopback(response.url.hostname)) return null
  return new URL(`${next.pathname}${next.search}`, response.url.origin).href
}
