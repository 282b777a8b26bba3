import type { Message } from '@shared/domain/chat'
import { ChevronDown, ChevronUp, X } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'
import { useCommand } from '../../lib/commands'
import { useMessages } from '../../lib/i18n'
import { IconButton, SearchInput } from '../../ui'
import { textOf } from './branch'
import { findText } from './findText'

const every = 'find'
const current = 'find-current'

interface FindProps {
  branch: readonly Message[]
  /** Messages at the beginning that are not drawn; those with the text are drawn when they are wanted. */
  hidden: number
  onReveal: (from: number) => void
}

/** Finds in what is shown. Matches are painted by the browser, so nothing of the messages is changed for it. */
export function FindBar({ branch, hidden, onReveal }: FindProps) {
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
    const earlier = open && found.length === 0 ? hiddenMatch(branch, hidden, text) : -1
    if (earlier >= 0) onReveal(earlier)
    CSS.highlights.set(every, new Highlight(...found))
    return () => {
      CSS.highlights.delete(every)
      CSS.highlights.delete(current)
    }
  }, [open, text, branch, hidden, onReveal])
  const shown = matches[at]
  useEffect(() => {
    if (shown === undefined) return
    CSS.highlights.set(current, new Highlight(shown))
    shown.startContainer.parentElement?.scrollIntoView({ block: 'center' })
  }, [shown])
  if (!open) return null
  const step = (by: number) => {
    const earlier = by < 0 && at === 0 ? hiddenMatch(branch, hidden, text) : -1
    if (earlier >= 0) onReveal(earlier)
    else setAt((before) => (matches.length === 0 ? 0 : (before + by + matches.length) % matches.length))
  }
  return (
    <div className="find" role="search" aria-label={chat.find}>
      <SearchInput
        ref={field}
        type="text"
        label={chat.find}
        value={text}
        onText={setText}
        onKeyDown={(event) => {
          if (event.key === 'Enter') step(event.shiftKey ? -1 : 1)
          else if (event.key === 'Escape') {
            event.stopPropagation()
            setOpen(false)
          }
        }}
      >
        <span className="t3 f11 nw" role="status">
          {text.trim() !== '' && chat.findCount({ at: at + 1, total: matches.length })}
        </span>
      </SearchInput>
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

/** The newest message before the drawn ones that has the text. */
function hiddenMatch(branch: readonly Message[], hidden: number, text: string): number {
  const wanted = text.trim().toLowerCase()
  if (wanted === '') return -1
  for (let index = hidden - 1; index >= 0; index--) {
    const message = branch[index]
    if (message !== undefined && textOf(message).toLowerCase().includes(wanted)) return index
  }
  return -1
}
