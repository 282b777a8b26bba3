import type { AppCommand } from '@shared/ipc/app'
import { useEffect } from 'react'
import { useLocation } from 'wouter'
import { client } from '../lib/client'
import { runCommand } from '../lib/commands'
import { isMac, keyAction } from '../lib/keyboard'
import { useFollow } from '../lib/useFollow'
import { isWriting } from '../lib/writing'

/** One place that turns keys and the native menu's commands into page changes and page commands. */
export function useAppCommands(): void {
  const [, go] = useLocation()
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.defaultPrevented) return
      const action = keyAction(event, isMac, event.target instanceof Element && isWriting(event.target))
      if (action === null) return
      event.preventDefault()
      if (action.kind === 'page') go(`/${action.page}`)
      else runCommand(action.command)
    }
    window.addEventListener('keydown', onKeyDown)
    return () => window.removeEventListener('keydown', onKeyDown)
  }, [go])
  useFollow<AppCommand>('app.commands', {
    open: (signal) => client.app.commands(undefined, { signal }),
    onValue: ({ command, page }) => {
      if (command === 'open-page') go(`/${page ?? 'chat'}`)
      else runCommand(command)
    },
    ends: false,
  })
}
