import { type ErrorValue, SnugError } from '@shared/errors'
import { type Messages, messages } from '@shared/i18n'
import { errorWords } from '@shared/i18n/errorWords'

type UsageReason = keyof Messages['cli']['usage']

/** What a sentence about wrong usage may name. */
export interface UsageFacts {
  path?: string
  name?: string
  reason?: string
}

/** Wrong usage: exit code 2. The words are chosen by `usage` in the language of the terminal; the message is English, for logs. */
export function usageError(usage: UsageReason, facts: UsageFacts = {}, cause?: unknown): SnugError {
  return new SnugError('usage/invalid', messages('en').cli.usage[usage](facts), { exit: 'usage', usage, ...facts }, { cause })
}

function isUsage(value: unknown, words: Messages): value is UsageReason {
  return typeof value === 'string' && Object.hasOwn(words.cli.usage, value)
}

function hasOwnWords(code: string, words: Messages): code is keyof Messages['cli']['instead'] {
  return Object.hasOwn(words.cli.instead, code)
}

/** In order: what tells a person most about which thing it was. */
const naming = ['path', 'page', 'address', 'repository', 'file', 'name', 'host', 'id', 'simulate'] as const

/** What it was about: a path, a repository, a host. */
function subject(data: Record<string, unknown>): string | null {
  for (const key of naming) {
    const value = data[key]
    if (typeof value === 'string' && value !== '') return value
  }
  return null
}

/** One plain sentence: what happened, to what, and what to do. Messages of errors are English; a Chinese sentence goes without them. */
export function failureText({ code, message, data = {} }: ErrorValue, words: Messages, language: 'en' | 'zh-CN'): string {
  const { title, action } = { ...errorWords(code, data, words), ...(hasOwnWords(code, words) ? words.cli.instead[code] : {}) }
  if (isUsage(data.usage, words)) return words.cli.failed({ title, action: '', detail: words.cli.usage[data.usage](data) })
  const about = subject(data)
  const named = about === null || message.includes(about) ? message : words.cli.about({ message, about })
  const has = Array.isArray(data.has) && data.has.length > 0 ? words.cli.has({ list: data.has.join(', ') }) : ''
  // The template's own words, whatever their language.
  const said = code === 'template/failed' && typeof data.reason === 'string' ? data.reason : ''
  return words.cli.failed({ title, action, detail: detail() })

  function detail(): string {
    if (code === 'catalog/refused') return String(data.address)
    if (code === 'hub/gated' && typeof data.page === 'string') return data.page
    // What to do names host and reason already.
    if (code === 'network/certificate' && action.includes(String(data.host))) return ''
    return language === 'en' ? named : `${about ?? said}${has}`
  }
}
