import { ArrowDown } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'
import { useStickToBottom } from 'use-stick-to-bottom'
import { useMessages } from '../../lib/i18n'
import { useCurrentModel } from '../../lib/models'
import { Button } from '../../ui'
import { type MessageActions, MessageView } from './MessageView'
import { SystemLine } from './SystemLine'
import type { Chat } from './useChat'

const lineHeight = 22

interface ListProps {
  chat: Chat
  editingId: string | null
  setEditingId: (id: string | null) => void
}

/** Streaming never moves what is being read: it sticks to the end only while the reader is there. */
export function MessageList({ chat, editingId, setEditingId }: ListProps) {
  const { chat: words } = useMessages()
  const { model } = useCurrentModel()
  const { scrollRef, contentRef, isAtBottom, scrollToBottom } = useStickToBottom({ initial: 'instant', resize: 'instant' })
  const newLines = useNewLines(isAtBottom, () => scrollRef.current?.scrollHeight ?? 0)
  const { edit, again, carryOn, step } = chat
  const actions = useStable<MessageActions>({
    edit: (message, text, answer) => {
      setEditingId(null)
      edit(message, text, answer)
    },
    again,
    carryOn,
    step,
    startEdit: setEditingId,
  })
  return (
    <div className="msgs-frame">
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls must be reachable by keyboard */}
      <div className="msgs" ref={scrollRef} tabIndex={0} role="log" aria-label={words.messages} aria-live="off">
        <div ref={contentRef}>
          <SystemLine system={chat.system} preset={model?.recommendedSystem ?? null} onChange={chat.setSystem} />
          {chat.branch.map((message, place) => (
            <MessageView
              key={message.id}
              message={message}
              {...chat.versions(message)}
              last={place === chat.branch.length - 1}
              editing={editingId === message.id}
              busy={chat.streaming !== null}
              stream={chat.settings.stream}
              actions={actions}
            />
          ))}
        </div>
      </div>
      {!isAtBottom && (
        <Button className="to-end" size="s" title={words.toEnd} onClick={() => void scrollToBottom()}>
          <ArrowDown className="i xs" aria-hidden="true" />
          {words.newLines({ count: newLines })}
        </Button>
      )}
    </div>
  )
}

/** The same object for ever, calling the newest functions: memoised messages are not drawn again for it. */
function useStable<T extends object>(current: T): T {
  const latest = useRef(current)
  useEffect(() => {
    latest.current = current
  })
  const [stable] = useState(() => {
    const entries = Object.keys(current).map((key) => [
      key,
      (...args: unknown[]) => (latest.current[key as keyof T] as (...args: unknown[]) => unknown)(...args),
    ])
    return Object.fromEntries(entries) as T
  })
  return stable
}

/** Lines that came below since the reader left the end. */
function useNewLines(atBottom: boolean, height: () => number): number {
  const [lines, setLines] = useState(0)
  const measure = useRef(height)
  useEffect(() => {
    measure.current = height
  })
  useEffect(() => {
    setLines(0)
    if (atBottom) return
    const left = measure.current()
    const timer = setInterval(() => setLines(Math.max(0, Math.round((measure.current() - left) / lineHeight))), 250)
    return () => clearInterval(timer)
  }, [atBottom])
  return lines
}
