import { useState } from 'react'
import { client } from '../../lib/client'
import { useMessages } from '../../lib/i18n'

/** Renames in place: Enter or leaving saves, Escape keeps the old title. */
export function RenameField({ id, title, onDone }: { id: string; title: string; onDone: () => void }) {
  const { chat } = useMessages()
  const [value, setValue] = useState(title)
  const save = () => {
    const next = value.trim().slice(0, 200)
    if (next !== '' && next !== title) void client.chat.rename({ id, title: next })
    onDone()
  }
  return (
    <input
      className="field rename"
      aria-label={chat.titleLabel}
      ref={(node) => node?.focus()}
      value={value}
      maxLength={200}
      onChange={(event) => setValue(event.target.value)}
      onBlur={save}
      onKeyDown={(event) => {
        if (event.key === 'Enter' && !event.nativeEvent.isComposing) save()
        else if (event.key === 'Escape') {
          event.stopPropagation()
          onDone()
        }
      }}
    />
  )
}
