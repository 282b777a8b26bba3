import type { ReactNode } from 'react'

export function Switch({
  checked,
  onChange,
  children,
  title,
  disabled = false,
}: {
  checked: boolean
  onChange: (checked: boolean) => void
  children: ReactNode
  title?: string
  disabled?: boolean
}) {
  return (
    <button
      type="button"
      role="switch"
      className="btn quiet switch"
      aria-checked={checked}
      disabled={disabled}
      title={title}
      onClick={() => onChange(!checked)}
    >
      {children}
      <span className="sw" aria-hidden="true" data-on={checked} />
    </button>
  )
}
