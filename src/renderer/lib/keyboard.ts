import type { PageCommand } from './commands'

export interface KeyLike {
  key: string
  ctrlKey: boolean
  metaKey: boolean
  shiftKey: boolean
  altKey: boolean
}

export type KeyAction = { kind: 'command'; command: PageCommand } | { kind: 'page'; page: Page } | null
export type Page = 'chat' | 'discover' | 'library' | 'planner' | 'machine'

/** In the order of the sidebar: Ctrl 1 … 5. */
export const pages: readonly Page[] = ['chat', 'discover', 'library', 'planner', 'machine']

const withControl: Record<string, PageCommand> = {
  n: 'new-chat',
  k: 'focus-search',
  f: 'find',
  m: 'choose-model',
  r: 'answer-again',
  t: 'toggle-thinking',
  '.': 'temperature',
  ',': 'open-settings',
  '/': 'show-keys',
  b: 'toggle-sidebar',
}

/** The keyboard table of the app as a function: what a key asks for, wherever the focus is. `writing`: in the middle of a text. */
export function keyAction(event: KeyLike, mac: boolean, writing = false): KeyAction {
  const control = mac ? event.metaKey : event.ctrlKey
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key
  if (control && !event.altKey) {
    if (event.shiftKey) return key === 'c' ? { kind: 'command', command: 'copy-last' } : null
    const page = pages[Number(key) - 1]
    if (page !== undefined) return { kind: 'page', page }
    const command = Object.hasOwn(withControl, key) ? withControl[key] : undefined
    return command === undefined ? null : { kind: 'command', command }
  }
  // On macOS these move by a word.
  if (event.altKey && !event.shiftKey && !control && !(mac && writing)) {
    if (key === 'ArrowLeft') return { kind: 'command', command: 'previous-branch' }
    if (key === 'ArrowRight') return { kind: 'command', command: 'next-branch' }
  }
  return null
}

/** How a shortcut is written on this platform: `Ctrl N`, `⌘N`. */
export function keyLabel(keys: string, mac: boolean): string {
  return mac ? keys.replace('Ctrl', '⌘').replace('Shift', '⇧').replace('Alt', '⌥') : keys
}

export const isMac = typeof navigator !== 'undefined' && /Mac/.test(navigator.platform)
