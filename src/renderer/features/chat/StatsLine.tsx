import type { Message } from '@shared/domain/chat'
import { count, seconds, speed } from '../../lib/format'
import { useMessages } from '../../lib/i18n'

/** What a reply cost: one number each, because they were measured. */
export function StatsLine({ message }: { message: Message }) {
  const { chat, common } = useMessages()
  const { stats } = message
  if (stats === null) return null
  const parts = [
    stats.evalTokens > 1 && stats.evalTokensPerSecond > 0 ? `${speed(stats.evalTokensPerSecond)} ${common.tokensPerSecond}` : null,
    chat.firstToken({ seconds: seconds(stats.ttftMs) }),
    chat.tokens({ count: count(stats.evalTokens) }),
    stats.stopReason === 'context-full' ? chat.endedByContext : stats.stopReason === 'max-tokens' ? chat.endedByLimit : null,
    stats.droppedMessages ? chat.dropped({ count: stats.droppedMessages }) : null,
  ].filter((part) => part !== null)
  return (
    <span
      className="stats-text sel"
      data-testid="reply-stats"
      title={`${count(stats.promptTokens)} + ${count(stats.evalTokens)} · ${chat.cached({ count: count(stats.cachedTokens) })}`}
    >
      {parts.join(' · ')}
    </span>
  )
}
