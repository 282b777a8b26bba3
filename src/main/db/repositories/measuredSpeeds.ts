import type { KvCacheType } from '@shared/domain/gguf'
import type { Backend } from '@shared/domain/hardware'
import { type Connection, guarded } from '../sqlite'

/** Tokens per second of a model with one plan on one machine: the median of its last replies. */
export interface MeasuredSpeedRow {
  modelId: string
  backend: Backend
  gpuLayers: number
  kvCacheType: KvCacheType
  /** The machine that it was measured on; another one takes its place. */
  key: string
  decode: number
  prefill: number | null
  replies: number
  at: number
}

export class MeasuredSpeedsRepository {
  readonly #all
  readonly #put

  constructor(readonly db: Connection) {
    this.#all = db.prepare<[], MeasuredSpeedRow>('SELECT * FROM measuredSpeeds ORDER BY at DESC, modelId')
    this.#put = db.prepare<[MeasuredSpeedRow]>(
      `INSERT INTO measuredSpeeds (modelId, backend, gpuLayers, kvCacheType, key, decode, prefill, replies, at)
       VALUES (@modelId, @backend, @gpuLayers, @kvCacheType, @key, @decode, @prefill, @replies, @at)
       ON CONFLICT (modelId, backend, gpuLayers, kvCacheType) DO UPDATE SET
         key = excluded.key, decode = excluded.decode, prefill = excluded.prefill, replies = excluded.replies, at = excluded.at`,
    )
  }

  /** The newest first. */
  all(): MeasuredSpeedRow[] {
    return guarded(() => this.#all.all())
  }

  put(row: MeasuredSpeedRow): void {
    guarded(() => this.#put.run(row))
  }
}
