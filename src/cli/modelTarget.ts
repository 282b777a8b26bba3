import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type { ModelFacts } from '@shared/domain/gguf'
import { hfMirror, huggingFace } from '@shared/domain/settings'
import { SnugError } from '@shared/errors'
import type { Core } from '../main/core'
import type { HubListing } from '../main/platform/hubFiles'
import type { RemoteModel } from '../main/services/remoteModels'
import { usageError } from './failure'

export interface ModelTarget {
  /** A file that reads like the model; of a remote one only its header. */
  path: string
  facts: ModelFacts
  /** null: it lies here. */
  source: RemoteModel['source'] | null
}

/** `owner/name:Q4_K_M`, `owner/name`, `hf:owner/name…`, or `ms:owner/name…` of ModelScope. */
export function parseReference(reference: string): { repository: string; quantization: string | null } {
  const match = /^(?:hf:)?((?:ms:)?[\w.-]+\/[\w.-]+?)(?::([\w.-]+))?$/.exec(reference)
  if (match?.[1] === undefined) throw usageError('reference', { name: reference })
  return { repository: match[1], quantization: match[2] ?? null }
}

/** The vision projector that people take where there are several: F16, else the smallest. */
export function chooseProjector({ repository, projectors }: HubListing): string {
  const chosen =
    projectors.find((file) => /[-_.]f16\.gguf$/i.test(file.path)) ?? projectors.toSorted((a, b) => a.sizeBytes - b.sizeBytes)[0]
  if (chosen === undefined) throw new SnugError('hub/not-found', `${repository} has no vision projector`, { repository })
  return chosen.path
}

/** A file as a person copies its address from the hub: its page, or the download itself. Mirrors have the same repositories. */
export function fileAtHub(address: string, endpoint: string): { repository: string; file: string } | null {
  if (!URL.canParse(address)) return null
  const url = new URL(address)
  if (![endpoint, huggingFace, hfMirror].some((hub) => new URL(hub).origin === url.origin)) return null
  const match = /^\/([\w.-]+\/[\w.-]+)\/(?:blob|resolve)\/main\/(.+\.gguf)$/i.exec(url.pathname)
  return match?.[1] === undefined || match[2] === undefined ? null : { repository: match[1], file: decodeURIComponent(match[2]) }
}

export function chooseGroup({ repository, groups }: HubListing, quantization: string | null): HubListing['groups'][number] {
  const wanted =
    quantization === null
      ? // What people take where they name none: the usual middle, else the smallest file.
        (groups.find((group) => group.quantization === 'Q4_K_M') ?? groups.toSorted((a, b) => a.sizeBytes - b.sizeBytes)[0])
      : groups.find((group) => group.quantization.toLowerCase() === quantization.toLowerCase())
  if (wanted !== undefined) return wanted
  const has = groups.map((group) => group.quantization)
  throw new SnugError(
    'hub/not-found',
    `${repository} has no ${quantization ?? 'GGUF file'}${has.length > 0 ? `; it has ${has.join(', ')}` : ''}`,
    { repository, has },
  )
}

const repositoryName = /^[\w-][\w.-]*\/[\w.-]+(:[\w.-]+)?$/

/** FILE, URL, `[hf:]OWNER/NAME[:QUANT]` or `ms:OWNER/NAME[:QUANT]`; of what is not here only the header is fetched. */
export async function modelTarget(core: Core, target: string): Promise<ModelTarget> {
  const page = /^https?:/i.test(target) ? repositoryPage(target, core.hubEndpoint()) : null
  // A folder can have such a name, too: what is there goes first.
  const named = repositoryName.test(target) && !/\.gguf$/i.test(target) && !existsSync(target)
  if (page !== null || named || target.startsWith('hf:') || target.startsWith('ms:')) {
    const { repository, quantization } = parseReference(page ?? target)
    const listing = await core.discover.listing(repository)
    return await core.remote.ofGroup(listing, chooseGroup(listing, quantization))
  }
  if (/^https?:/i.test(target)) return await core.remote.ofAddress(target)
  const path = resolve(target)
  return { path, facts: await core.engine.tools('inspect', { path }), source: null }
}

/** The hub's page of a repository, as a person copies it from there. */
export function repositoryPage(address: string, endpoint: string): string | null {
  if (!URL.canParse(address)) return null
  const url = new URL(address)
  const there = /^\/models\/([\w.-]+\/[\w.-]+(?::[\w.-]+)?)/.exec(url.pathname)?.[1]
  if (there !== undefined && /^(www\.)?modelscope\.cn$/.test(url.hostname)) return `ms:${there}`
  const match = /^\/([\w.-]+\/[\w.-]+(?::[\w.-]+)?)(?:\/tree\/[^/]+)?\/?$/.exec(url.pathname)
  return match?.[1] !== undefined && url.origin === new URL(endpoint).origin && !/\.gguf$/i.test(match[1]) ? match[1] : null
}
