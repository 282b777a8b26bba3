import type { Calibration } from '@shared/domain/calibration'
import { type Connection, fromJson, guarded } from '../sqlite'

export interface CalibrationRow {
  key: string
  calibration: Calibration
  at: number
}

/** Tokens per second of a model here, averaged over its replies. */
export interface MeasuredSpeedRow {
  modelId: string
  decode: number
  prefill: number | null
  replies: number
  at: number
}

export class CalibrationsRepository {
  readonly #all
  readonly #put
  readonly #speeds
  readonly #speed
  readonly #putSpeed

  constructor(readonly db: Connection) {
    this.#all = db.prepare<[], { key: string; result: string; at: number }>('SELECT key, result, at FROM calibrations ORDER BY backend')
    this.#put = db.prepare<[string, string, string, number]>(
      `INSERT INTO calibrations (backend, key, result, at) VALUES (?, ?, ?, ?)
       ON CONFLICT (backend) DO UPDATE SET key = excluded.key, result = excluded.result, at = excluded.at`,
    )
    this.#speeds = db.prepare<[], MeasuredSpeedRow>('SELECT * FROM measuredSpeeds ORDER BY at DESC, modelId')
    this.#speed = db.prepare<[string], MeasuredSpeedRow>('SELECT * FROM measuredSpeeds WHERE modelId = ?')
    this.#putSpeed = db.prepare<[MeasuredSpeedRow]>(
      `INSERT INTO measuredSpeeds (modelId, decode, prefill, replies, at) VALUES (@modelId, @decode, @prefill, @replies, @at)
       ON CONFLICT (modelId) DO UPDATE SET decode = excluded.decode, prefill = excluded.prefill, replies = excluded.replies, at = excluded.at`,
    )
  }

  all(): CalibrationRow[] {
    return guarded(() => this.#all.all()).map(({ key, result, at }) => ({ key, at, calibration: fromJson(result) as Calibration }))
  }

  put({ key, calibration, at }: CalibrationRow): void {
    guarded(() => this.#put.run(calibration.backend, key, JSON.stringify(calibration), at))
  }

  speeds(): MeasuredSpeedRow[] {
    return guarded(() => this.#speeds.all())
  }

  speed(modelId: string): MeasuredSpeedRow | undefined {
    return guarded(() => this.#speed.get(modelId))
  }

  putSpeed(row: MeasuredSpeedRow): void {
    guarded(() => this.#putSpeed.run(row))
  }
}
