import type { Download, LibraryModel } from '@shared/domain/library'
import { normalQuantizationName, quantizationInName } from '@shared/domain/quantization'
import { sourceKind } from '@shared/domain/source'
import type { QuantizationFit, Recommendation } from '@shared/domain/recommend'
import type { CopySubject } from '@shared/ipc/copies'
import { isUsable } from '../../lib/currentModel'
import { type Offer, saidOf } from '../../lib/offer'

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

const sameQuantization = (a: string, b: string) => normalQuantizationName(a) === normalQuantizationName(b)

/** A file at some address, of no repository. */
export function isAddressOffer({ repository }: Offer): boolean {
  return repository !== null && sourceKind(repository) === 'address'
}

/** The library's model that this offer would bring, if it is there already. */
export function inLibrary(offer: Offer, models: readonly LibraryModel[]): LibraryModel | null {
  if (isAddressOffer(offer)) {
    const { file, sizeBytes } = offer
    // Of a mere address only the file itself tells: its name says little, its length nearly all.
    return models.find((model) => isUsable(model) && sameFile(model.fileName, file ?? '') && model.sizeBytes === sizeBytes) ?? null
  }
  return (
    models.find((model) => {
      if (!isUsable(model)) return false
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

/** `owner/name`, or `ms:owner/name` of ModelScope; null for anything else. Addresses are read by main, which knows the hubs. */
export function repositoryIn(text: string): string | null {
  const [, hub = '', name] = /^(ms:)?([\w.-]+\/[\w.-]+)$/i.exec(text.trim()) ?? []
  return name === undefined ? null : `${hub.toLowerCase()}${name}`
}

/** Where words are looked for: at the hub of the settings, or at ModelScope. */
export type SearchPlace = 'hub' | 'modelscope'

/** `ms:` before words or a name says it for itself. */
export function placeOf(text: string, chosen: SearchPlace): SearchPlace {
  return /^\s*ms:/i.test(text) ? 'modelscope' : chosen
}

/** Words or a name as main takes them. */
export function atPlace(text: string, place: SearchPlace): string {
  const plain = text.trim().replace(/^ms:\s*/i, '')
  return place === 'modelscope' && plain !== '' ? `ms:${plain}` : plain
}
