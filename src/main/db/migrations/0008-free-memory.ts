import type { Migration } from '../migrate'

/**
 * What each memory had free, one row a quarter of an hour: the mean of so many looks. Our own loaded model counts as free. Rows older than
 * a week go when new ones come.
 */
export const freeMemory: Migration = {
  version: 8,
  up: (db) =>
    void db.exec(`
CREATE TABLE freeMemory (
  device TEXT NOT NULL,
  quarter INTEGER NOT NULL,
  freeBytes INTEGER NOT NULL,
  totalBytes INTEGER NOT NULL,
  looks INTEGER NOT NULL,
  PRIMARY KEY (device, quarter)
) STRICT, WITHOUT ROWID;
`),
}
