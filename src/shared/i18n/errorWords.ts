import type { ErrorCode } from '../errors'
import type { Messages } from '.'

/** What happened and what to do next; of a certificate what helps against its own trouble, by host and reason. */
export function errorWords(code: ErrorCode, data: Record<string, unknown>, words: Messages): { title: string; action: string } {
  const { title, action } = words.errors[code]
  const { host, reason, trouble } = data
  const { certificate } = words.common
  if (code !== 'network/certificate' || typeof host !== 'string' || typeof reason !== 'string') return { title, action }
  const kind = trouble === 'issuer' || trouble === 'date' || trouble === 'name' ? trouble : 'other'
  return { title, action: certificate[kind]({ host, reason }) }
}
