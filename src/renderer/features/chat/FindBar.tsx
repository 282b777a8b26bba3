import type { Message } from '@shared/domain/chat'
import { ChevronDown, ChevronUp, Search, X } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'
import { useCommand } from '../../lib/commands'
import { useMessages } from '../../lib/i18n'
import { IconButton } from '../../ui'
import { findText } from './findText'

const every = 'find'
const current = 'find-current'

/** Finds in what is shown. Matches are painted by the browser, so nothing of the messages is changed for it. */
export function FindBar({ branch }: { branch: readonly Message[] }) {
  const { chat, common } = useMessages()
  const [open, setOpen] = useState(false)
  const [text, setText] = useState('')
  const [at, setAt] = useState(0)
  const [matches, setMatches] = useState<readonly Range[]>([])
  const field = useRef<HTMLInputElement>(null)
  useCommand('find', () => {
    setOpen(true)
    requestAnimationFrame(() => field.current?.select())
  })
  useEffect(() => {
    const root = branch.length === 0 ? null : document.querySelector('.msgs')
    const found = open && root !== null ? findText(root, text) : []
    setMatches(found)
    setAt(0)
    CSS.highlights.set(every, new Highlight(...found))
    return () => {
      CSS.highlights.delete(every)
      CSS.highlights.delete(current)
    }
  }, [open, text, branch])
  const shown = matches[at]
  useEffect(() => {
    if (shown === undefined) return
    CSS.highlights.set(current, new Highlight(shown))
    shown.startContainer.parentElement?.scrollIntoView({ block: 'center' })
  }, [shown])
  if (!open) return null
  const step = (by: number) => setAt((before) => (matches.length === 0 ? 0 : (before + by + matches.length) % matches.length))
  return (
    <div className="find" role="search" aria-label={chat.find}>
      <label className="input">
        <Search className="i s" aria-hidden="true" />
        <input
          ref={field}
          type="text"
          aria-label={chat.find}
          value={text}
          onChange={(event) => setText(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === 'Enter') step(event.shiftKey ? -1 : 1)
            else if (event.key === 'Escape') {
              event.stopPropagation()
              setOpen(false)
            }
          }}
        />
        <span className="t3 f11 nw" role="status">
          {text.trim() !== '' && chat.findCount({ at: at + 1, total: matches.length })}
        </span>
      </label>
      <IconButton small label={chat.findPrevious} onClick={() => step(-1)}>
        <ChevronUp className="i s" aria-hidden="true" />
      </IconButton>
      <IconButton small label={chat.findNext} onClick={() => step(1)}>
        <ChevronDown className="i s" aria-hidden="true" />
      </IconButton>
      <IconButton small label={common.close} onClick={() => setOpen(false)}>
        <X className="i s" aria-hidden="true" />
      </IconButton>
    </div>
  )
}
