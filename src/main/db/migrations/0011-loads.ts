import type { Migration } from '../migrate'

/**
 * What each real load was predicted to take, and what it took. `key` is that of the device, driver and engine: a load with another one says
 * nothing of the machine as it is now. `beyondBytes` comes later, after the first prompt; null until then, and where nobody can tell.
 */
export const loads: Migration = {
  version: 11,
  up: (db) =>
    void db.exec(`
CREATE TABLE loads (
  id INTEGER PRIMARY KEY NOT NULL,
  key TEXT NOT NULL,
  modelId TEXT NOT NULL,
  backend TEXT NOT NULL,
  gpuLayers INTEGER NOT NULL,
  useMmap INTEGER NOT NULL,
  weightBytes INTEGER NOT NULL,
  loadMs REAL NOT NULL,
  predictedBytes INTEGER,
  reportedBytes INTEGER NOT NULL,
  beyondBytes INTEGER,
  at INTEGER NOT NULL
) STRICT;
CREATE INDEX loadsByModel ON loads (modelId, backend, gpuLayers);
`),
}
