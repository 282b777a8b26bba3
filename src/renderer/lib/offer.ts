import type { FitReport } from '@shared/domain/fit'
import type { KvCacheType } from '@shared/domain/gguf'

/** One file that can be got: a row of the catalogue or of a repository, or a newer one of what is here. */
export interface Offer {
  name: string
  quantization: string
  repository: string | null
  /** null: the repository's listing is asked for it. */
  file: string | null
  sizeBytes: number
  sizeIsExact: boolean
  demonstration: boolean
  /** What the row says of it; before the download the file's own header is asked whether that holds. */
  said?: { contextSize: number; kvCacheType: KvCacheType; runs: boolean }
  /** On this machine, where the row is about a simulated one. */
  here?: FitReport
}

export function saidOf({ plan, verdict }: FitReport): NonNullable<Offer['said']> {
  return { contextSize: plan.contextSize, kvCacheType: plan.kvCacheType, runs: verdict !== 'too-big' }
}
