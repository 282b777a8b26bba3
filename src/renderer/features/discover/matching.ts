import type { FitReport } from '@shared/domain/fit'
import type { KvCacheType } from '@shared/domain/gguf'
import type { Download, LibraryModel } from '@shared/domain/library'
import { normalQuantizationName, quantizationInName } from '@shared/domain/quantization'
import type { QuantizationFit, Recommendation } from '@shared/domain/recommend'
import type { CopySubject } from '@shared/ipc/copies'

/** One file that can be got: a row of the catalogue or of a repository. */
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

/** `here`: the same model on this machine, where `item` is about a simulated one. */
export function offerOf(item: Recommendation, fit: QuantizationFit, here?: Recommendation): Offer {
  const real = here?.alternatives.find(({ quantization }) => quantization === fit.quantization)?.fit
  return {
    name: item.model.name,
    quantization: fit.quantization,
    repository: fit.repository,
    file: fit.file,
    sizeBytes: fit.sizeBytes,
    sizeIsExact: fit.sizeIsExact,
    demonstration: item.model.demonstration,
    said: saidOf(real ?? fit.fit),
    ...(real === undefined ? {} : { here: real }),
  }
}

export function saidOf({ plan, verdict }: FitReport): NonNullable<Offer['said']> {
  return { contextSize: plan.contextSize, kvCacheType: plan.kvCacheType, runs: verdict !== 'too-big' }
}

const sameQuantization = (a: string, b: string) => normalQuantizationName(a) === normalQuantizationName(b)

/** The library's model that this offer would bring, if it is there already. */
export function inLibrary(offer: Offer, models: readonly LibraryModel[]): LibraryModel | null {
  return (
    models.find((model) => {
      if (model.state !== 'verified' && model.state !== 'own') return false
      if (offer.demonstration && model.demonstration === 'starter') return true
      if (!sameQuantization(model.quantization, offer.quantization)) return false
      if (offer.repository !== null && model.repository === offer.repository)
        return offer.file === null || sameFile(model.fileName, offer.file)
      return model.name.toLowerCase() === offer.name.toLowerCase()
    }) ?? null
  )
}

/** The newest download of this offer; cancelled ones do not count. */
export function downloadOf(offer: Offer, downloads: readonly Download[]): Download | null {
  return (
    downloads.findLast(
      (download) =>
        download.repository === offer.repository &&
        download.state !== 'cancelled' &&
        (offer.file === null
          ? sameQuantization(quantizationInName(download.file) ?? '', offer.quantization)
          : sameFile(download.file, offer.file)),
    ) ?? null
  )
}

/** Whether a test is about this offer. */
export function isSubject(offer: Offer, { repository, file, quantization }: CopySubject): boolean {
  if (offer.repository !== repository || !sameQuantization(offer.quantization, quantization)) return false
  return offer.file === null || file === null || sameFile(offer.file, file)
}

function sameFile(a: string, b: string): boolean {
  return baseName(a) === baseName(b)
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

/** `owner/name` from what a person pastes: the name itself, or an address of its page; null for anything else. */
export function repositoryIn(text: string): string | null {
  const modelScope = /^(?:ms:|https?:\/\/(?:www\.)?modelscope\.cn\/models\/)([\w.-]+\/[\w.-]+)(?:[/?#:]|$)/i.exec(text.trim())
  if (modelScope?.[1] !== undefined) return `ms:${modelScope[1]}`
  const path = text.trim().replace(/^https?:\/\/[^/]+\//i, '')
  const match = /^([\w.-]+\/[\w.-]+)(?:\/|$|\?|#)/.exec(path)
  if (match?.[1] === undefined) return null
  const pasted = /^https?:/i.test(text.trim())
  // A plain name must be nothing but owner/name; only an address may go on.
  return pasted || match[1] === path ? match[1] : null
}
