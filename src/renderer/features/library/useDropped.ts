import { useEffect, useRef, useState } from 'react'
import { client } from '../../lib/client'
import { useTellAdded } from './useTellAdded'

/** Preload sends the paths of a real drop to main and this page only a ticket; what is behind it never comes here. */
export function useDropped(): { over: boolean } {
  const tell = useTellAdded()
  const latest = useRef(tell)
  const [over, setOver] = useState(false)
  useEffect(() => {
    latest.current = tell
  })
  useEffect(() => {
    const onMessage = (event: MessageEvent) => {
      if (event.source !== window || event.origin !== location.origin) return
      const { type, ticket } = (event.data ?? {}) as { type?: unknown; ticket?: unknown }
      if (type !== 'snug:dropped' || typeof ticket !== 'string') return
      client.library
        .takeDropped({ ticket })
        .then((result) => latest.current(result))
        // The files were refused as a whole; there is nothing to take back.
        .catch(() => latest.current({ added: [] }))
    }
    const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') === true
    const onOver = (event: DragEvent) => {
      if (hasFiles(event)) setOver(true)
    }
    const onLeave = (event: DragEvent) => {
      if (event.relatedTarget === null) setOver(false)
    }
    // Not with the ticket: a drop that preload does not trust brings none.
    const onDrop = () => setOver(false)
    window.addEventListener('message', onMessage)
    window.addEventListener('drop', onDrop, true)
    window.addEventListener('dragover', onOver)
    window.addEventListener('dragleave', onLeave)
    return () => {
      window.removeEventListener('message', onMessage)
      window.removeEventListener('drop', onDrop, true)
      window.removeEventListener('dragover', onOver)
      window.removeEventListener('dragleave', onLeave)
    }
  }, [])
  return { over }
}
