import { languageOf, messages } from '@shared/i18n'

export function systemLocale(env: NodeJS.ProcessEnv = process.env): string | undefined {
  return env.LC_ALL || env.LC_MESSAGES || env.LANG
}

/** The language of the terminal, as it is when a command begins. */
export const language = languageOf(systemLocale())
export const words = messages(language)
export const { help } = words.cli
