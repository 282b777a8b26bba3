import { BookOpen, Compass, Cpu, MessageSquare, Ruler, Settings, SquarePen } from 'lucide-react'
import { useRef, useState } from 'react'
import { Link, useLocation } from 'wouter'
import { ChatList } from '../features/chat'
import { client } from '../lib/client'
import { runCommand, useCommand } from '../lib/commands'
import { useLanguage, useMessages } from '../lib/i18n'
import { type Page, isMac, keyLabel } from '../lib/keyboard'
import { downloadsLive, settingsLive, useLive } from '../lib/live'
import { Button, IconButton, SearchInput } from '../ui'
import { LiveBars } from './LiveBars'

const places: readonly { page: Page; Icon: typeof Compass }[] = [
  { page: 'chat', Icon: MessageSquare },
  { page: 'discover', Icon: Compass },
  { page: 'library', Icon: BookOpen },
  { page: 'planner', Icon: Ruler },
  { page: 'machine', Icon: Cpu },
]

export function Sidebar() {
  const { common } = useMessages()
  const language = useLanguage()
  const [location, go] = useLocation()
  const [search, setSearch] = useState('')
  const find = useRef<HTMLInputElement>(null)
  const downloads = useLive(downloadsLive) ?? []
  const offline = useLive(settingsLive)?.offline ?? false
  const running = downloads.filter(({ state }) => state === 'running' || state === 'queued' || state === 'verifying').length
  // A closed sidebar opens for it first.
  useCommand('focus-search', () => void requestAnimationFrame(() => find.current?.focus()))
  return (
    <aside className="side" aria-label={common.appName}>
      <div className="side-head">
        <Mark />
        <b>{common.appName}</b>
        <IconButton label={common.newChat} keys={keyLabel('Ctrl N', isMac)} onClick={() => runCommand('new-chat')}>
          <SquarePen className="i" aria-hidden="true" />
        </IconButton>
      </div>
      <nav className="nav" aria-label={common.places}>
        {places.map(({ page, Icon }) => (
          <Link key={page} href={`/${page}`} aria-current={location.startsWith(`/${page}`) ? 'page' : undefined}>
            <Icon className="i" aria-hidden="true" />
            {common[page]}
            {page === 'library' && running > 0 && <span className="count">{running} ↓</span>}
          </Link>
        ))}
      </nav>
      <div className="side-find">
        <SearchInput
          ref={find}
          look="soft"
          label={common.searchChats}
          placeholder={common.searchChats}
          value={search}
          onText={setSearch}
          onKeyDown={(event) => event.key === 'Escape' && setSearch('')}
        >
          <kbd aria-hidden="true">{keyLabel('Ctrl K', isMac)}</kbd>
        </SearchInput>
      </div>
      <ChatList search={search} />
      <div className="live">
        <LiveBars />
        <div className="foot">
          <Button
            kind="quiet"
            size="s"
            onClick={() => go('/settings')}
            aria-current={location.startsWith('/settings') ? 'page' : undefined}
          >
            <Settings className="i s" aria-hidden="true" />
            {common.settings}
          </Button>
          <span className="grow" />
          {offline && <span className="tag">{common.offline}</span>}
          <Button
            kind="quiet"
            size="s"
            lang={language === 'en' ? 'zh-CN' : 'en'}
            title={common.switchLanguageHint}
            onClick={() => void client.app.setSettings({ language: language === 'en' ? 'zh-CN' : 'en' })}
          >
            {common.switchLanguage}
          </Button>
        </div>
      </div>
    </aside>
  )
}

/** The sign: something that sits snugly in its vessel. */
export function Mark() {
  return (
    <svg className="mark" viewBox="0 0 18 18" aria-hidden="true">
      <path
        d="M2.25 3v9.25a3.5 3.5 0 0 0 3.5 3.5h6.5a3.5 3.5 0 0 0 3.5-3.5V3"
        fill="none"
        stroke="currentColor"
        strokeWidth="2"
        strokeLinecap="round"
      />
      <rect x="5.25" y="4.5" width="7.5" height="8.25" rx="1.75" fill="currentColor" />
    </svg>
  )
}
