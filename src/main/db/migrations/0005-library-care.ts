import type { Migration } from '../migrate'

/**
 * What a person keeps for one model, and what is known of the bytes of a file: their hash as they were read here (also where no hub has
 * said what it should be), and when they were read last.
 */
export const libraryCare: Migration = {
  version: 5,
  up: (db) =>
    void db.exec(`
ALTER TABLE models ADD COLUMN preset TEXT;
ALTER TABLE models ADD COLUMN fileSha256 TEXT;
ALTER TABLE models ADD COLUMN checkedAt INTEGER;
`),
}
