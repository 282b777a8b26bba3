import { median } from '@shared/domain/calibration'
import type { Migration } from '../migrate'

interface Sample {
  key: string
  modelId: string
  backend: string
  gpuLayers: number
  kvCacheType: string
  decode: number
  prefill: number | null
  at: number
}

/**
 * A measured speed belongs to the plan it was measured with, and to the machine (`key`: backend, device, driver, engine, processor). What was
 * kept without a plan goes; the samples of replies have one each. Their key names the calibrations, too, after an @.
 */
export const measuredPlans: Migration = {
  version: 9,
  up: (db) => {
    db.exec(`
DROP TABLE measuredSpeeds;
CREATE TABLE measuredSpeeds (
  modelId TEXT NOT NULL,
  backend TEXT NOT NULL,
  gpuLayers INTEGER NOT NULL,
  kvCacheType TEXT NOT NULL,
  key TEXT NOT NULL,
  decode REAL NOT NULL,
  prefill REAL,
  replies INTEGER NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (modelId, backend, gpuLayers, kvCacheType)
) STRICT, WITHOUT ROWID;
`)
    const groups = new Map<string, Sample[]>()
    for (const row of db.prepare<[], Sample>('SELECT * FROM speedSamples ORDER BY id').all()) {
      const plan = JSON.stringify([row.modelId, row.backend, row.gpuLayers, row.kvCacheType])
      groups.set(plan, [...(groups.get(plan) ?? []), row])
    }
    const put = db.prepare<[string, string, number, string, string, number, number | null, number, number]>(
      'INSERT INTO measuredSpeeds (modelId, backend, gpuLayers, kvCacheType, key, decode, prefill, replies, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
    )
    const machineOf = ({ key }: Sample): string => key.split('@')[0] ?? key
    for (const rows of groups.values()) {
      const last = rows.at(-1)
      if (last === undefined) continue
      const same = rows.filter((row) => machineOf(row) === machineOf(last))
      const prefill = same.flatMap((row) => (row.prefill === null ? [] : [row.prefill]))
      put.run(
        last.modelId,
        last.backend,
        last.gpuLayers,
        last.kvCacheType,
        machineOf(last),
        median(same.map(({ decode }) => decode)),
        prefill.length === 0 ? null : median(prefill),
        same.length,
        last.at,
      )
    }
  },
}
