/** Where a download comes from: `owner/name` of the hub, `ms:owner/name` of ModelScope, or the address of one file. */
type SourceKind = 'hub' | 'modelscope' | 'address'

export const modelScope = 'https://modelscope.cn'

export function sourceKind(repository: string): SourceKind {
  if (/^https?:\/\//i.test(repository)) return 'address'
  return repository.startsWith('ms:') ? 'modelscope' : 'hub'
}

/** `owner/name` without what tells the hub. */
export function plainRepository(repository: string): string {
  return repository.replace(/^ms:/, '')
}

/** What a person calls it in a list: the repository's own name, or the host of an address. */
export function shortSource(repository: string): string {
  if (sourceKind(repository) === 'address') return repository.replace(/^https?:\/\//i, '').replace(/[/?#].*$/, '')
  return repository.slice(repository.indexOf('/') + 1)
}
