import type { Segment } from '@shared/domain/chat'
import { ChevronRight, Lightbulb } from 'lucide-react'
import { useEffect, useState } from 'react'
import { count, seconds } from '../../lib/format'
import { useMessages } from '../../lib/i18n'

/** Open while it is thought, folded when the answer begins, unless the reader touched it. */
export function ThoughtBlock({ segment, thinking }: { segment: Segment; thinking: boolean }) {
  const { chat } = useMessages()
  const [touched, setTouched] = useState<boolean | null>(null)
  const [startedAt] = useState(() => Date.now())
  const [now, setNow] = useState(startedAt)
  const open = touched ?? thinking
  useEffect(() => {
    if (!thinking) return
    const timer = setInterval(() => setNow(Date.now()), 1_000)
    return () => clearInterval(timer)
  }, [thinking])
  const watched = now - startedAt
  const spent = segment.ms > 0 ? segment.ms : watched
  const title = thinking
    ? chat.thinkingNow({ seconds: count(watched / 1000) })
    : spent > 0
      ? chat.thoughtFor({ seconds: seconds(spent) })
      : chat.thought
  return (
    <div className="thought">
      <button type="button" className="thought-head" aria-expanded={open} onClick={() => setTouched(!open)}>
        <Lightbulb className="i s" aria-hidden="true" />
        {title}
        {segment.tokens > 0 && !thinking && ` · ${chat.tokens({ count: count(segment.tokens) })}`}
        <ChevronRight className="i xs chev" aria-hidden="true" />
      </button>
      {open && <div className="thought-text sel">{segment.text}</div>}
    </div>
  )
}
