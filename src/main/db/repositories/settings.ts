import { type Connection, guarded } from '../sqlite'

/** One row for each setting, its value as JSON; what it may be is the service's to check. */
export class SettingsRepository {
  readonly #all
  readonly #put
  readonly #remove

  constructor(readonly db: Connection) {
    this.#all = db.prepare<[], { key: string; value: string }>('SELECT key, value FROM settings')
    this.#put = db.prepare<[string, string]>(
      'INSERT INTO settings (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
    )
    this.#remove = db.prepare<[string]>('DELETE FROM settings WHERE key = ?')
  }

  all(): Map<string, string> {
    return guarded(() => new Map(this.#all.all().map((row) => [row.key, row.value])))
  }

  /** All or nothing; `undefined` removes the row. */
  put(values: Record<string, unknown>): void {
    guarded(() =>
      this.db
        .transaction(() => {
          for (const [key, value] of Object.entries(values)) {
            if (value === undefined) this.#remove.run(key)
            else this.#put.run(key, JSON.stringify(value))
          }
        })
        .immediate(),
    )
  }
}
