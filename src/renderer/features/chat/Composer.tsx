import type { Role } from '@shared/domain/chat'
import { samplingFor } from '@shared/domain/preset'
import { thinksFirst } from '@shared/domain/thinking'
import { ArrowUp, CornerDownLeft, Square } from 'lucide-react'
import { type KeyboardEvent, useEffect, useRef, useState } from 'react'
import { useCommand } from '../../lib/commands'
import { useMessages } from '../../lib/i18n'
import { isMac, keyLabel } from '../../lib/keyboard'
import { useCurrentModel } from '../../lib/models'
import { ErrorNotice } from '../../ui'
import { EngineNotice } from '../library'
import { ContextMeter } from './ContextMeter'
import { HowControl } from './HowControl'
import { RoleSelect } from './RoleSelect'
import { TemperatureControl } from './TemperatureControl'
import { ThinkingControl } from './ThinkingControl'
import { useContextUse } from './useContextUse'
import type { Chat } from './useChat'

interface ComposerProps {
  chat: Chat
  text: string
  setText: (text: string) => void
  /** ↑ in an empty composer. */
  onEditLast: () => void
}

/** How (role, thinking, temperature) above, what below, the context under it. */
export function Composer({ chat, text, setText, onEditLast }: ComposerProps) {
  const { chat: words } = useMessages()
  const { model, engine } = useCurrentModel()
  const [role, setRole] = useState<Role>('user')
  const [sending, setSending] = useState(false)
  const area = useRef<HTMLTextAreaElement>(null)
  const use = useContextUse(chat, text, engine)
  const writing = chat.streaming !== null
  useCommand('focus-composer', () => area.current?.focus())
  useEffect(() => {
    area.current?.focus()
    // Read by the start benchmark: from here a person can type.
    performance.mark('composer-usable')
  }, [])

  const submit = async (answer: boolean) => {
    if (sending || text.trim() === '') return
    setSending(true)
    const done = await chat.submit(role, text, answer)
    setSending(false)
    if (!done) return
    setText('')
    setRole('user')
  }
  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    if (event.nativeEvent.isComposing) return
    if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault()
      const add = event.ctrlKey || event.metaKey
      if (add || !writing) void submit(!add)
    } else if (event.key === 'ArrowUp' && text === '') {
      event.preventDefault()
      // An edit would be refused until the reply is complete.
      if (!writing) onEditLast()
    }
  }
  const empty = text.trim() === ''
  return (
    <div className="dock">
      {chat.error !== null && <ErrorNotice error={chat.error} />}
      {/* Any other failure is told where it happened, and the next message starts the engine anew. */}
      {engine.state === 'failed' && engine.error.code === 'engine/unavailable' && <EngineNotice engine={engine} />}
      <div className="composer">
        <div className="setter">
          <RoleSelect role={role} label={words.sendAs} onChange={setRole} />
          {model !== null && (
            <>
              <span className="vr" />
              <ThinkingControl
                model={model}
                choice={chat.settings.thinking}
                onChange={(thinking) => chat.setSettings({ ...chat.settings, thinking })}
              />
            </>
          )}
          <span className="vr" />
          <TemperatureControl
            value={chat.settings.sampling.temperature}
            recommended={
              model === null
                ? null
                : (samplingFor(model.sampling, thinksFirst(model.thinking, chat.settings.thinking))?.temperature ?? null)
            }
            preset={model?.preset?.sampling.temperature ?? null}
            onChange={(temperature) => chat.setSettings({ ...chat.settings, sampling: { ...chat.settings.sampling, temperature } })}
          />
          <span className="grow" />
          <HowControl settings={chat.settings} onChange={chat.setSettings} />
        </div>
        <div className="write">
          <textarea
            ref={area}
            rows={1}
            aria-label={words.message}
            placeholder={words.messagePlaceholder}
            value={text}
            onChange={(event) => setText(event.target.value)}
            onKeyDown={onKeyDown}
          />
          {writing ? (
            <button type="button" className="send" aria-label={words.stop} title={`${words.stop} (Esc)`} onClick={chat.stop}>
              <Square className="i s fill" aria-hidden="true" />
            </button>
          ) : (
            <button
              type="button"
              className="send"
              aria-label={role === 'assistant' ? words.continueWriting : words.send}
              title={
                role === 'assistant' ? words.continueWriting : `${words.send} (Enter), ${words.addOnly} (${keyLabel('Ctrl Enter', isMac)})`
              }
              disabled={empty || sending}
              onClick={() => void submit(true)}
            >
              {role === 'assistant' ? <CornerDownLeft className="i" aria-hidden="true" /> : <ArrowUp className="i" aria-hidden="true" />}
            </button>
          )}
        </div>
      </div>
      {use === null ? <div className="ctx" /> : <ContextMeter use={use} />}
    </div>
  )
}
