import { type BrowserWindow, Notification, powerSaveBlocker } from 'electron'
import type { Presence } from './downloadPresence'

export function electronPresence(window: () => BrowserWindow | null, show: () => void): Presence {
  let blocker: number | null = null
  /** A notification that nobody holds is collected, and its click with it. */
  const open = new Set<Notification>()
  const alive = () => {
    const current = window()
    return current === null || current.isDestroyed() ? null : current
  }
  return {
    keepAwake(on) {
      if (on) blocker ??= powerSaveBlocker.start('prevent-app-suspension')
      else if (blocker !== null) {
        powerSaveBlocker.stop(blocker)
        blocker = null
      }
    },
    progress: (share) => alive()?.setProgressBar(share),
    focused: () => alive()?.isFocused() === true,
    notify(title, body) {
      if (!Notification.isSupported()) return
      const notification = new Notification({ title, body })
      open.add(notification)
      notification.on('click', show)
      notification.on('close', () => open.delete(notification))
      notification.show()
    },
  }
}
