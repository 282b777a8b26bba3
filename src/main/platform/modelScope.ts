import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { SearchHit } from '@shared/domain/library'
import { parametersInName } from '@shared/domain/search'
import { plainRepository } from '@shared/domain/source'
import { SnugError } from '@shared/errors'
import { type HubFile, type HubListing, groupFiles, isProjector } from './hubFiles'
import { type CardText, fetchCard } from './modelCard'
import { usableBase } from './hubError'
import type { Network, NetworkRequest } from './network'

/**
 * ModelScope's API as its own Python client speaks it (modelscope 1.30.0, `hub/api.py`: `get_model_files`, `raise_on_error`;
 * `hub/file_download.py`: `get_file_download_url`, `file_integrity_validation` with `Sha256`). The search is that of its web pages: a PUT.
 */
const file = z.object({
  Path: z.string().min(1).max(1_000),
  Type: z.string(),
  Size: z.number().int().min(0).nullish(),
  Sha256: z.string().nullish(),
  /** The commit that last changed this file: the listing tells none of the whole. */
  Revision: z.string().max(80).nullish(),
})
const answer = <T extends z.ZodType>(data: T) => z.object({ Code: z.number(), Message: z.string().nullish(), Data: data.nullish() })
const filesAnswer = answer(z.object({ Files: z.array(file).nullable() }))
const modelAnswer = answer(z.object({ License: z.string().nullish() }))
const foundModel = z.object({
  Path: z.string().max(200),
  Name: z.string().max(200),
  Downloads: z.number().nullish(),
  Stars: z.number().nullish(),
  License: z.string().nullish(),
  LastUpdatedTime: z.number().nullish(),
})
const searchAnswer = answer(
  z.object({
    Model: z
      .object({
        Models: z.array(foundModel).nullable(),
      })
      .nullish(),
  }),
)

/** Address at which a file is asked for. */
export function modelScopeFile(endpoint: string, repository: string, revision: string, path: string): string {
  const query = new URLSearchParams({ Revision: revision, FilePath: path })
  return `${endpoint}/api/v1/models/${plainRepository(repository)}/repo?${query.toString()}`
}

export class ModelScope {
  constructor(
    readonly network: Network,
    readonly endpoint: string,
  ) {}

