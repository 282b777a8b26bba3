import type { UseCase } from '@shared/domain/catalog'
import type { KvCacheType } from '@shared/domain/gguf'
import type { Recommendation } from '@shared/domain/recommend'
import { type LicenceChoice, licenceMatches } from '@shared/domain/search'
import type { SimulatedMachine } from '@shared/domain/simulate'
import type { SizeClassId } from '@shared/domain/sizeClass'

export interface Filters {
  use: UseCase
  size: SizeClassId | null
  fitsOnly: boolean
  /** Of the catalogue and of the hub. */
  licence: LicenceChoice | null
  language: string | null
  text: string
  /** null: what the use needs. */
  contextSize: number | null
  kvCacheType: KvCacheType
  /** null: this machine. */
  simulate: SimulatedMachine | null
  /** Beside the loaded model, not in place of it. */
  beside: boolean
  view: 'list' | 'chart'
}

export const noFilters: Filters = {
  use: 'chat',
  size: null,
  fitsOnly: false,
  licence: null,
  language: null,
  text: '',
  contextSize: null,
  kvCacheType: 'f16',
  simulate: null,
  beside: false,
  view: 'list',
}

/** What passes; use, context and cache type were already asked of main. */
export function passing(items: readonly Recommendation[], filters: Filters): Recommendation[] {
  const text = filters.text.trim().toLowerCase()
  return items.filter(
    ({ model, sizeClass, best }) =>
      (filters.size === null || sizeClass.id === filters.size) &&
      (filters.licence === null || licenceMatches(filters.licence, model.licence.name)) &&
      (filters.language === null || model.languages.includes(filters.language)) &&
      (!filters.fitsOnly || best.verdict !== 'too-big') &&
      (text === '' || `${model.name} ${model.family} ${model.maker}`.toLowerCase().includes(text)),
  )
}
