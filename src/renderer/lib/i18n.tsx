import type { Language } from '@shared/domain/settings'
import { type Messages, languageOf, messages } from '@shared/i18n'
import { type ReactNode, createContext, useContext, useEffect, useMemo } from 'react'
import { settingsLive, useLive } from './live'
import { useAppInfo } from './queries'

interface Words {
  language: Language
  m: Messages
}

const Context = createContext<Words>({ language: 'en', m: messages('en') })

/** The setting wins, then what main found, then the browser's own; switching needs no restart. */
export function LanguageProvider({ children }: { children: ReactNode }) {
  const settings = useLive(settingsLive)
  const info = useAppInfo()
  const language = settings?.language ?? info.data?.language ?? languageOf(navigator.language)
  useEffect(() => {
    document.documentElement.lang = language
  }, [language])
  const value = useMemo(() => ({ language, m: messages(language) }), [language])
  return <Context value={value}>{children}</Context>
}

export function useMessages(): Messages {
  return useContext(Context).m
}

export function useLanguage(): Language {
  return useContext(Context).language
}
