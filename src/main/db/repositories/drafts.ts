import { type Connection, guarded } from '../sqlite'

/** One text for each conversation; null is the chat that does not exist yet. */
export class DraftsRepository {
  readonly #get
  readonly #put
  readonly #remove

  constructor(readonly db: Connection) {
    this.#get = db.prepare<[string], { text: string }>('SELECT text FROM drafts WHERE conversationId = ?')
    this.#put = db.prepare<[string, string]>(
      'INSERT INTO drafts (conversationId, text) VALUES (?, ?) ON CONFLICT (conversationId) DO UPDATE SET text = excluded.text',
    )
    this.#remove = db.prepare<[string]>('DELETE FROM drafts WHERE conversationId = ?')
  }

  get(conversationId: string | null): string {
    return guarded(() => this.#get.get(conversationId ?? ''))?.text ?? ''
  }

  put(conversationId: string | null, text: string): void {
    guarded(() => (text === '' ? this.#remove.run(conversationId ?? '') : this.#put.run(conversationId ?? '', text)))
  }
}
