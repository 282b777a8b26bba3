import { useEffect, useRef, useState } from 'react'
import { client } from '../../lib/client'
import { useMessages } from '../../lib/i18n'
import { toast } from '../../ui'

/** Preload sends the paths of a real drop to main and this page only a ticket; what is behind it never comes here. */
export function useDropped(): { over: boolean } {
  const { library } = useMessages()
  const words = useRef(library)
  const [over, setOver] = useState(false)
  useEffect(() => {
    words.current = library
  }, [library])
  useEffect(() => {
    const onMessage = (event: MessageEvent) => {
      if (event.source !== window || event.origin !== location.origin) return
      const { type, ticket } = (event.data ?? {}) as { type?: unknown; ticket?: unknown }
      if (type !== 'snug:dropped' || typeof ticket !== 'string') return
      setOver(false)
      client.library
        .takeDropped({ ticket })
        .then(({ added, refused }) => {
          if (added.length > 0) toast(words.current.added({ count: added.length }))
          else if (refused.length === 0) toast(words.current.nothingAdded)
          for (const { fileName } of refused.slice(0, 2)) toast(words.current.refused({ name: fileName }))
        })
        // The files were refused as a whole; there is nothing to take back.
        .catch(() => toast(words.current.nothingAdded))
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
