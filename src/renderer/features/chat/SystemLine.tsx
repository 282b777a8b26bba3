import { Pencil, Plus, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { useMessages } from '../../lib/i18n'
import { Button, IconButton } from '../../ui'

/** The system message of this conversation, above its first message. None is not the same as an empty one; a model's preset stands in for none. */
export function SystemLine({
  system,
  preset = null,
  onChange,
}: {
  system: string | null
  preset?: string | null
  onChange: (system: string | null) => void
}) {
  const { chat, common } = useMessages()
  const [editing, setEditing] = useState<string | null>(null)
  if (editing !== null) {
    const save = () => {
      // With a preset, an emptied line means none at all; without one there is nothing to take the place of.
      onChange(editing.trim() !== '' ? editing : preset === null ? null : '')
      setEditing(null)
    }
    return (
      <div className="editor">
        <textarea
          // The person asked for this field by pressing the button, so the focus may go there.
          ref={(node) => node?.focus()}
          className="area"
          aria-label={chat.systemMessage}
          placeholder={chat.systemPlaceholder}
          value={editing}
          onChange={(event) => setEditing(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === 'Escape') {
              event.stopPropagation()
              setEditing(null)
            } else if (event.key === 'Enter' && !event.shiftKey && !event.nativeEvent.isComposing) {
              event.preventDefault()
              save()
            }
          }}
        />
        <div className="row">
          <span className="grow" />
          <Button kind="quiet" size="s" onClick={() => setEditing(null)}>
            {common.cancel}
          </Button>
          <Button kind="primary" size="s" onClick={save}>
            {common.save}
          </Button>
        </div>
      </div>
    )
  }
  if (system === null && preset !== null) {
    return (
      <div className="sys" data-testid="system-line">
        <b>{chat.role.system}</b>
        <span className="tag">{chat.systemPreset}</span>
        <span className="sel ell grow">{preset}</span>
        <IconButton small label={chat.systemEdit} onClick={() => setEditing(preset)}>
          <Pencil className="i s" aria-hidden="true" />
        </IconButton>
      </div>
    )
  }
  if (system === null) {
    return (
      <div className="sys">
        <Button kind="quiet" size="s" className="faint" onClick={() => setEditing('')}>
          <Plus className="i xs" aria-hidden="true" />
          {chat.systemAdd}
        </Button>
      </div>
    )
  }
  return (
    <div className="sys" data-testid="system-line">
      <b>{chat.role.system}</b>
      <span className={system === '' ? 't3 grow' : 'sel ell grow'}>{system === '' ? chat.systemEmpty : system}</span>
      <IconButton small label={chat.systemEdit} onClick={() => setEditing(system)}>
        <Pencil className="i s" aria-hidden="true" />
      </IconButton>
      <IconButton small label={chat.systemRemove} onClick={() => onChange(null)}>
        <Trash2 className="i s" aria-hidden="true" />
      </IconButton>
    </div>
  )
}
