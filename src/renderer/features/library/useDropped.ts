import { useEffect, useRef, useState } from 'react'
import { client } from '../../lib/client'
import { isErrorCode } from '../../lib/errors'
import { useMessages } from '../../lib/i18n'
import { toast } from '../../ui'

/** Preload sends the paths of a real drop to main and this page only a ticket; what is behind it never comes here. */
export function useDropped(): { over: boolean } {
  const messages = useMessages()
  const words = useRef(messages)
  const [over, setOver] = useState(false)
  useEffect(() => {
    words.current = messages
  }, [messages])
  useEffect(() => {
    const onMessage = (event: MessageEvent) => {
      if (event.source !== window || event.origin !== location.origin) return
      const { type, ticket } = (event.data ?? {}) as { type?: unknown; ticket?: unknown }
      if (type !== 'snug:dropped' || typeof ticket !== 'string') return
      setOver(false)
      client.library
        .takeDropped({ ticket })
        .then(({ added, refused }) => {
          if (added.length > 0) toast(words.current.library.added({ count: added.length }))
          else if (refused.length === 0) toast(words.current.library.nothingAdded)
          for (const { fileName, code } of refused.slice(0, 2)) {
            const reason = words.current.errors[isErrorCode(code) ? code : 'internal/bug'].title
            toast(words.current.library.refused({ name: fileName, reason }))
          }
        })
        // The files were refused as a whole; there is nothing to take back.
        .catch(() => toast(words.current.library.nothingAdded))
    }
    const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') === true
    const onOver = (event: DragEvent) => {
      if (hasFiles(event)) setOver(true)
    }
    const onLeave = (event: DragEvent) => {
      if (event.relatedTarget === null) setOver(false)
    }
    window.addEventListener('message', onMessage)
    window.addEventListener('dragover', onOver)
    window.addEventListener('dragleave', onLeave)
    return () => {
      window.removeEventListener('message', onMessage)
      window.removeEventListener('dragover', onOver)
      window.removeEventListener('dragleave', onLeave)
    }
  }, [])
  return { over }
}
