import { useCallback, useEffect, useRef, useState } from 'react'
import { client } from '../../lib/client'

/** A long text is not sent at each key but after so many milliseconds; its first change is sent at once. */
const saveMs = 200
const longText = 20_000

/** What stands in the composer, kept by main: over a reload, a crash of the page and the end of the app. */
export function useDraft(id: string | null): [text: string, setText: (text: string) => void] {
  const [text, show] = useState('')
  const touched = useRef(false)
  const waiting = useRef<{ text: string; timer: ReturnType<typeof setTimeout> } | null>(null)

  const savedAt = useRef(0)

  const save = useCallback(() => {
    const { current } = waiting
    if (current === null) return
    clearTimeout(current.timer)
    waiting.current = null
    savedAt.current = performance.now()
    // A draft that cannot be kept still stands in the composer.
    void client.chat.keepDraft({ id, text: current.text }).catch(() => undefined)
  }, [id])

  useEffect(() => {
    let gone = false
    void client.chat.draft({ id }).then(
      (draft) => {
        if (!gone && !touched.current) show(draft.text)
      },
      // No draft then.
      () => undefined,
    )
    window.addEventListener('pagehide', save)
    return () => {
      gone = true
      window.removeEventListener('pagehide', save)
      save()
    }
  }, [id, save])

  const setText = useCallback(
    (next: string) => {
      touched.current = true
      show(next)
      if (waiting.current !== null) clearTimeout(waiting.current.timer)
      waiting.current = { text: next, timer: setTimeout(save, saveMs) }
      // Main writes it to the disk when it is time; from here on the end of the app loses nothing.
      if (next.length < longText || performance.now() - savedAt.current > saveMs) save()
    },
    [save],
  )
  return [text, setText]
}
