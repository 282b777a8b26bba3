import { closeSync, copyFileSync, existsSync, fsyncSync, mkdirSync, openSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { SnugError } from '@shared/errors'
import type { Log } from '@shared/log'
import { versionOf } from './migrate'
import type { Connection } from './sqlite'

const keep = 7
const dayMs = 24 * 60 * 60 * 1_000
/** `snug-<milliseconds>-<why>.db` */
const pattern = /^snug-(\d{13,})-[\w-]+\.db$/

export interface Backup {
  path: string
  at: number
}

/** Newest first. */
export function backupsIn(folder: string): Backup[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .flatMap((name) => {
      const at = pattern.exec(name)?.[1]
      return at === undefined ? [] : [{ path: join(folder, name), at: Number(at) }]
    })
    .sort((a, b) => b.at - a.at)
}

/** At once and whole, before a migration. It is opened and checked before it counts. */
export function backupNow(db: Connection, folder: string, why: string, log: Log): string {
  const { draft, path } = names(folder, why)
  db.prepare('VACUUM INTO ?').run(draft)
  return finish(draft, path, folder, log)
}

/** In steps of 200 pages, so that nothing waits for a large file. */
export async function dailyBackup(db: Connection, folder: string, log: Log, now = Date.now()): Promise<void> {
  const newest = backupsIn(folder)[0]
  if (newest !== undefined && now - newest.at < dayMs) return
  const { draft, path } = names(folder, 'daily', now)
  try {
    await db.backup(draft, { progress: () => 200 })
    finish(draft, path, folder, log)
  } catch (error) {
    rmSync(draft, { force: true })
    log.warn('no backup was made', { message: error instanceof Error ? error.message : String(error) })
  }
}

function names(folder: string, why: string, now = Date.now()): { draft: string; path: string } {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const path = join(folder, `snug-${now}-${why}.db`)
  const draft = `${path}.draft`
  rmSync(draft, { force: true })
  return { draft, path }
}

function finish(draft: string, path: string, folder: string, log: Log): string {
  if (!isGood(draft, Number.POSITIVE_INFINITY)) throw new SnugError('db/damaged', 'a backup that was just made does not pass its check')
  sync(draft)
  renameSync(draft, path)
  for (const old of backupsIn(folder).slice(keep)) rmSync(old.path, { force: true })
  log.info('backup made', { path })
  return path
}

/** Moves the file and its log out of the way under a name that says why and when; nothing is deleted. */
export function setAside(path: string, now = Date.now()): string | null {
  const kept = `${path}.corrupt-${now}`
  for (const end of ['-wal', '-shm']) if (existsSync(path + end)) renameSync(path + end, kept + end)
  if (!existsSync(path)) return null
  renameSync(path, kept)
  return kept
}

/** The time of the newest backup that is whole, copied into place; null when there is none. */
export function restoreNewest(path: string, folder: string, latest: number, log: Log): number | null {
  for (const backup of backupsIn(folder)) {
    const draft = `${path}.restoring`
    copyFileSync(backup.path, draft)
    if (isGood(draft, latest)) {
      sync(draft)
      renameSync(draft, path)
      return backup.at
    }
    rmSync(draft, { force: true })
    log.warn('a backup is damaged as well', { path: backup.path })
  }
  return null
}

function isGood(path: string, latest: number): boolean {
  try {
    const db = new Database(path, { readonly: true })
    try {
      return db.pragma('integrity_check(1)', { simple: true }) === 'ok' && versionOf(db) > 0 && versionOf(db) <= latest
    } finally {
      db.close()
    }
  } catch {
    // Not a database, or one that cannot be read: not good, and the caller says so.
    return false
  } finally {
    // A reader of a WAL file leaves these behind; a draft has no other user.
    for (const end of ['-wal', '-shm']) rmSync(path + end, { force: true })
  }
}

function sync(path: string): void {
  const file = openSync(path, 'r+')
  try {
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}
