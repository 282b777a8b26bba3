import { partOfAddress } from '@shared/domain/address'
import { sourceKind } from '@shared/domain/source'
import { resolveAddress } from './hub'
import { modelScopeFile } from './modelScope'

/** What the log of the network says that it was about: an address may carry a secret in its query. */
export function aboutOf(repository: string, path: string): string {
  return sourceKind(repository) === 'address' ? path : `${repository}/${path}`
}

/** Where the bytes of one file are asked for, whatever kind of source has them. */
export function fileAddress(endpoint: string, repository: string, revision: string, path: string): string {
  const kind = sourceKind(repository)
  if (kind === 'address') return partOfAddress(repository, path)
  return kind === 'modelscope' ? modelScopeFile(endpoint, repository, revision, path) : resolveAddress(endpoint, repository, revision, path)
}
