import { type Bytes, GiB } from '@shared/domain/units'
import { useEffect, useState } from 'react'
import { useMessages } from '../lib/i18n'

export interface NumberSettingProps {
  label: string
  value: number | null
  min: number
  max: number
  integer?: boolean
  /** What an empty field stands for; otherwise "automatic". */
  usual?: string
  onSave: (value: number | null) => void
}

/** Empty is automatic. Saved when the field is left or Enter is pressed; a number out of range marks the field and keeps the old one. */
export function NumberSetting({ label, value, min, max, integer = false, usual, onSave }: NumberSettingProps) {
  const { settings } = useMessages()
  const shown = value === null ? '' : String(value)
  const [text, setText] = useState(shown)
  useEffect(() => setText(shown), [shown])
  const number = Number(text)
  const valid = text.trim() === '' || (Number.isFinite(number) && number >= min && number <= max && (!integer || Number.isInteger(number)))
  const save = () => {
    if (valid && text !== shown) onSave(text.trim() === '' ? null : number)
  }
  return (
    <span className="row">
      {!valid && <span className="bad f12">{settings.range}</span>}
      <input
        className="field num"
        inputMode="decimal"
        aria-label={label}
        aria-invalid={!valid}
        placeholder={usual ?? settings.automatic}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onBlur={save}
        onKeyDown={(event) => event.key === 'Enter' && save()}
      />
    </span>
  )
}

/** An amount of memory, typed and shown in GiB with two decimals. */
export function MemorySetting({ label, bytes, onSave }: { label: string; bytes: Bytes | null; onSave: (bytes: Bytes | null) => void }) {
  return (
    <NumberSetting
      label={label}
      value={bytes === null ? null : Math.round((bytes / GiB) * 100) / 100}
      min={0}
      max={1024}
      onSave={(gib) => onSave(gib === null ? null : Math.round(gib * GiB))}
    />
  )
}
