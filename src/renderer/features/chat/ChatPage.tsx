import { MoreHorizontal, Pencil, ScanText, Trash2 } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'
import { useLocation } from 'wouter'
import { client } from '../../lib/client'
import { runCommand, useCommand } from '../../lib/commands'
import { useMessages } from '../../lib/i18n'
import { useCurrentModel } from '../../lib/models'
import { ErrorNotice, IconButton, Menu, Page, toast } from '../../ui'
import { siblings, textOf } from './branch'
import './chat.css'
import { Composer } from './Composer'
import { EmptyChat } from './EmptyChat'
import { FindBar } from './FindBar'
import { MessageList } from './MessageList'
import { PromptView } from './PromptView'
import { RenameField } from './RenameField'
import { useHidden } from './useHidden'
import { useShownMessage } from './shownMessage'
import { SpillNotice } from './SpillNotice'
import { SystemLine } from './SystemLine'
import { type Chat, useChat } from './useChat'
import { useDeleteChat } from './useDeleteChat'
import { useDraft } from './useDraft'

export function ChatPage({ id }: { id: string | null }) {
  const { common } = useMessages()
  const chat = useChat(id)
  const { model } = useCurrentModel()
  const [text, setText] = useDraft(id)
  const [editingId, setEditingId] = useState<string | null>(null)
  const [viewing, setViewing] = useState(false)
  const empty = chat.branch.length === 0
  const { hidden, reveal } = useHidden(chat.branch.length)
  useShownMessage(chat, hidden, reveal)
  useChatCommands(chat)
  const title = chat.conversation?.title || common.newChat
  return (
    <Page title={<Title id={id} title={title} onView={() => setViewing(true)} />} plain>
      {chat.problem !== null ? (
        <div className="page">
          <ErrorNotice error={chat.problem} />
        </div>
      ) : empty && (id === null || chat.conversation !== null) ? (
        <div className="msgs">
          <div>
            <SystemLine system={chat.system} preset={model?.recommendedSystem ?? null} onChange={chat.setSystem} />
          </div>
          <EmptyChat
            onSample={(sample) => {
              setText(sample)
              runCommand('focus-composer')
            }}
          />
        </div>
      ) : (
        <MessageList chat={chat} editingId={editingId} setEditingId={setEditingId} hidden={hidden} onReveal={() => reveal(hidden)} />
      )}
      <SpillNotice chat={chat} />
      <FindBar branch={chat.branch} hidden={hidden} onReveal={reveal} />
      <Composer
        chat={chat}
        text={text}
        setText={setText}
        onEditLast={() => setEditingId(chat.branch.findLast((message) => message.role === 'user')?.id ?? null)}
      />
      <Announcer chat={chat} />
      <PromptView id={id} open={viewing} onClose={() => setViewing(false)} />
    </Page>
  )
}

function Title({ id, title, onView }: { id: string | null; title: string; onView: () => void }) {
  const { chat, common } = useMessages()
  const [renaming, setRenaming] = useState(false)
  const [, go] = useLocation()
  const remove = useDeleteChat()
  if (id === null) return <h1 className="ell">{title}</h1>
  if (renaming) return <RenameField id={id} title={title} onDone={() => setRenaming(false)} />
  return (
    <>
      <h1 className="ell">{title}</h1>
      <Menu
        align="start"
        trigger={
          <IconButton label={chat.chatMenu}>
            <MoreHorizontal className="i" aria-hidden="true" />
          </IconButton>
        }
        entries={[
          { id: 'rename', label: common.rename, icon: <Pencil className="i s" aria-hidden="true" />, run: () => setRenaming(true) },
          { id: 'prompt', label: chat.promptView, icon: <ScanText className="i s" aria-hidden="true" />, run: onView },
          {
            id: 'delete',
            label: common.delete,
            icon: <Trash2 className="i s" aria-hidden="true" />,
            danger: true,
            run: () => {
              void remove({ id, title })
              go('/chat')
            },
          },
        ]}
      />
    </>
  )
}

/** A reply is read out once, when it is complete; letter by letter would be noise. */
function Announcer({ chat }: { chat: Chat }) {
  const { chat: words } = useMessages()
  const [said, setSaid] = useState('')
  const writing = useRef<string | null>(null)
  useEffect(() => {
    if (chat.streaming !== null) {
      writing.current = chat.streaming.id
      setSaid('')
      return
    }
    const ended = chat.branch.find((message) => message.id === writing.current)
    if (ended === undefined) return
    writing.current = null
    setSaid(words.answered({ text: textOf(ended).slice(0, 2_000) }))
  }, [chat.streaming, chat.branch, words])
  return (
    <div className="vh" role="status" aria-live="polite">
      {said}
    </div>
  )
}

/** Keys of the table that belong to this chat. */
function useChatCommands(chat: Chat): void {
  const { chat: words } = useMessages()
  const lastAnswer = () => chat.branch.findLast((message) => message.role === 'assistant')
  useCommand('answer-again', () => {
    const last = lastAnswer() ?? chat.branch.at(-1)
    if (last !== undefined && chat.streaming === null) chat.again(last)
  })
  useCommand('copy-last', () => {
    const last = lastAnswer()
    if (last !== undefined) void client.app.copyText({ text: textOf(last) }).then(() => toast(words.copyLast))
  })
  const stepLast = (step: -1 | 1) => {
    const all = chat.conversation?.messages ?? []
    const forked = chat.branch.findLast((message) => siblings(all, message).length > 1)
    if (forked !== undefined) chat.step(forked, step)
  }
  useCommand('previous-branch', () => stepLast(-1))
  useCommand('next-branch', () => stepLast(1))
  const latest = useRef(chat)
  useEffect(() => {
    latest.current = chat
  })
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.key !== 'Escape' || event.isComposing) return
      // What floats closes itself first.
      if (document.querySelector('.pop, .menu, .dialog, .find') !== null) return
      if (latest.current.streaming !== null) latest.current.stop()
      else runCommand('focus-composer')
    }
    window.addEventListener('keydown', onKeyDown)
    return () => window.removeEventListener('keydown', onKeyDown)
  }, [])
}
