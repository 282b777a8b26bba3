import type { Download } from '@shared/domain/library'

/** What the system shows and does while something downloads; Electron's part is given, so that the rest is tried without it. */
export interface Presence {
  /** The machine does not go to sleep by itself while true. */
  keepAwake(on: boolean): void
  /** Dock or taskbar: 0 to 1; -1 takes the bar away, 2 is "at work, nobody knows how far". */
  progress(share: number): void
  /** Only asked where nobody looks at the window. */
  notify(title: string, body: string, id: string): void
  focused(): boolean
}

export interface PresenceWords {
  done(p: { name: string }): string
  doneBody: string
  failed(p: { name: string }): string
  failedBody: string
}

function isBusy({ state }: Download): boolean {
  return state === 'running' || state === 'verifying'
}

function nameOf({ file }: Download): string {
  return file.slice(file.lastIndexOf('/') + 1)
}

/** Follows the downloads until the stream ends. What was done or failed at the first look is no news. */
export async function showDownloads(lists: AsyncIterable<Download[]>, presence: Presence, words: () => PresenceWords): Promise<void> {
  let known: Map<string, Download['state']> | null = null
  let awake = false
  let shown = -1
  const keep = (on: boolean) => {
    if (on !== awake) presence.keepAwake(on)
    awake = on
  }
  const bar = (share: number) => {
    if (share !== shown) presence.progress(share)
    shown = share
  }
  try {
    for await (const all of lists) {
      const busy = all.filter(isBusy)
      keep(busy.length > 0)
      bar(busy.length === 0 ? -1 : shareOf(all))
      for (const download of known === null ? [] : all) {
        const before = known?.get(download.id)
        const { state } = download
        if (before === state || before === undefined || (state !== 'done' && state !== 'failed') || presence.focused()) continue
        // It is tried again by itself, and perhaps again.
        if (state === 'failed' && download.retryAt != null) continue
        const name = nameOf(download)
        if (state === 'done') presence.notify(words().done({ name }), words().doneBody, download.id)
        else presence.notify(words().failed({ name }), words().failedBody, download.id)
      }
      known = new Map(all.map(({ id, state }) => [id, state]))
    }
  } finally {
    keep(false)
    bar(-1)
  }
}

/** Of all that is under way or waits for its turn; in hundredths, so that the bar is not set ten times a second. */
function shareOf(all: readonly Download[]): number {
  const under = all.filter((download) => isBusy(download) || download.state === 'queued')
  const total = under.reduce((sum, { totalBytes }) => sum + totalBytes, 0)
  const received = under.reduce((sum, { receivedBytes }) => sum + receivedBytes, 0)
  return total === 0 ? 2 : Math.round((received / total) * 100) / 100
}
