import type { Role } from '@shared/domain/chat'
import { useEffect, useRef, useState } from 'react'
import { useMessages } from '../../lib/i18n'
import { Button } from '../../ui'
import { RoleSelect } from './RoleSelect'
import type { Changed } from './useChat'

interface EditorProps {
  text: string
  role: Role
  /** False: it was refused. */
  onSave: (changed: Changed) => Promise<boolean>
  onCancel: () => void
}

/** Editing never overwrites: what is saved stands beside the old message as a branch, in any role. */
export function MessageEditor({ text, role: before, onSave, onCancel }: EditorProps) {
  const { chat, common } = useMessages()
  const [value, setValue] = useState(text)
  const [role, setRole] = useState(before)
  const area = useRef<HTMLTextAreaElement>(null)
  useEffect(() => {
    area.current?.focus()
    area.current?.setSelectionRange(text.length, text.length)
  }, [text])
  const [saving, setSaving] = useState(false)
  const save = async (answer: boolean) => {
    if (saving) return
    setSaving(true)
    await onSave({ text: value, role, answer })
    setSaving(false)
  }
  return (
    <div className="editor">
      <textarea
        ref={area}
        className="area"
        aria-label={chat.editing}
        value={value}
        onChange={(event) => setValue(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === 'Escape') {
            event.stopPropagation()
            onCancel()
          } else if (event.key === 'Enter' && !event.shiftKey && !event.nativeEvent.isComposing) {
            event.preventDefault()
            // A question is asked anew; what others said is only put right.
            void save(role === 'user' && !event.ctrlKey && !event.metaKey)
          }
        }}
      />
      <div className="row">
        <RoleSelect role={role} label={chat.saidAs} onChange={setRole} />
        <span className="grow" />
        <Button kind="quiet" size="s" onClick={onCancel}>
          {common.cancel}
        </Button>
        <Button kind={role === 'user' ? 'plain' : 'primary'} size="s" onClick={() => void save(false)}>
          {chat.saveOnly}
        </Button>
        <Button kind={role === 'user' ? 'primary' : 'plain'} size="s" onClick={() => void save(true)}>
          {role === 'assistant' ? chat.saveAndContinue : chat.saveAndAnswer}
        </Button>
      </div>
    </div>
  )
}
