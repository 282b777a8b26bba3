import { SnugError } from '@shared/errors'
import { library } from './migrations/0001-library'
import { chat } from './migrations/0002-chat'
import { drafts } from './migrations/0003-drafts'
import { calibration } from './migrations/0004-calibration'
import { libraryCare } from './migrations/0005-library-care'
import { queue } from './migrations/0006-queue'
import { speedSamples } from './migrations/0007-speed-samples'
import { freeMemory } from './migrations/0008-free-memory'
import { measuredPlans } from './migrations/0009-measured-plans'
import { promisedHashes } from './migrations/0010-promised-hashes'
import { loads } from './migrations/0011-loads'
import { messageSearch } from './migrations/0012-message-search'
import type { Connection } from './sqlite'

export interface Migration {
  version: number
  up: (db: Connection) => void
}

/** Append-only: a released migration is never edited, the next one gets the next number. */
export const migrations: readonly Migration[] = [
  library,
  chat,
  drafts,
  calibration,
  libraryCare,
  queue,
  speedSamples,
  freeMemory,
  measuredPlans,
  promisedHashes,
  loads,
  messageSearch,
]

export function latestVersion(list: readonly Migration[] = migrations): number {
  return list.at(-1)?.version ?? 0
}

export function versionOf(db: Connection): number {
  return Number(db.pragma('user_version', { simple: true }))
}

export function refuseFuture(version: number, latest: number): void {
  if (version > latest) throw new SnugError('db/from-future', `database is v${version}, this build knows v${latest}`, { version, latest })
}

/**
 * Brings the schema up to date: one transaction for each step, its number set inside it, so a kill leaves the old or the new version.
 * The number is read again under the write lock, because the app and the command line may start in the same moment. `beforeFirst`: what
 * was there before all of them is what a person would go back to; a backup of each step would push the older ones out.
 */
export function migrate(db: Connection, beforeFirst: (from: number) => void = () => {}, list: readonly Migration[] = migrations): void {
  const first = versionOf(db)
  for (const { version, up } of list) {
    const from = versionOf(db)
    if (from >= version) continue
    if (from > 0 && from === first) beforeFirst(from)
    db.transaction(() => {
      if (versionOf(db) >= version) return
      up(db)
      db.pragma(`user_version = ${version}`)
    }).immediate()
  }
}
