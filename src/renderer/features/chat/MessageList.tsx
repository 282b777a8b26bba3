import { ArrowDown, ArrowUp } from 'lucide-react'
import { useEffect, useLayoutEffect, useRef, useState } from 'react'
import { runCommand } from '../../lib/commands'
import { useMessages } from '../../lib/i18n'
import { useCurrentModel } from '../../lib/models'
import { useStickToBottom } from '../../lib/stickToBottom'
import { Button } from '../../ui'
import { type MessageActions, MessageView } from './MessageView'
import { SystemLine } from './SystemLine'
import type { Chat } from './useChat'

const lineHeight = 22

interface ListProps {
  chat: Chat
  editingId: string | null
  setEditingId: (id: string | null) => void
  /** How many messages at the beginning are not drawn, and how to draw more of them. */
  hidden: number
  onReveal: () => void
}

/** Streaming never moves what is being read: it sticks to the end only while the reader is there. */
export function MessageList({ chat, editingId, setEditingId, hidden, onReveal }: ListProps) {
  const { chat: words } = useMessages()
  const { model } = useCurrentModel()
  const { scrollRef, contentRef, element, isAtBottom, scrollToBottom } = useStickToBottom()
  const newLines = useNewLines(isAtBottom, () => ({ height: element()?.scrollHeight ?? 0, hidden }))
  const { edit, again, carryOn, step } = chat
  const keepFocus = useBranchFocus(element, chat, hidden)
  const actions = useStable<MessageActions>({
    edit: async (message, changed) => {
      const done = await edit(message, changed)
      // Refused: what was typed stays in the editor, and the reason stands above the composer.
      if (!done) return false
      setEditingId(null)
      runCommand('focus-composer')
      return true
    },
    again,
    carryOn,
    step: (message, by) => {
      keepFocus(message.id, by)
      step(message, by)
    },
    startEdit: (id) => {
      setEditingId(id)
      if (id === null) runCommand('focus-composer')
    },
  })
  const keepPlace = useSteadyPlace(element)
  return (
    <div className="msgs-frame">
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls must be reachable by keyboard */}
      <div className="msgs" ref={scrollRef} tabIndex={0} role="log" aria-label={words.messages} aria-live="off">
        <div ref={contentRef}>
          <SystemLine system={chat.system} preset={model?.recommendedSystem ?? null} onChange={chat.setSystem} />
          {hidden > 0 && (
            <Button
              className="earlier"
              kind="quiet"
              size="s"
              onClick={() => {
                keepPlace()
                onReveal()
              }}
            >
              <ArrowUp className="i xs" aria-hidden="true" />
              {words.earlier({ count: hidden })}
            </Button>
          )}
          {chat.branch.slice(hidden).map((message, place, shown) => (
            <MessageView
              key={message.id}
              message={message}
              {...chat.versions(message)}
              last={place === shown.length - 1}
              editing={editingId === message.id}
              busy={chat.streaming !== null}
              stream={chat.settings.stream}
              actions={actions}
            />
          ))}
        </div>
      </div>
      {!isAtBottom && (
        <Button className="to-end" size="s" title={words.toEnd} onClick={scrollToBottom}>
          <ArrowDown className="i xs" aria-hidden="true" />
          {words.newLines({ count: newLines })}
        </Button>
      )}
    </div>
  )
}

/** Another version is another element: whoever steps by keyboard goes on where the finger is. */
function useBranchFocus(element: () => HTMLElement | null, { branch }: Chat, hidden: number): (id: string, by: -1 | 1) => void {
  const left = useRef<{ id: string; at: number; by: -1 | 1 } | null>(null)
  const find = useRef(element)
  useEffect(() => {
    const { current } = left
    if (current === null || branch[current.at]?.id === current.id) return
    left.current = null
    const article = find.current()?.querySelectorAll('article')[current.at - hidden]
    const [previous, next] = article?.querySelectorAll<HTMLButtonElement>('.branch button') ?? []
    const [wanted, other] = current.by < 0 ? [previous, next] : [next, previous]
    if (wanted?.disabled === false) wanted.focus()
    else other?.focus()
  }, [branch, hidden])
  return (id, by) => {
    const at = branch.findIndex((message) => message.id === id)
    left.current = document.activeElement?.closest('.branch') === null ? null : { id, at, by }
  }
}

/** What is being read stays where it is when older messages are drawn above it; at the very top the browser does not see to that. */
function useSteadyPlace(element: () => HTMLElement | null): () => void {
  const before = useRef<number | null>(null)
  const find = useRef(element)
  useLayoutEffect(() => {
    const list = find.current()
    if (list !== null && before.current !== null && list.scrollTop < 1) list.scrollTo({ top: list.scrollHeight - before.current })
    before.current = null
  })
  return () => {
    before.current = find.current()?.scrollHeight ?? null
  }
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
function useNewLines(atBottom: boolean, look: () => { height: number; hidden: number }): number {
  const [lines, setLines] = useState(0)
  const measure = useRef(look)
  useEffect(() => {
    measure.current = look
  })
  useEffect(() => {
    setLines(0)
    if (atBottom) return
    let left = measure.current()
    const timer = setInterval(() => {
      const now = measure.current()
      // older messages that were drawn above are not new
      if (now.hidden !== left.hidden) left = now
      setLines(Math.max(0, Math.round((now.height - left.height) / lineHeight)))
    }, 250)
    return () => clearInterval(timer)
  }, [atBottom])
  return lines
}
