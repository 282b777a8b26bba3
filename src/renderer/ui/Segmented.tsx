import { type KeyboardEvent, type ReactNode, useRef } from 'react'

interface Option<T extends string> {
  value: T
  label: ReactNode
}

/** A few choices of which one holds: radio buttons with arrow keys. */
export function Segmented<T extends string>({
  label,
  value,
  options,
  onChange,
  small = false,
}: {
  label: string
  value: T
  options: readonly Option<T>[]
  onChange: (value: T) => void
  small?: boolean
}) {
  const group = useRef<HTMLDivElement>(null)
  const onKeyDown = (event: KeyboardEvent) => {
    const step = event.key === 'ArrowRight' || event.key === 'ArrowDown' ? 1 : event.key === 'ArrowLeft' || event.key === 'ArrowUp' ? -1 : 0
    if (step === 0) return
    event.preventDefault()
    const index = options.findIndex((option) => option.value === value)
    const next = (index + step + options.length) % options.length
    const chosen = options[next]
    if (chosen === undefined) return
    onChange(chosen.value)
    group.current?.querySelectorAll<HTMLElement>('[role=radio]')[next]?.focus()
  }
  return (
    <div className={small ? 'seg s' : 'seg'} role="radiogroup" aria-label={label} ref={group}>
      {options.map((option) => (
        <button
          key={option.value}
          type="button"
          role="radio"
          aria-checked={option.value === value}
          tabIndex={option.value === value ? 0 : -1}
          onKeyDown={onKeyDown}
          onClick={() => onChange(option.value)}
        >
          {option.label}
        </button>
      ))}
    </div>
  )
}
