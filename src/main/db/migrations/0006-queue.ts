import type { Migration } from '../migrate'

/** Downloads have a place in the queue. */
export const queue: Migration = {
  version: 6,
  up: (db) => void db.exec('ALTER TABLE downloads ADD COLUMN position REAL'),
}
