import { useEffect } from 'react'
import { settingsLive, useLive } from './live'

/** tokens.css follows the system by itself; the attribute wins over it. */
export function useTheme(): void {
  const theme = useLive(settingsLive)?.theme ?? 'system'
  useEffect(() => {
    const root = document.documentElement
    if (theme === 'system') delete root.dataset.theme
    else root.dataset.theme = theme
  }, [theme])
}
