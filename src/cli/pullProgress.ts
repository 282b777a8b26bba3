import { formatBytes, formatDuration } from '@shared/domain/format'
import type { Download } from '@shared/domain/library'
import type { Messages } from '@shared/i18n'
import { columnsOf } from './columns'
import type { Output } from './output'

/** A bar that is shorter tells less than the number beside it. */
const leastBar = 10
const mostBar = 40
const green = '\x1b[32m'
const plain = '\x1b[0m'

type Progress = Pick<Download, 'receivedBytes' | 'verifiedBytes' | 'totalBytes' | 'bytesPerSecond' | 'secondsLeft'>
type Words = Pick<Output, 'language'> & { words: Pick<Messages, 'cli'> }

/** Verified `#`, here `=`, not yet `.`: of one column in every terminal, where block characters take two in some Chinese ones. */
export function progressBar({ receivedBytes, verifiedBytes, totalBytes }: Progress, columns: number, color: boolean): string {
  const cells = (bytes: number) => (totalBytes > 0 ? Math.floor((Math.min(bytes, totalBytes) / totalBytes) * columns) : 0)
  const verified = cells(Math.min(verifiedBytes, receivedBytes))
  const here = cells(receivedBytes) - verified
  const done = '#'.repeat(verified)
  return `[${color && verified > 0 ? `${green}${done}${plain}` : done}${'='.repeat(here)}${'.'.repeat(columns - verified - here)}]`
}

function percentOf({ receivedBytes, totalBytes }: Progress): number {
  return totalBytes > 0 ? Math.floor((receivedBytes / totalBytes) * 100) : 0
}

function textOf(download: Progress, { words, language }: Words, { speed = true, left = true } = {}): string {
  const { receivedBytes, totalBytes, bytesPerSecond, secondsLeft } = download
  return words.cli.downloading({
    done: formatBytes(receivedBytes, language),
    total: formatBytes(totalBytes, language),
    speed: !speed || bytesPerSecond === null ? '' : words.cli.speed({ speed: formatBytes(bytesPerSecond, language) }),
    left:
      !left || secondsLeft === null ? '' : words.cli.left({ time: formatDuration(Math.max(1, Math.round(secondsLeft)) * 1_000, language) }),
  })
}

/** One line that a terminal of so many columns does not break: first the time left goes, then the speed, then the bar. */
export function progressLine(download: Progress, out: Words, terminal: { columns: number; color: boolean }): string {
  const percent = `${percentOf(download)}%`.padStart(4)
  const room = (text: string) => terminal.columns - 1 - columnsOf(text) - percent.length - '[]  '.length
  const texts = [{}, { left: false }, { left: false, speed: false }].map((parts) => textOf(download, out, parts))
  const text = texts.find((candidate) => room(candidate) >= leastBar)
  if (text === undefined) return percent.trim()
  return `${progressBar(download, Math.min(mostBar, room(text)), terminal.color)} ${percent} ${text}`
}

/** On a terminal one line that changes; elsewhere a line for each tenth, so that a log shows that it goes on. */
export function pullProgress(out: Output): (download: Download) => void {
  let tenth = -1
  return (download) => {
    if (out.terminal !== null) return out.progress(progressLine(download, out, out.terminal))
    const now = Math.floor(percentOf(download) / 10)
    if (now <= tenth || download.receivedBytes === 0) return
    tenth = now
    out.note(`${percentOf(download)}% ${textOf(download, out)}`)
  }
}