  /** Each file has a revision of its own; that of the whole is made of them. */
  async listing(repository: string, options: { revision?: string; signal?: AbortSignal } = {}): Promise<HubListing> {
    const base = `${this.endpoint}/api/v1/models/${plainRepository(repository)}`
    const query = new URLSearchParams({ Revision: options.revision ?? 'master', Recursive: 'true' })
    const data = await this.#json(`${base}/repo/files?${query.toString()}`, filesAnswer, {
      purpose: 'files',
      about: repository,
      signal: options.signal,
    })
    const files = (data?.Files ?? []).filter(({ Type }) => Type !== 'tree').map(toFile)
    // Only shown: whoever does not tell it loses nothing else.
    const facts = { purpose: 'facts' as const, about: repository, signal: options.signal }
    const model = await this.#json(base, modelAnswer, facts).catch(() => null)
    return {
      repository,
      revision: createHash('sha1')
        .update(JSON.stringify(files.map(({ path, sha256, revision }) => [path, sha256, revision])))
        .digest('hex'),
      licence: model?.License ?? null,
      page: `${this.endpoint}/models/${plainRepository(repository)}`,
      groups: groupFiles(files),
      files,
      projectors: files.filter(({ path }) => /\.gguf$/i.test(path) && isProjector(path)),
    }
  }

  /** At the revision that the file has now: the repository's own commit is not told. */
  async card(repository: string, signal?: AbortSignal): Promise<CardText | null> {
    const { files } = await this.listing(repository, signal === undefined ? {} : { signal })
    const card = files.find(({ path }) => /^readme\.md$/i.test(path))
    if (card === undefined) return null
    const address = modelScopeFile(this.endpoint, repository, card.revision ?? 'master', card.path)
    return await fetchCard(this.network, address, { about: repository, signal })
  }

  async search(query: string, options: { limit?: number; signal?: AbortSignal } = {}): Promise<SearchHit[]> {
    for await (const page of this.searchPages(query, options)) return page
    return []
  }

  /** Its pages have no filter for GGUF that holds: the word is added, as people do. */
  async *searchPages(query: string, options: { limit?: number; signal?: AbortSignal } = {}): AsyncGenerator<SearchHit[], void, void> {
    const { limit = 30, signal } = options
    const words = /gguf/i.test(query) ? query : `${query} GGUF`
    for (let number = 1; ; number++) {
      const body = JSON.stringify({
        PageSize: limit,
        PageNumber: number,
        SortBy: 'Default',
        Target: '',
        SingleCriterion: [],
        Name: words.trim(),
      })
      const headers = { 'content-type': 'application/json' }
      const request = { purpose: 'search' as const, about: query, method: 'PUT' as const, body, headers }
      const data = await this.#json(`${this.endpoint}/api/v1/dolphin/models`, searchAnswer, { ...request, signal })
      const models = data?.Model?.Models ?? []
      yield models.map(toHit).filter((hit) => /^ms:[\w.-]+\/[\w.-]+$/.test(hit.repository))
      if (models.length < limit) return
    }
  }

  async #json<T>(
    address: string,
    shape: z.ZodType<{ Code: number; Message?: string | null | undefined; Data?: T | null | undefined }>,
    request: NetworkRequest,
  ): Promise<T | null> {
    usableBase(this.endpoint)
    const response = await this.network.text(address, { ...request, headers: { accept: 'application/json', ...request.headers } })
    const data = { status: response.status, host: response.url.host }
    if (response.status === 401 || response.status === 403)
      throw new SnugError('hub/gated', `ModelScope answered ${response.status}`, {
        ...data,
        page: response.url.href.replace(/\/api\/v1\/models\/([^/]+\/[^/?]+).*$/, '/models/$1'),
      })
    if (response.status === 404) throw new SnugError('hub/not-found', `ModelScope answered ${response.status}`, data)
    if (response.status === 429) throw new SnugError('hub/rate-limited', 'ModelScope asks to wait', data)
    if (response.status >= 500) throw new SnugError('hub/unreachable', `ModelScope answered ${response.status}`, data)
    let value: unknown
    try {
      value = JSON.parse(response.text)
    } catch (cause) {
      throw new SnugError('hub/bad-answer', 'the answer is no JSON', data, { cause })
    }
    const parsed = shape.safeParse(value)
    if (!parsed.success) throw new SnugError('hub/bad-answer', 'the answer has another shape', data, { cause: parsed.error })
    // Its own client takes any other code for a failure, whatever the status says.
    if (parsed.data.Code !== 200) throw new SnugError('hub/not-found', `ModelScope: ${parsed.data.Message ?? parsed.data.Code}`, data)
    return parsed.data.Data ?? null
  }
}

function toFile(entry: z.infer<typeof file>): HubFile {
  const sha256 = entry.Sha256?.toLowerCase() ?? ''
  return {
    path: entry.Path,
    sizeBytes: entry.Size ?? 0,
    sha256: /^[0-9a-f]{64}$/.test(sha256) ? sha256 : null,
    gitSha1: null,
    revision: entry.Revision ?? 'master',
  }
}

function toHit(model: z.infer<typeof foundModel>): SearchHit {
  return {
    repository: `ms:${model.Path}/${model.Name}`,
    downloads: model.Downloads ?? null,
    likes: model.Stars ?? null,
    licence: model.License ?? null,
    updatedAt: model.LastUpdatedTime ? new Date(model.LastUpdatedTime * 1_000).toISOString() : null,
    parameters: parametersInName(model.Name),
    languages: [],
    gated: false,
    fits: null,
  }
}
