import type { Messages } from '@shared/i18n'
import { SnugError, toErrorValue } from '@shared/errors'
import { failureText } from './failure'
import { language, words } from './words'

/** Exit codes (DESIGN.md §10). */
export const exitCodes = { done: 0, failed: 1, usage: 2, interrupted: 130 } as const

/** Where the words go: results on stdout, everything else on stderr. */
export interface Output {
  json: boolean
  words: Messages
  language: 'en' | 'zh-CN'
  /** Where progress is drawn; null: lines go to a file or another program. */
  terminal: { columns: number; color: boolean } | null
  /** One JSON document under `--json`, else lines of text. */
  result(value: unknown, text: () => string): void
  /** One JSON line; only under `--json`. */
  event(value: unknown): void
  text(text: string): void
  progress(text: string): void
  /** A line beside the result; not under `--json`. */
  note(text: string): void
  fail(error: unknown): number
}

export function createOutput(json: boolean): Output {
  const tty = process.stderr.isTTY
  let progressShown = false
  const clear = () => {
    if (progressShown && tty) process.stderr.write('\r\x1b[K')
    progressShown = false
  }
  return {
    json,
    words,
    language,
    // Asked each time: a window is made narrower meanwhile.
    get terminal() {
      if (!tty) return null
      const { NO_COLOR = '', TERM } = process.env
      return { columns: process.stderr.columns || 80, color: NO_COLOR === '' && TERM !== 'dumb' }
    },
    result(value, text) {
      clear()
      process.stdout.write(json ? `${JSON.stringify(value)}\n` : `${text()}\n`)
    },
    event(value) {
      if (json) process.stdout.write(`${JSON.stringify(value)}\n`)
    },
    text(text) {
      clear()
      process.stdout.write(text)
    },
    progress(text) {
      if (tty) {
        process.stderr.write(`\r\x1b[K${text}`)
        progressShown = true
      }
    },
    note(text) {
      clear()
      if (!json) process.stderr.write(`${text}\n`)
    },
    fail(error) {
      clear()
      const value = toErrorValue(error)
      if (value.code === 'cancelled') return exitCodes.interrupted
      if (value.code === 'internal/bug' && error instanceof Error && process.env.SNUG_DEBUG) process.stderr.write(`${error.stack}\n`)
      process.stderr.write(json ? `${JSON.stringify({ error: value })}\n` : `${failureText(value, words, language)}\n`)
      return value.code === 'usage/invalid' && error instanceof SnugError && error.data.exit === 'usage'
        ? exitCodes.usage
        : exitCodes.failed
    },
  }
}
