import { useEffect, useState, useSyncExternalStore } from 'react'
import { useLocation } from 'wouter'
import { useCommand } from '../lib/commands'

/** Below this width (CSS pixels: a small window, or a zoomed one) the sidebar lies over the page and is closed until asked for. */
const narrowWindow = '(max-width: 840px)'

function useNarrow(): boolean {
  return useSyncExternalStore(
    (changed) => {
      const query = matchMedia(narrowWindow)
      query.addEventListener('change', changed)
      return () => query.removeEventListener('change', changed)
    },
    () => matchMedia(narrowWindow).matches,
  )
}

export function useSidebar() {
  const [location] = useLocation()
  const narrow = useNarrow()
  // The wish holds for this width, and over a page only until another page is chosen.
  const [wish, setWish] = useState<{ open: boolean; for: string } | null>(null)
  const now = narrow ? `narrow ${location}` : 'wide'
  const open = wish?.for === now ? wish.open : !narrow
  const show = (wanted: boolean) => setWish({ open: wanted, for: now })
  useCommand('toggle-sidebar', () => show(!open))
  useCommand('focus-search', () => open || show(true))
  const floats = narrow && open
  useEffect(() => {
    if (!floats) return
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.key === 'Escape') setWish(null)
    }
    window.addEventListener('keydown', onKeyDown)
    return () => window.removeEventListener('keydown', onKeyDown)
  }, [floats])
  return { open, floats, show }
}
