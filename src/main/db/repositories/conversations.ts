import type { ConversationSettings, ConversationSummary } from '@shared/domain/chat'
import { type Connection, guarded } from '../sqlite'

export interface ConversationRow extends ConversationSummary {
  modelId: string | null
  system: string | null
  /** As it was stored; the service fills in what a newer version added. */
  settings: ConversationSettings
  leafId: string | null
  deletedAt: number | null
}

interface Stored extends Omit<ConversationRow, 'settings'> {
  settings: string
}

const columns = ['id', 'title', 'modelId', 'system', 'settings', 'leafId', 'createdAt', 'updatedAt', 'deletedAt'] as const

export class ConversationsRepository {
  readonly #list
  readonly #get
  readonly #save
  readonly #purge

  constructor(readonly db: Connection) {
    this.#list = db.prepare<[], ConversationSummary>(
      'SELECT id, title, updatedAt, createdAt FROM conversations WHERE deletedAt IS NULL ORDER BY updatedAt DESC, createdAt DESC, id',
    )
    this.#get = db.prepare<[string], Stored>('SELECT * FROM conversations WHERE id = ?')
    this.#save = db.prepare<[Stored]>(
      `INSERT INTO conversations (${columns.join(', ')}) VALUES (${columns.map((name) => `@${name}`).join(', ')})
       ON CONFLICT (id) DO UPDATE SET ${columns
         .slice(1)
         .map((name) => `${name} = excluded.${name}`)
         .join(', ')}`,
    )
    this.#purge = db.prepare<[number], { id: string }>('DELETE FROM conversations WHERE deletedAt <= ? RETURNING id')
  }

  /** Those not deleted, newest change first. */
  list(): ConversationSummary[] {
    return guarded(() => this.#list.all())
  }

  get(id: string): ConversationRow | undefined {
    const stored = guarded(() => this.#get.get(id))
    return stored === undefined ? undefined : { ...stored, settings: JSON.parse(stored.settings) as ConversationSettings }
  }

  save(row: ConversationRow): void {
    guarded(() => this.#save.run({ ...row, settings: JSON.stringify(row.settings) }))
  }

  /** Really deletes what was deleted at that time or before, messages included. */
  purge(deletedBefore: number): string[] {
    return guarded(() => this.#purge.all(deletedBefore)).map((row) => row.id)
  }
}
