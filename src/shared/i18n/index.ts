import type { Language } from '../domain/settings'
import { en } from './en'
import { zhCN } from './zhCN'

/** Every text of the app, error words included. Values are strings or functions of their parameters, so a missing word or parameter does not compile. */
export type Messages = typeof en

const catalogues: Record<Language, Messages> = { en, 'zh-CN': zhCN }

export function messages(language: Language): Messages {
  return catalogues[language]
}

/** The nearest language Snug has for a locale such as `zh_CN.UTF-8`, `zh-Hant` or `de-DE`. */
export function languageOf(locale: string | undefined): Language {
  return locale?.toLowerCase().startsWith('zh') ? 'zh-CN' : 'en'
}
