import { useEffect, useRef } from 'react'

/** What the keyboard, the native menu and buttons can ask for; whoever shows the thing listens. */
export type PageCommand =
  | 'new-chat'
  | 'focus-search'
  | 'choose-model'
  | 'show-keys'
  | 'toggle-sidebar'
  | 'open-settings'
  | 'answer-again'
  | 'copy-last'
  | 'previous-branch'
  | 'next-branch'
  | 'toggle-thinking'
  | 'temperature'
  | 'stop'
  | 'focus-composer'
  | 'find'

const listeners = new Map<PageCommand, Set<() => void>>()

/** True when somebody listened. */
export function runCommand(command: PageCommand): boolean {
  const found = listeners.get(command)
  if (found === undefined || found.size === 0) return false
  for (const listener of found) listener()
  return true
}

export function useCommand(command: PageCommand, run: () => void): void {
  const latest = useRef(run)
  useEffect(() => {
    latest.current = run
  })
  useEffect(() => {
    const listener = () => latest.current()
    const set = listeners.get(command) ?? new Set()
    set.add(listener)
    listeners.set(command, set)
    return () => {
      set.delete(listener)
    }
  }, [command])
}
