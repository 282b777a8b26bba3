import Database from 'better-sqlite3'
import { type ErrorCode, SnugError } from '@shared/errors'

export type Connection = Database.Database

/** SQLite's result codes (sqlite.org/rescode.html), by the start of their extended names, as what they mean to a person. */
const meanings: readonly (readonly [prefix: string, code: ErrorCode])[] = [
  ['SQLITE_BUSY', 'db/busy'],
  ['SQLITE_LOCKED', 'db/busy'],
  ['SQLITE_CORRUPT', 'db/damaged'],
  ['SQLITE_NOTADB', 'db/damaged'],
  ['SQLITE_FULL', 'db/disk-full'],
  ['SQLITE_READONLY', 'file/not-permitted'],
  ['SQLITE_CANTOPEN', 'file/not-permitted'],
  ['SQLITE_PERM', 'file/not-permitted'],
]

/** SQLite's errors become ours here and nowhere else. */
export function fromSqlite(error: unknown): unknown {
  if (!(error instanceof Database.SqliteError)) return error
  const code = meanings.find(([prefix]) => error.code.startsWith(prefix))?.[1]
  return code === undefined ? error : new SnugError(code, `SQLite: ${error.message}`, { sqlite: error.code }, { cause: error })
}

export function guarded<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw fromSqlite(error)
  }
}

/** JSON of our own rows: written by this app only, so its shape is trusted where zod is not asked for. */
export function fromJson(text: string | null): unknown {
  return text === null ? null : JSON.parse(text)
}

export function toJsonOrNull(value: unknown): string | null {
  return value === null || value === undefined ? null : JSON.stringify(value)
}
