import type { Backend } from '@shared/domain/hardware'
import type { LoadSample } from '@shared/domain/loads'
import { type Connection, guarded } from '../sqlite'

/** One load. Bytes are whole, times milliseconds. */
export interface LoadRow extends LoadSample {
  key: string
  backend: Backend
  gpuLayers: number
  useMmap: 0 | 1
  at: number
}

/** Of one model with so many layers on a card; and of all. */
const keptOfPlan = 9
const keptInAll = 200

export class LoadsRepository {
  readonly #all
  readonly #put
  readonly #dropOthers
  readonly #dropOfPlan
  readonly #dropOldest
  readonly #beyond
  readonly #save

  constructor(readonly db: Connection) {
    this.#all = db.prepare<[], LoadRow>('SELECT * FROM loads ORDER BY id')
    this.#put = db.prepare<[LoadRow]>(
      `INSERT INTO loads (key, modelId, backend, gpuLayers, useMmap, weightBytes, loadMs, predictedBytes, reportedBytes, beyondBytes, at)
       VALUES (@key, @modelId, @backend, @gpuLayers, @useMmap, @weightBytes, @loadMs, @predictedBytes, @reportedBytes, @beyondBytes, @at)`,
    )
    this.#dropOthers = db.prepare<[string, string]>('DELETE FROM loads WHERE backend = ? AND key <> ?')
    this.#dropOfPlan = db.prepare<[string, string, number, number]>(
      `DELETE FROM loads WHERE id IN (
         SELECT id FROM loads WHERE modelId = ? AND backend = ? AND gpuLayers = ? ORDER BY id DESC LIMIT -1 OFFSET ?)`,
    )
    this.#dropOldest = db.prepare<[number]>('DELETE FROM loads WHERE id IN (SELECT id FROM loads ORDER BY id DESC LIMIT -1 OFFSET ?)')
    this.#beyond = db.prepare<[number, number]>('UPDATE loads SET beyondBytes = ? WHERE id = ?')
    this.#save = db.transaction((row: LoadRow): number => {
      this.#dropOthers.run(row.backend, row.key)
      const id = Number(this.#put.run(row).lastInsertRowid)
      this.#dropOfPlan.run(row.modelId, row.backend, row.gpuLayers, keptOfPlan)
      this.#dropOldest.run(keptInAll)
      return id
    })
  }

  /** Oldest first. */
  all(): LoadRow[] {
    return guarded(() => this.#all.all())
  }

  /** Drops what another driver or engine took with this backend, and the oldest of the same plan. Gives the row's id. */
  put(row: LoadRow): number {
    return guarded(() => this.#save(row))
  }

  setBeyond(id: number, beyondBytes: number): void {
    guarded(() => this.#beyond.run(beyondBytes, id))
  }
}
