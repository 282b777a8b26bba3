import type { DownloadState } from '@shared/domain/library'
import type { Bytes } from '@shared/domain/units'
import { type Connection, fromJson, guarded, toJsonOrNull } from '../sqlite'

/** What is known about one file of a download, and how much of it is durably on disk. */
export interface DownloadPartRow {
  file: string
  sizeBytes: Bytes
  sha256: string | null
  /** Git's own hash, of a file that is too small to have the other. */
  gitSha1?: string | null
  /** Of this file, where its source counts so. */
  revision?: string | undefined
  /** Nobody says what its bytes should be; `ownSha256` is what they were when they came. */
  unverified?: boolean | undefined
  ownSha256?: string | undefined
  etag: string | null
  /** The endpoint whose storage gave the ETag. */
  source?: string | undefined
  /** Ranges that were written and synced: [first byte, one past the last]. */
  ranges: [from: number, to: number][]
  /** Hash checked and moved to its final name. */
  done: boolean
  /** This download brought it, so a cancel may take it away; a file that was there before is left alone. */
  fetched?: boolean
}

export interface DownloadRow {
  id: string
  repository: string
  /** The file that was asked for: the only one, or the first part. */
  file: string
  /** The commit that all parts are taken from. */
  revision: string
  /** Where the file goes. */
  folder: string
  state: DownloadState
  parts: DownloadPartRow[]
  error: { code: string; message: string; data: Record<string, unknown> } | null
  modelId: string | null
  createdAt: number
  updatedAt: number
  /** Place in the queue: the smallest goes first. null: that of `createdAt`. */
  position?: number | null
}

interface Stored extends Omit<DownloadRow, 'parts' | 'error'> {
  parts: string
  error: string | null
}

const columns = [
  'id',
  'repository',
  'file',
  'revision',
  'folder',
  'state',
  'parts',
  'error',
  'modelId',
  'createdAt',
  'updatedAt',
  'position',
] as const

export class DownloadsRepository {
  readonly #all
  readonly #get
  readonly #byFile
  readonly #save
  readonly #move
  readonly #delete

  constructor(readonly db: Connection) {
    this.#all = db.prepare<[], Stored>('SELECT * FROM downloads ORDER BY createdAt, id')
    this.#get = db.prepare<[string], Stored>('SELECT * FROM downloads WHERE id = ?')
    this.#byFile = db.prepare<[string, string], Stored>(
      'SELECT * FROM downloads WHERE repository = ? AND file = ? ORDER BY createdAt DESC, id LIMIT 1',
    )
    // The place of a row that is there is told by `move` alone.
    this.#save = db.prepare<[Stored]>(
      `INSERT INTO downloads (${columns.join(', ')}) VALUES (${columns.map((name) => `@${name}`).join(', ')})
       ON CONFLICT (id) DO UPDATE SET ${columns
         .slice(1, -1)
         .map((name) => `${name} = excluded.${name}`)
         .join(', ')}`,
    )
    this.#move = db.prepare<[number, string]>('UPDATE downloads SET position = ? WHERE id = ?')
    this.#delete = db.prepare<[string]>('DELETE FROM downloads WHERE id = ?')
  }

  all(): DownloadRow[] {
    return guarded(() => this.#all.all().map(toRow))
  }

  get(id: string): DownloadRow | undefined {
    const stored = guarded(() => this.#get.get(id))
    return stored === undefined ? undefined : toRow(stored)
  }

  /** The newest row of that file, whatever its state. */
  byFile(repository: string, file: string): DownloadRow | undefined {
    const stored = guarded(() => this.#byFile.get(repository, file))
    return stored === undefined ? undefined : toRow(stored)
  }

  save(row: DownloadRow): void {
    guarded(() =>
      this.#save.run({ ...row, position: row.position ?? null, parts: JSON.stringify(row.parts), error: toJsonOrNull(row.error) }),
    )
  }

  update(id: string, patch: Partial<Omit<DownloadRow, 'id'>>): DownloadRow | undefined {
    const row = this.get(id)
    if (row === undefined) return undefined
    const changed = { ...row, updatedAt: Date.now(), ...patch }
    this.save(changed)
    return changed
  }

  /** Nothing else of the row: another process may be writing it. */
  move(id: string, position: number): void {
    guarded(() => this.#move.run(position, id))
  }

  delete(id: string): void {
    guarded(() => this.#delete.run(id))
  }
}

function toRow(stored: Stored): DownloadRow {
  return {
    ...stored,
    parts: fromJson(stored.parts) as DownloadPartRow[],
    error: fromJson(stored.error) as DownloadRow['error'],
  }
}
