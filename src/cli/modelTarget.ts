import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { isAddress, readAddress } from '@shared/domain/address'
import type { ModelFacts } from '@shared/domain/gguf'
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

function chooseFile({ repository, groups }: HubListing, file: string): HubListing['groups'][number] {
  const wanted = groups.find((group) => group.parts.includes(file))
  if (wanted === undefined) throw new SnugError('hub/not-found', `${repository} has no such model file`, { repository, file })
  return wanted
}

const repositoryName = /^[\w-][\w.-]*\/[\w.-]+(:[\w.-]+)?$/

/** FILE, URL, `[hf:]OWNER/NAME[:QUANT]` or `ms:OWNER/NAME[:QUANT]`; of what is not here only the header is fetched. */
export async function modelTarget(core: Core, target: string): Promise<ModelTarget> {
  const pasted = isAddress(target) ? readAddress(target, core.hubs()) : null
  // A folder can have such a name, too: what is there goes first.
  const named = repositoryName.test(target) && !/\.gguf$/i.test(target) && !existsSync(target)
  if (pasted?.kind === 'repository' || named || target.startsWith('hf:') || target.startsWith('ms:')) {
    const { repository, quantization } = pasted?.kind === 'repository' ? pasted : parseReference(target)
    const listing = await core.discover.listing(repository)
    return await core.remote.ofGroup(listing, chooseGroup(listing, quantization))
  }
  if (pasted?.kind === 'hub-file' && pasted.repository.startsWith('ms:')) {
    const listing = await core.discover.listing(pasted.repository)
    return await core.remote.ofGroup(listing, chooseFile(listing, pasted.file))
  }
  if (pasted !== null) {
    const found = await core.remote.ofAddress(target)
    // By its repository it is known to the pages as well.
    return pasted.kind === 'hub-file' ? { ...found, source: { ...found.source, repository: pasted.repository, file: pasted.file } } : found
  }
  const path = resolve(target)
  return { path, facts: await core.engine.tools('inspect', { path }), source: null }
}
