import type { SearchHit } from './library'
import { type SizeClassId, sizeClass } from './sizeClass'

/** What a search is narrowed to; null and false: not at all. */
export interface SearchFilters {
  size: SizeClassId | null
  /** One of `licenceChoices`, or a licence as the hub writes it. */
  licence: string | null
  /** Code of a language, as makers declare them: `en`, `zh`. */
  language: string | null
  fitsOnly: boolean
}

export const noSearchFilters: SearchFilters = { size: null, licence: null, language: null, fitsOnly: false }

/** `permissive` is any of the first three kinds of terms below; `llama` any of its versions. */
export const licenceChoices = ['permissive', 'apache-2.0', 'mit', 'llama', 'gemma', 'non-commercial'] as const
export type LicenceChoice = (typeof licenceChoices)[number]

const permissive = /^(apache|mit$|bsd|isc$|unlicense$|cc0|zlib$)/
const kinds: Partial<Record<string, RegExp>> = { llama: /^llama/, gemma: /^gemma/, 'non-commercial': /(^|-)nc(-|$)|non-?commercial/ }

/** Whether terms are what was asked for. Of terms that count together (`MIT + Llama 3.1 Community`) none may be stricter than that. */
export function licenceMatches(wanted: string, named: string | null): boolean {
  const parts = (named ?? '').split('+').map((part) => part.trim().toLowerCase().replace(/\s+/g, '-'))
  if (parts.some((part) => part === '')) return false
  if (wanted === 'permissive') return parts.every((part) => permissive.test(part))
  const kind = kinds[wanted]
  if (kind !== undefined) return parts.some((part) => kind.test(part))
  return parts.includes(wanted.toLowerCase()) && parts.every((part) => part === wanted.toLowerCase() || permissive.test(part))
}

/** What a name says of the size, as makers write it: `8B`, `1.7b`, `135M`, `8x7B`, `30B-A3B` (the whole, not the active part). */
export function parametersInName(name: string): number | null {
  const found = [...name.matchAll(/(?:^|[^a-z0-9.])(?:(\d{1,2})x)?(\d{1,4}(?:\.\d{1,3})?)([bm])(?![a-z0-9])/gi)]
  const sizes = found.map(([, times, figure, unit]) => Number(times ?? 1) * Number(figure) * (unit?.toLowerCase() === 'b' ? 1e9 : 1e6))
  return sizes.length === 0 ? null : Math.max(...sizes)
}

/** `unknown`: the hub does not say what is asked, so it is neither shown nor called wrong. */
export function passesSearch(hit: SearchHit, filters: SearchFilters): 'yes' | 'no' | 'unknown' {
  const answers = [
    filters.licence === null ? true : hit.licence === null ? null : licenceMatches(filters.licence, hit.licence),
    filters.language === null ? true : hit.languages.length === 0 ? null : hit.languages.includes(filters.language),
    filters.size === null ? true : hit.parameters === null ? null : sizeClass(hit.parameters).id === filters.size,
  ]
  if (answers.includes(false)) return 'no'
  return answers.includes(null) ? 'unknown' : 'yes'
}
