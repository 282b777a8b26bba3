import type { FreeSample } from '@shared/domain/usualMemory'
import { type Connection, guarded } from '../sqlite'

export interface FreeMemoryRow extends FreeSample {
  /** See `memoryKey`. */
  device: string
}

export class FreeMemoryRepository {
  readonly #ofDevice
  readonly #put
  readonly #drop
  readonly #save

  constructor(readonly db: Connection) {
    this.#ofDevice = db.prepare<[string], FreeSample>(
      'SELECT quarter, freeBytes, totalBytes FROM freeMemory WHERE device = ? ORDER BY quarter',
    )
    // The app and the command line look at the same time: both count. Another total is another memory, and begins anew.
    this.#put = db.prepare<[FreeMemoryRow]>(
      `INSERT INTO freeMemory (device, quarter, freeBytes, totalBytes, looks) VALUES (@device, @quarter, @freeBytes, @totalBytes, 1)
       ON CONFLICT (device, quarter) DO UPDATE SET
         freeBytes = CASE WHEN totalBytes = excluded.totalBytes
           THEN (freeBytes * looks + excluded.freeBytes) / (looks + 1) ELSE excluded.freeBytes END,
         looks = CASE WHEN totalBytes = excluded.totalBytes THEN looks + 1 ELSE 1 END,
         totalBytes = excluded.totalBytes`,
    )
    this.#drop = db.prepare<[number, number]>('DELETE FROM freeMemory WHERE quarter < ? OR quarter > ?')
    this.#save = db.transaction((rows: readonly FreeMemoryRow[], oldest: number, newest: number) => {
      for (const row of rows) this.#put.run(row)
      this.#drop.run(oldest, newest)
    })
  }

  ofDevice(device: string): FreeSample[] {
    return guarded(() => this.#ofDevice.all(device))
  }

  /** Bytes are whole; quarters before the oldest, and those of a clock that was wrong, go. */
  add(rows: readonly FreeMemoryRow[], oldest: number, newest: number): void {
    guarded(() => this.#save(rows, oldest, newest))
  }
}
