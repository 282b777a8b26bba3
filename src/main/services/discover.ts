import type { FitReport } from '@shared/domain/fit'
import type { KvCacheType } from '@shared/domain/gguf'
import type { RepositoryFiles, SearchHit } from '@shared/domain/library'
import type { FoundModels } from '@shared/ipc/discover'
import type { Hub } from '../platform/hub'

export interface DiscoverDependencies {
  hub: Pick<Hub, 'listing' | 'search' | 'status'>
  /** Sizing by name and size, keyed by quantization. */
  fitRepository: (
    repository: string,
    files: readonly { quantization: string; sizeBytes: number }[],
    options: { contextSize?: number; kvCacheType?: KvCacheType },
  ) => Promise<Record<string, FitReport>>
  foundOnDisk: () => Promise<FoundModels[]>
}

export class DiscoverService {
  constructor(readonly needs: DiscoverDependencies) {}

  /** Fits go by quantization and by file: a repository can have a quantization twice. */
  async files(
    repository: string,
    options: { contextSize?: number; kvCacheType?: KvCacheType } = {},
    signal?: AbortSignal,
  ): Promise<RepositoryFiles & { fits: Record<string, FitReport> }> {
    const listing = await this.needs.hub.listing(repository, { signal })
    const fits: Record<string, FitReport> = {}
    const left = [...listing.groups]
    while (left.length > 0) {
      // One round per occurrence of a quantization, so that each file is priced by its own size.
      const round = left.filter((group, index) => left.findIndex((other) => other.quantization === group.quantization) === index)
      const priced = await this.needs.fitRepository(repository, round, options)
      for (const group of round) {
        const fit = priced[group.quantization]
        left.splice(left.indexOf(group), 1)
        if (fit === undefined) continue
        fits[group.file] = fit
        fits[group.quantization] ??= fit
      }
    }
    return { repository, revision: listing.revision, licence: listing.licence, groups: listing.groups, fits }
  }

  search(query: string, signal?: AbortSignal): Promise<SearchHit[]> {
    return this.needs.hub.search(query.trim(), { signal })
  }

  hubStatus(signal?: AbortSignal) {
    return this.needs.hub.status(signal)
  }

  foundOnDisk(): Promise<FoundModels[]> {
    return this.needs.foundOnDisk()
  }
}
