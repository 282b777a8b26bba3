import type { Message } from '@shared/domain/chat'
import { ChevronLeft, ChevronRight, Copy, Pencil, Play, RefreshCw } from 'lucide-react'
import { type KeyboardEvent, memo, useState } from 'react'
import { client } from '../../lib/client'
import { count, percent, speed } from '../../lib/format'
import { useMessages } from '../../lib/i18n'
import { Button, ErrorNotice, IconButton } from '../../ui'
import { textOf } from './branch'
import { LazyMarkdown } from './LazyMarkdown'
import { MessageEditor } from './MessageEditor'
import { type Reply, tokensOf } from './reply'
import { StatsLine } from './StatsLine'
import { ThoughtBlock } from './ThoughtBlock'
import type { Changed } from './useChat'
import { useReply } from './useReply'

export interface MessageActions {
  edit: (message: Message, changed: Changed) => Promise<boolean>
  again: (message: Message) => void
  carryOn: (message: Message) => void
  step: (message: Message, step: -1 | 1) => void
  startEdit: (id: string | null) => void
}

interface ViewProps {
  message: Message
  /** This version among its siblings, from 1. */
  index: number
  total: number
  last: boolean
  editing: boolean
  /** Another reply of this conversation is being written. */
  busy: boolean
  stream: boolean
  actions: MessageActions
}

export const MessageView = memo(function MessageView(props: ViewProps) {
  const reply = useReply(props.message)
  const message = reply?.message ?? props.message
  const { chat } = useMessages()
  const text = textOf(message)
  if (props.editing) {
    return (
      <article className="msg editing" aria-label={chat.role[message.role]}>
        <MessageEditor
          text={text}
          role={message.role}
          onCancel={() => props.actions.startEdit(null)}
          onSave={(changed) => props.actions.edit(message, changed)}
        />
      </article>
    )
  }
  return (
    <article
      className={`msg ${message.role}`}
      aria-label={message.role === 'assistant' ? chat.answer : message.role === 'user' ? chat.you : chat.role.system}
      data-testid={`message-${message.role}`}
      data-status={message.status}
      data-message={message.id}
      tabIndex={-1}
    >
      {message.role === 'assistant' ? (
        <Answer message={message} reply={reply} stream={props.stream} />
      ) : message.role === 'system' ? (
        <div className="sys">
          <b>{chat.role.system}</b>
          <span className="sel grow">{text}</span>
        </div>
      ) : (
        <div className="me sel">{text}</div>
      )}
      <Foot {...props} message={message} reply={reply} text={text} />
    </article>
  )
})

function Answer({ message, reply, stream }: { message: Message; reply: Reply | null; stream: boolean }) {
  const { chat, common } = useMessages()
  const writing = message.status === 'streaming'
  const shown = stream || !writing
  const last = message.segments.at(-1)
  const empty = textOf(message).trim() === ''
  return (
    <div className="ai">
      {shown &&
        message.segments.map((segment, place) =>
          segment.kind === 'thought' ? (
            // Segments are only ever added at the end, so the place is their identity.
            <ThoughtBlock key={`thought-${place}`} segment={segment} thinking={writing && segment === last} />
          ) : (
            <LazyMarkdown key={`answer-${place}`} text={segment.text} streaming={writing && segment === last} />
          ),
        )}
      {writing && reply !== null && <Progress reply={reply} hidden={!shown} />}
      {message.status === 'done' && empty && <p className="t3">{chat.emptyAnswer}</p>}
      {message.status === 'failed' && <ErrorNotice error={message.error ?? { code: 'internal/bug' }} />}
      {message.status === 'interrupted' && message.error !== null && <ErrorNotice error={message.error} />}
      {writing && reply === null && <p className="t3 f12">{common.loading}</p>}
    </div>
  )
}

function Progress({ reply, hidden }: { reply: Reply; hidden: boolean }) {
  const { chat } = useMessages()
  const { phase, message } = reply
  if (phase.kind === 'waiting') return <p className="t3 f12">{phase.for === 'load' ? chat.waitingForModel : chat.waitingForQueue}</p>
  if (phase.kind === 'prefill')
    return <p className="t3 f12">{chat.reading({ percent: percent(phase.total > 0 ? phase.done / phase.total : 0) })}</p>
  if (hidden && phase.kind !== 'ended') return <p className="t3 f12">{chat.writingHidden({ count: count(tokensOf(message)) })}</p>
  return null
}

function Foot({ message, reply, text, index, total, last, busy, actions }: ViewProps & { reply: Reply | null; text: string }) {
  const { chat, common } = useMessages()
  const [copied, setCopied] = useState(false)
  const writing = message.status === 'streaming'
  const cut = message.status === 'interrupted' || message.status === 'stopped' || message.stats?.stopReason === 'max-tokens'
  const canContinue = last && message.role === 'assistant' && cut
  const copy = () => {
    void client.app.copyText({ text }).then(() => {
      setCopied(true)
      setTimeout(() => setCopied(false), 1_500)
    })
  }
  const byArrow = ({ key, altKey }: KeyboardEvent) => {
    if (altKey) return
    if (key === 'ArrowLeft' && index > 1) actions.step(message, -1)
    else if (key === 'ArrowRight' && index < total) actions.step(message, 1)
  }
  return (
    <div className="stats">
      {total > 1 && (
        <span className="branch" role="group" aria-label={chat.branchLabel({ index, total })}>
          <IconButton
            small
            label={chat.previousBranch}
            disabled={index === 1}
            onKeyDown={byArrow}
            onClick={() => actions.step(message, -1)}
          >
            <ChevronLeft className="i s" aria-hidden="true" />
          </IconButton>
          <span>{chat.branchOf({ index, total })}</span>
          <IconButton small label={chat.nextBranch} disabled={index === total} onKeyDown={byArrow} onClick={() => actions.step(message, 1)}>
            <ChevronRight className="i s" aria-hidden="true" />
          </IconButton>
        </span>
      )}
      {writing ? (
        <span data-testid="live-speed">
          {reply?.tokensPerSecond != null && `${speed(reply.tokensPerSecond)} ${common.tokensPerSecond} · `}
          {chat.tokens({ count: count(tokensOf(message)) })}
        </span>
      ) : (
        <>
          {message.status === 'stopped' && <span className="tag">{chat.stopped}</span>}
          {message.status === 'interrupted' && <span className="tag warn">{chat.interrupted}</span>}
          {message.status === 'failed' && <span className="tag bad">{chat.failed}</span>}
          <StatsLine message={message} />
        </>
      )}
      {canContinue && (
        <Button kind="quiet" size="s" disabled={busy} onClick={() => actions.carryOn(message)}>
          <Play className="i xs" aria-hidden="true" />
          {chat.continueReply}
        </Button>
      )}
      {message.modelName !== null && message.role === 'assistant' && <span className="ell model-name">{message.modelName}</span>}
      <span className="grow" />
      {!writing && (
        <span className="acts">
          <IconButton small label={copied ? common.copied : chat.copyMessage} onClick={copy}>
            <Copy className="i s" aria-hidden="true" />
          </IconButton>
          <IconButton small label={chat.editMessage} disabled={busy} onClick={() => actions.startEdit(message.id)}>
            <Pencil className="i s" aria-hidden="true" />
          </IconButton>
          {(message.role === 'assistant' || last) && (
            <IconButton small label={chat.answerAgain} disabled={busy} onClick={() => actions.again(message)}>
              <RefreshCw className="i s" aria-hidden="true" />
            </IconButton>
          )}
        </span>
      )}
    </div>
  )
}
