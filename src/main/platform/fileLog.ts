import { appendFileSync, existsSync, renameSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Log } from '@shared/log'
import { makeFolder } from './folders'

type LogLevel = 'debug' | 'info' | 'warn' | 'error'

const maxBytes = 4 * 1024 * 1024

function line(level: LogLevel, area: string, text: string, data: unknown): string {
  const detail = data instanceof Error ? ` ${data.stack ?? data.message}` : data === undefined ? '' : ` ${JSON.stringify(data)}`
  return `${new Date().toISOString()} ${level} [${area}] ${text}${detail}\n`
}

/** One writer for all areas. A log that cannot be written (full disk) is dropped: it must never end the app. */
export function createLog(write: (text: string, level: LogLevel) => void, area = 'main'): Log {
  const at = (level: LogLevel) => (text: string, data?: unknown) => write(line(level, area, text, data), level)
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), child: (name) => createLog(write, name) }
}

/** `logs/snug.log` in the data folder, one older file kept. */
export function createFileLog(folder: string): Log {
  const path = join(folder, 'snug.log')
  let pending = ''
  let timer: NodeJS.Timeout | undefined
  const flush = () => {
    timer = undefined
    const text = pending
    pending = ''
    try {
      makeFolder(folder)
      if (existsSync(path) && statSync(path).size > maxBytes) renameSync(path, join(folder, 'snug.old.log'))
      appendFileSync(path, text)
    } catch {
      // A full or read-only disk: the app goes on without a log.
    }
  }
  process.once('exit', flush)
  return createLog((text, level) => {
    if (level === 'debug' && !process.env.SNUG_DEBUG) return
    pending += text
    if (level === 'error') flush()
    else timer ??= setTimeout(flush, 200).unref()
  })
}

/** For the command line: quiet unless `SNUG_DEBUG` is set. */
export function createStderrLog(): Log {
  return createLog((text, level) => {
    if (process.env.SNUG_DEBUG || (level === 'error' && process.env.SNUG_LOG)) process.stderr.write(text)
  })
}
