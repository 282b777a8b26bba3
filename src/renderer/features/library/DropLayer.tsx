import { FileDown } from 'lucide-react'
import { useMessages } from '../../lib/i18n'
import { useDropped } from './useDropped'

/** A GGUF can be dropped on any page. */
export function DropLayer() {
  const { library } = useMessages()
  const { over } = useDropped()
  if (!over) return null
  return (
    <div className="drop-layer" role="status">
      <FileDown aria-hidden="true" />
      {library.dropNow}
    </div>
  )
}
