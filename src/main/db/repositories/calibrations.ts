import type { Calibration } from '@shared/domain/calibration'
import { type Connection, fromJson, guarded } from '../sqlite'

export interface CalibrationRow {
  key: string
  calibration: Calibration
  at: number
}

export class CalibrationsRepository {
  readonly #all
  readonly #put

  constructor(readonly db: Connection) {
    this.#all = db.prepare<[], { key: string; result: string; at: number }>('SELECT key, result, at FROM calibrations ORDER BY backend')
    this.#put = db.prepare<[string, string, string, number]>(
      `INSERT INTO calibrations (backend, key, result, at) VALUES (?, ?, ?, ?)
       ON CONFLICT (backend) DO UPDATE SET key = excluded.key, result = excluded.result, at = excluded.at`,
    )
  }

  all(): CalibrationRow[] {
    return guarded(() => this.#all.all()).map(({ key, result, at }) => ({ key, at, calibration: fromJson(result) as Calibration }))
  }

  put({ key, calibration, at }: CalibrationRow): void {
    guarded(() => this.#put.run(calibration.backend, key, JSON.stringify(calibration), at))
  }
}
