import type { ErrorCode } from '../errors'
import type { Messages } from '.'

export type CatalogTrouble = keyof Messages['common']['catalogTrouble']

/** What happened and what to do next; of a certificate or a catalogue what helps against its own trouble. */
export function errorWords(code: ErrorCode, data: Record<string, unknown>, words: Messages): { title: string; action: string } {
  const { title, action } = words.errors[code]
  return { title, action: special(code, data, words) ?? action }
}

function special(code: ErrorCode, { host, reason, trouble, detail }: Record<string, unknown>, { common }: Messages): string | null {
  if (code === 'network/certificate' && typeof host === 'string' && typeof reason === 'string') {
    const kind = trouble === 'issuer' || trouble === 'date' || trouble === 'name' ? trouble : 'other'
    return common.certificate[kind]({ host, reason })
  }
  if (code === 'catalog/refused' && isCatalogTrouble(trouble, common)) return common.catalogTrouble[trouble]({ detail: String(detail) })
  return null
}

function isCatalogTrouble(trouble: unknown, common: Messages['common']): trouble is CatalogTrouble {
  return typeof trouble === 'string' && Object.hasOwn(common.catalogTrouble, trouble)
}
