import type { ConversationSettings, Sampling } from '@shared/domain/chat'
import { SlidersHorizontal } from 'lucide-react'
import { useState } from 'react'
import { useMessages } from '../../lib/i18n'
import { IconButton, Popover, Switch } from '../../ui'

interface Field {
  key: Exclude<keyof Sampling, 'temperature'>
  min: number
  max: number
  step: number
}

const fields: readonly Field[] = [
  { key: 'topP', min: 0, max: 1, step: 0.05 },
  { key: 'topK', min: 0, max: 100_000, step: 1 },
  { key: 'minP', min: 0, max: 1, step: 0.01 },
  { key: 'repeatPenalty', min: 0, max: 2, step: 0.05 },
  { key: 'seed', min: 0, max: 4_294_967_295, step: 1 },
]

export function HowControl({ settings, onChange }: { settings: ConversationSettings; onChange: (settings: ConversationSettings) => void }) {
  const { chat } = useMessages()
  const words = chat.how
  return (
    <Popover
      label={words.title}
      side="top"
      align="end"
      trigger={
        <IconButton label={words.open}>
          <SlidersHorizontal className="i" aria-hidden="true" />
        </IconButton>
      }
    >
      <div className="how-pop">
        <h3>{words.title}</h3>
        <Switch checked={settings.stream} title={words.streamHint} onChange={(stream) => onChange({ ...settings, stream })}>
          {words.stream}
        </Switch>
        <NumberField
          label={words.maxTokens}
          value={settings.maxTokens}
          min={1}
          max={1_000_000}
          step={1}
          onChange={(maxTokens) => onChange({ ...settings, maxTokens })}
        />
        {fields.map(({ key, ...limits }) => (
          <NumberField
            key={key}
            label={words[key]}
            value={settings.sampling[key]}
            {...limits}
            onChange={(value) => onChange({ ...settings, sampling: { ...settings.sampling, [key]: value } })}
          />
        ))}
      </div>
    </Popover>
  )
}

interface NumberFieldProps {
  label: string
  value: number | null
  min: number
  max: number
  step: number
  onChange: (value: number | null) => void
}

/** Empty means automatic; a number out of range marks the field and changes nothing. */
function NumberField({ label, value, min, max, step, onChange }: NumberFieldProps) {
  const { chat } = useMessages()
  const [text, setText] = useState(value === null ? '' : String(value))
  const [wrong, setWrong] = useState(false)
  return (
    <label className="row">
      <span className="grow">{label}</span>
      <input
        className="field num"
        type="text"
        inputMode="decimal"
        placeholder={chat.how.automatic}
        value={text}
        aria-invalid={wrong}
        onChange={(event) => {
          const next = event.target.value
          setText(next)
          const number = Number(next)
          const valid =
            next.trim() === '' || (Number.isFinite(number) && number >= min && number <= max && (step < 1 || Number.isInteger(number)))
          setWrong(!valid)
          if (valid) onChange(next.trim() === '' ? null : number)
        }}
      />
    </label>
  )
}
