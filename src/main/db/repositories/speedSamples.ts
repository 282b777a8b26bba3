import type { KvCacheType } from '@shared/domain/gguf'
import type { Backend } from '@shared/domain/hardware'
import { type Connection, guarded } from '../sqlite'

/** A reply: its plan, what it reached, and what was predicted for it. Tokens per second. */
export interface SpeedSampleRow {
  key: string
  modelId: string
  backend: Backend
  gpuLayers: number
  totalLayers: number
  threads: number
  contextSize: number
  kvCacheType: KvCacheType
  mixture: 0 | 1
  /** Tokens before the middle of the reply. */
  depth: number
  decode: number
  decodePredicted: number
  /** null: too little of the prompt was new. */
  prefill: number | null
  prefillPredicted: number | null
  at: number
}

/** Of one model with one plan; and of all. */
const keptOfPlan = 9
const keptInAll = 400

export class SpeedSamplesRepository {
  readonly #all
  readonly #put
  readonly #dropOthers
  readonly #dropOfPlan
  readonly #dropOldest
  readonly #save

  constructor(readonly db: Connection) {
    this.#all = db.prepare<[], SpeedSampleRow>('SELECT * FROM speedSamples ORDER BY id')
    this.#put = db.prepare<[SpeedSampleRow]>(
      `INSERT INTO speedSamples (key, modelId, backend, gpuLayers, totalLayers, threads, contextSize, kvCacheType, mixture, depth,
         decode, decodePredicted, prefill, prefillPredicted, at)
       VALUES (@key, @modelId, @backend, @gpuLayers, @totalLayers, @threads, @contextSize, @kvCacheType, @mixture, @depth,
         @decode, @decodePredicted, @prefill, @prefillPredicted, @at)`,
    )
    this.#dropOthers = db.prepare<[string, string]>('DELETE FROM speedSamples WHERE backend = ? AND key <> ?')
    this.#dropOfPlan = db.prepare<[string, string, number, number]>(
      `DELETE FROM speedSamples WHERE id IN (
         SELECT id FROM speedSamples WHERE modelId = ? AND backend = ? AND gpuLayers = ? ORDER BY id DESC LIMIT -1 OFFSET ?)`,
    )
    this.#dropOldest = db.prepare<[number]>(
      'DELETE FROM speedSamples WHERE id IN (SELECT id FROM speedSamples ORDER BY id DESC LIMIT -1 OFFSET ?)',
    )
    this.#save = db.transaction((row: SpeedSampleRow) => {
      this.#dropOthers.run(row.backend, row.key)
      this.#put.run(row)
      this.#dropOfPlan.run(row.modelId, row.backend, row.gpuLayers, keptOfPlan)
      this.#dropOldest.run(keptInAll)
    })
  }

  all(): SpeedSampleRow[] {
    return guarded(() => this.#all.all())
  }

  /** Drops what another driver, engine or calibration measured with this backend, and the oldest of the same plan. */
  put(row: SpeedSampleRow): void {
    guarded(() => this.#save(row))
  }
}
