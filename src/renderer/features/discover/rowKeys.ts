import type { KeyboardEvent } from 'react'

/** ↑ ↓ between rows; → ← open and close. */
export function moveBetweenRows(event: KeyboardEvent<HTMLElement>) {
  const rows = [...(event.currentTarget.closest('[data-rows]')?.querySelectorAll<HTMLElement>('[data-row]') ?? [])]
  const at = rows.findIndex((row) => row === document.activeElement)
  if (at === -1) return
  if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
    event.preventDefault()
    rows[at + (event.key === 'ArrowDown' ? 1 : -1)]?.focus()
  } else if (event.key === 'ArrowRight' || event.key === 'ArrowLeft') {
    const expanded = rows[at]?.getAttribute('aria-expanded') === 'true'
    if (expanded === (event.key === 'ArrowLeft')) rows[at]?.click()
  }
}
