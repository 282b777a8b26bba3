import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { SnugError } from '@shared/errors'
import { type Log, silentLog } from '@shared/log'
import { whyUnusable } from '../platform/usableFolder'
import { backupNow, backupsIn, dailyBackup, restoreNewest, setAside } from './backup'
import { latestVersion, type Migration, migrate, migrations, refuseFuture, versionOf } from './migrate'
import { CalibrationsRepository } from './repositories/calibrations'
import { ConversationsRepository } from './repositories/conversations'
import { DraftsRepository } from './repositories/drafts'
import { DownloadsRepository } from './repositories/downloads'
import { FreeMemoryRepository } from './repositories/freeMemory'
import { LoadsRepository } from './repositories/loads'
import { MeasuredSpeedsRepository } from './repositories/measuredSpeeds'
import { MessagesRepository } from './repositories/messages'
import { ModelsRepository } from './repositories/models'
import { SpeedSamplesRepository } from './repositories/speedSamples'
import { SettingsRepository } from './repositories/settings'
import { type Connection, fromSqlite } from './sqlite'

/** What had to be done to open a damaged file; shown to the person. */
type DatabaseNotice =
  /** Brought back from a backup of that time; what came after it is only in the kept file. */
  { kind: 'restored'; kept: string | null; backupAt: number } | { kind: 'fresh'; kept: string | null }

export interface SnugDatabase {
  readonly path: string
  readonly notice: DatabaseNotice | null
  readonly models: ModelsRepository
  readonly downloads: DownloadsRepository
  readonly conversations: ConversationsRepository
  readonly messages: MessagesRepository
  readonly drafts: DraftsRepository
  readonly settings: SettingsRepository
  readonly calibrations: CalibrationsRepository
  readonly measuredSpeeds: MeasuredSpeedsRepository
  readonly speedSamples: SpeedSamplesRepository
  readonly freeMemory: FreeMemoryRepository
  readonly loads: LoadsRepository
  /** All or nothing, under the write lock. */
  transaction<T>(work: () => T): T
  /** Makes a backup when the newest one is older than a day; in small steps beside other work. */
  backupIfDue(): Promise<void>
  close(): void
}

export interface OpenOptions {
  /** Holds `snug.db` and `backups`. */
  dataDir: string
  log?: Log
  /** Other lists of steps exist in tests only. */
  steps?: readonly Migration[]
}

/** Two that begin a fresh file at one moment: SQLite refuses the change to WAL at once, whatever `busy_timeout` says. */
const startPatienceMs = 2_000

/**
 * Opens, checks and migrates the one database. The app and the command line may hold it at the same time: SQLite's own locks keep
 * writers apart, `busy_timeout` lets them wait for each other.
 */
export function openDatabase(options: OpenOptions): SnugDatabase {
  const { dataDir, log = silentLog, steps = migrations } = options
  const path = join(dataDir, 'snug.db')
  const backups = join(dataDir, 'backups')
  const unusable = whyUnusable(dataDir)
  if (unusable !== null) throw new SnugError(unusable, `the data folder cannot be used: ${dataDir}`, { path: dataDir })

  let notice: DatabaseNotice | null = null
  const until = performance.now() + startPatienceMs
  const open = (): Connection => {
    try {
      return openChecked(path, backups, steps, log)
    } catch (error) {
      const known = fromSqlite(error)
      if (known instanceof SnugError && known.code === 'db/busy' && performance.now() < until) {
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50)
        return open()
      }
      if (!lacksSharedMemory(error)) throw error
      log.warn('the disk has no room for what processes share: the database is opened for this one alone', { path })
      return openChecked(path, backups, steps, log, true)
    }
  }
  let db: Connection
  try {
    db = open()
  } catch (caught) {
    const error = fromSqlite(caught)
    if (!(error instanceof SnugError) || error.code !== 'db/damaged') throw error
    log.error('the database is damaged', { path, message: error.message })
    const kept = setAside(path)
    const backupAt = restoreNewest(path, backups, latestVersion(steps), log)
    notice = backupAt === null ? { kind: 'fresh', kept } : { kind: 'restored', kept, backupAt }
    log.warn('the damaged database was set aside', { ...notice })
    db = open()
  }

  return {
    path,
    notice,
    models: new ModelsRepository(db),
    downloads: new DownloadsRepository(db),
    conversations: new ConversationsRepository(db),
    messages: new MessagesRepository(db),
    drafts: new DraftsRepository(db),
    settings: new SettingsRepository(db),
    calibrations: new CalibrationsRepository(db),
    measuredSpeeds: new MeasuredSpeedsRepository(db),
    speedSamples: new SpeedSamplesRepository(db),
    freeMemory: new FreeMemoryRepository(db),
    loads: new LoadsRepository(db),
    transaction: (work) => {
      try {
        return db.transaction(work).immediate()
      } catch (error) {
        throw fromSqlite(error)
      }
    },
    backupIfDue: () => dailyBackup(db, backups, log),
    close: () => {
      db.close()
    },
  }
}

