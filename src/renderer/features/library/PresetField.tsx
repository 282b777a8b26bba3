import { useEffect, useId, useState } from 'react'

export interface FieldLimits {
  min: number
  max: number
  integer?: boolean
  /** A word that is allowed besides numbers. */
  word?: 'max'
}

interface PresetFieldProps extends FieldLimits {
  label: string
  hint?: string | null
  value: number | 'max' | null
  /** What counts while nothing is written. */
  automatic: string
  outOfRange: string
  onSave: (value: number | 'max' | null) => void
}

/** What a person wrote: null is empty, undefined is nothing that can be kept. */
export function parsePreset(text: string, { min, max, integer, word }: FieldLimits): number | 'max' | null | undefined {
  const written = text.trim().toLowerCase()
  if (written === '') return null
  if (word !== undefined && written === word) return word
  const number = Number(written)
  if (!Number.isFinite(number) || number < min || number > max || (integer === true && !Number.isInteger(number))) return undefined
  return number
}

/** Saved when it is left or Enter is pressed; what is out of range marks the field and changes nothing. */
export function PresetField({ label, hint, value, automatic, outOfRange, onSave, ...limits }: PresetFieldProps) {
  const id = useId()
  const shown = value === null ? '' : String(value)
  const [text, setText] = useState(shown)
  useEffect(() => setText(shown), [shown])
  const parsed = parsePreset(text, limits)
  const save = () => {
    if (parsed !== undefined && parsed !== value) onSave(parsed)
  }
  return (
    <div className="preset-row">
      <label className="col" htmlFor={id}>
        <span>{label}</span>
        {parsed === undefined ? <span className="bad f11">{outOfRange}</span> : hint != null && <span className="t3 f11">{hint}</span>}
      </label>
      <input
        id={id}
        className="field num"
        inputMode={limits.word === undefined ? 'decimal' : 'text'}
        aria-invalid={parsed === undefined}
        placeholder={automatic}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onBlur={save}
        onKeyDown={(event) => event.key === 'Enter' && save()}
      />
    </div>
  )
}
