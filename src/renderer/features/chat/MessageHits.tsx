import { keepPreviousData, useQuery } from '@tanstack/react-query'
import type { ConversationSummary } from '@shared/domain/chat'
import { Link } from 'wouter'
import { client } from '../../lib/client'
import { useMessages } from '../../lib/i18n'
import { ErrorNotice } from '../../ui'
import { showMessage } from './shownMessage'

/** Messages with the words, below the chats with that title. `chats`: what ends, comes or is deleted is looked for again. */
export function MessageHits({ query, chats, titles }: { query: string; chats: readonly ConversationSummary[]; titles: number }) {
  const { common, chat } = useMessages()
  const newest = chats.reduce((latest, { updatedAt }) => Math.max(latest, updatedAt), 0)
  const { data, error } = useQuery({
    queryKey: ['chat.search', query, newest, chats.length],
    queryFn: () => client.chat.search({ query: query.slice(0, 200) }),
    placeholderData: keepPreviousData,
    gcTime: 0,
  })
  if (error !== null) return <ErrorNotice error={error} />
  if (data === undefined) return null
  if (data.hits.length === 0) return titles > 0 ? null : <p className="hint">{common.noChatFound}</p>
  return (
    <div>
      <h3>{common.inMessages}</h3>
      {data.hits.map(({ conversationId, messageId, title, role, snippet }) => (
        <div className="hit-row" key={messageId}>
          <Link href={`/chat/${conversationId}`} data-testid="message-hit" onClick={() => showMessage({ conversationId, messageId })}>
            <span className="ell">{title || common.newChat}</span>
            <span className="snippet">
              {role === 'user' && `${chat.you}: `}
              {/* Parts of one text: their place is their identity. */}
              {snippet.map(({ text, hit }, place) => (hit ? <mark key={`hit-${place}`}>{text}</mark> : text))}
            </span>
          </Link>
        </div>
      ))}
      {data.more && <p className="hint">{common.moreHits}</p>}
    </div>
  )
}
