import type { ConversationSummary } from '@shared/domain/chat'
import { MoreHorizontal, Pencil, Trash2 } from 'lucide-react'
import { useEffect, useState } from 'react'
import { Link, useLocation } from 'wouter'
import { type DayGroup, groupByDay } from '../../lib/days'
import { timeOfDay } from '../../lib/format'
import { useLanguage, useMessages } from '../../lib/i18n'
import { conversationsLive, useLive } from '../../lib/live'
import { IconButton, Menu } from '../../ui'
import { MessageHits } from './MessageHits'
import { RenameField } from './RenameField'
import { useDeleteChat } from './useDeleteChat'

/** Chats by day; a search shows those with that title, then messages. */
export function ChatList({ search }: { search: string }) {
  const { common } = useMessages()
  const language = useLanguage()
  const all = useLive(conversationsLive)
  const query = search.trim()
  const wanted = query.toLocaleLowerCase()
  const rows = (all ?? []).filter(({ title }) => wanted === '' || title.toLocaleLowerCase().includes(wanted))
  const now = useMinute()
  const nameOf = (group: DayGroup): string => {
    switch (group.kind) {
      case 'today':
        return common.today
      case 'yesterday':
        return common.yesterday
      case 'week':
        return common.lastSevenDays
      case 'month': {
        const sameYear = group.year === new Date(now).getFullYear()
        return new Intl.DateTimeFormat(language, { month: 'long', ...(sameYear ? {} : { year: 'numeric' }) }).format(
          new Date(group.year, group.month),
        )
      }
    }
  }
  return (
    <nav className="chats" aria-label={common.chats}>
      {all?.length === 0 && wanted === '' && <p className="hint">{common.noChatsYet}</p>}
      {groupByDay(rows, now).map(({ key, group, rows: chats }) => (
        <div key={key}>
          <h3>{nameOf(group)}</h3>
          {chats.map((chat) => (
            <ChatRow key={chat.id} chat={chat} when={whenOf(chat.updatedAt, group, language)} />
          ))}
        </div>
      ))}
      {all !== undefined && wanted !== '' && <MessageHits query={query} chats={all} titles={rows.length} />}
    </nav>
  )
}

/** The time, a minute exact: at midnight the groups move. */
function useMinute(): number {
  const [now, setNow] = useState(() => Date.now())
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 60_000)
    return () => clearInterval(timer)
  }, [])
  return now
}

function whenOf(at: number, group: DayGroup, language: 'en' | 'zh-CN'): string {
  if (group.kind === 'today' || group.kind === 'yesterday') return timeOfDay(at, language)
  return new Intl.DateTimeFormat(language, group.kind === 'week' ? { weekday: 'short' } : { day: 'numeric' }).format(at)
}

function ChatRow({ chat, when }: { chat: ConversationSummary; when: string }) {
  const { common, chat: words } = useMessages()
  const [location, go] = useLocation()
  const [renaming, setRenaming] = useState(false)
  const remove = useDeleteChat()
  const href = `/chat/${chat.id}`
  const title = chat.title || common.newChat
  if (renaming) {
    return (
      <div className="chat-row">
        <RenameField id={chat.id} title={title} onDone={() => setRenaming(false)} />
      </div>
    )
  }
  return (
    <div className="chat-row">
      <Link href={href} aria-current={location === href ? 'page' : undefined} title={title} onDoubleClick={() => setRenaming(true)}>
        <span className="ell">{title}</span>
        <time dateTime={new Date(chat.updatedAt).toISOString()}>{when}</time>
      </Link>
      <Menu
        trigger={
          <IconButton small label={`${words.chatMenu}: ${title}`}>
            <MoreHorizontal className="i s" aria-hidden="true" />
          </IconButton>
        }
        entries={[
          { id: 'rename', label: common.rename, icon: <Pencil className="i s" aria-hidden="true" />, run: () => setRenaming(true) },
          {
            id: 'delete',
            label: common.delete,
            icon: <Trash2 className="i s" aria-hidden="true" />,
            danger: true,
            run: () => {
              void remove({ id: chat.id, title })
              if (location === href) go('/chat')
            },
          },
        ]}
      />
    </div>
  )
}
