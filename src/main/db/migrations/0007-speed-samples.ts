import type { Migration } from '../migrate'

/**
 * What each reply measured beside what was predicted for its plan and depth. `key` is that of `calibrations`, with when it was measured:
 * a sample of another driver, engine or calibration says nothing of the machine as it is now.
 */
export const speedSamples: Migration = {
  version: 7,
  up: (db) =>
    void db.exec(`
CREATE TABLE speedSamples (
  id INTEGER PRIMARY KEY NOT NULL,
  key TEXT NOT NULL,
  modelId TEXT NOT NULL,
  backend TEXT NOT NULL,
  gpuLayers INTEGER NOT NULL,
  totalLayers INTEGER NOT NULL,
  threads INTEGER NOT NULL,
  contextSize INTEGER NOT NULL,
  kvCacheType TEXT NOT NULL,
  mixture INTEGER NOT NULL,
  depth INTEGER NOT NULL,
  decode REAL NOT NULL,
  decodePredicted REAL NOT NULL,
  prefill REAL,
  prefillPredicted REAL,
  at INTEGER NOT NULL
) STRICT;
CREATE INDEX speedSamplesByModel ON speedSamples (modelId, backend, gpuLayers);
`),
}
