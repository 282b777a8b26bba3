import { useEffect, useRef, useSyncExternalStore } from 'react'
import type { Chat } from './useChat'

interface Place {
  conversationId: string
  messageId: string
}

let wanted: Place | null = null
const listeners = new Set<() => void>()

function want(place: Place | null): void {
  wanted = place
  for (const listener of listeners) listener()
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/** The page of its chat, open or about to be, goes there. */
export function showMessage(place: Place): void {
  want(place)
}

/** To a message that was asked for: onto its branch, drawn, in the middle of what is seen, with the keyboard there. */
export function useShownMessage(chat: Chat, hidden: number, reveal: (from: number) => void): void {
  const place = useSyncExternalStore(subscribe, () => wanted)
  const asked = useRef<Place | null>(null)
  useEffect(() => {
    const { conversation, branch } = chat
    if (place === null || conversation === null || conversation.id !== place.conversationId) return
    const at = branch.findIndex(({ id }) => id === place.messageId)
    if (at >= 0 && at < hidden) return reveal(at)
    if (at >= 0) {
      want(null)
      // A list that was just drawn first goes to its end.
      requestAnimationFrame(() => requestAnimationFrame(() => bringIntoSight(place.messageId)))
      return
    }
    if (asked.current === place) return
    asked.current = place
    if (conversation.messages.some(({ id }) => id === place.messageId)) chat.show(place.messageId)
    // Gone with a chat that was changed meanwhile.
    else want(null)
  })
}

function bringIntoSight(messageId: string): void {
  const article = document.querySelector<HTMLElement>(`article[data-message="${CSS.escape(messageId)}"]`)
  if (article === null) return
  article.scrollIntoView({ block: 'center' })
  article.focus({ preventScroll: true })
  article.animate({ backgroundColor: ['var(--bg-selected)', 'transparent'] }, 1_500)
}
