import { useCallback, useState } from 'react'
import { keepDraft, readDraft } from './drafts'

export function useDraft(id: string | null): [text: string, setText: (text: string) => void] {
  const [text, show] = useState(() => readDraft(localStorage, id))
  const setText = useCallback(
    (next: string) => {
      show(next)
      keepDraft(localStorage, id, next)
    },
    [id],
  )
  return [text, setText]
}
