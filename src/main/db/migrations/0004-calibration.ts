import type { Migration } from '../migrate'

/**
 * What this machine was measured to do. `key` says of which backend, device, driver, engine and processor; of each backend the newest counts.
 * Rates of models are averages that forget slowly; those measured before this step begin them.
 */
export const calibration: Migration = {
  version: 4,
  up: (db) =>
    void db.exec(`
CREATE TABLE calibrations (
  backend TEXT PRIMARY KEY NOT NULL,
  key TEXT NOT NULL,
  result TEXT NOT NULL,
  at INTEGER NOT NULL
) STRICT;
CREATE TABLE measuredSpeeds (
  modelId TEXT PRIMARY KEY NOT NULL,
  decode REAL NOT NULL,
  prefill REAL,
  replies INTEGER NOT NULL,
  at INTEGER NOT NULL
) STRICT;
INSERT INTO measuredSpeeds
  SELECT id, measuredTokensPerSecond, NULL, 1, addedAt FROM models WHERE measuredTokensPerSecond > 0;
`),
}