/**
 * On a disk without a free byte the index of the log (`-shm`), which processes share, cannot be made. A process that has the file to itself
 * keeps it in its memory (sqlite.org/wal.html, “Use of WAL Without Shared-Memory”), so that everything can be read and the app starts.
 */
function lacksSharedMemory(error: unknown): boolean {
  return error instanceof Database.SqliteError && /^SQLITE_IOERR_SHM(SIZE|MAP|OPEN)$/.test(error.code)
}

function openChecked(path: string, backups: string, steps: readonly Migration[], log: Log, alone = false): Connection {
  const size = sizeOf(path)
  // A log that is still there was not folded in: the last process did not close, or another one is running.
  const unclean = sizeOf(`${path}-wal`) > 0
  // To look without writing needs what is shared.
  if (size > 0 && !alone) refuseNewer(path, latestVersion(steps))
  // An empty or missing file although there were chats to back up: something took it away.
  else if (size === 0 && !unclean && backupsIn(backups).length > 0)
    throw new SnugError('db/damaged', 'the database is empty or gone, its backups are not')

  const db = new Database(path, { timeout: 5_000 })
  try {
    if (alone) {
      set(db, 'locking_mode = EXCLUSIVE', 'locking_mode', 'exclusive')
      refuseFuture(versionOf(db), latestVersion(steps))
    }
    configure(db)
    if (unclean) quickCheck(db)
    migrate(db, (from) => void backupNow(db, backups, `v${from}`, log), steps)
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

/** On a connection that cannot write, so that a file from the future keeps every byte. */
function refuseNewer(path: string, latest: number): void {
  const db = new Database(path, { readonly: true, timeout: 5_000 })
  try {
    refuseFuture(versionOf(db), latest)
  } finally {
    db.close()
  }
}

/** Each setting is read back: a pragma that does not exist or does not hold is silent otherwise. */
export function configure(db: Connection): void {
  set(db, 'journal_mode = WAL', 'journal_mode', 'wal')
  // better-sqlite3 is built with NORMAL for WAL, which may lose the last commits at a power cut.
  set(db, 'synchronous = FULL', 'synchronous', 2)
  set(db, 'foreign_keys = ON', 'foreign_keys', 1)
  set(db, 'busy_timeout = 5000', 'busy_timeout', 5_000)
  set(db, 'trusted_schema = OFF', 'trusted_schema', 0)
  set(db, 'cell_size_check = ON', 'cell_size_check', 1)
  if (process.platform === 'darwin') {
    // macOS answers fsync from the drive's cache unless asked for the full form.
    set(db, 'fullfsync = ON', 'fullfsync', 1)
    set(db, 'checkpoint_fullfsync = ON', 'checkpoint_fullfsync', 1)
  }
}

function set(db: Connection, pragma: string, name: string, expected: string | number): void {
  db.pragma(pragma)
  const found: unknown = db.pragma(name, { simple: true })
  if (found !== expected) throw new SnugError('internal/bug', `SQLite keeps ${name} = ${String(found)}, not ${expected}`)
}

function quickCheck(db: Connection): void {
  const found: unknown = db.pragma('quick_check(1)', { simple: true })
  if (found !== 'ok') throw new SnugError('db/damaged', `quick_check: ${String(found)}`)
}

function sizeOf(path: string): number {
  return existsSync(path) ? statSync(path).size : 0
}
