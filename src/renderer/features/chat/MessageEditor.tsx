import { useEffect, useRef, useState } from 'react'
import { useMessages } from '../../lib/i18n'
import { Button } from '../../ui'

interface EditorProps {
  text: string
  /** An edited question can be answered at once. */
  canAnswer: boolean
  onSave: (text: string, answer: boolean) => void
  onCancel: () => void
}

/** Editing never overwrites: what is saved stands beside the old message as a branch. */
export function MessageEditor({ text, canAnswer, onSave, onCancel }: EditorProps) {
  const { chat, common } = useMessages()
  const [value, setValue] = useState(text)
  const area = useRef<HTMLTextAreaElement>(null)
  useEffect(() => {
    area.current?.focus()
    area.current?.setSelectionRange(text.length, text.length)
  }, [text])
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
            onSave(value, canAnswer && !event.ctrlKey && !event.metaKey)
          }
        }}
      />
      <div className="row">
        <span className="grow" />
        <Button kind="quiet" size="s" onClick={onCancel}>
          {common.cancel}
        </Button>
        <Button size="s" onClick={() => onSave(value, false)}>
          {chat.saveOnly}
        </Button>
        {canAnswer && (
          <Button kind="primary" size="s" onClick={() => onSave(value, true)}>
            {chat.saveAndAnswer}
          </Button>
        )}
      </div>
    </div>
  )
}
