import type { Migration } from '../migrate'

/** What stands in a composer; the chat that does not exist yet has the id ''. A draft goes with its conversation. */
export const drafts: Migration = {
  version: 3,
  up: (db) =>
    void db.exec(`
CREATE TABLE drafts (
  conversationId TEXT PRIMARY KEY NOT NULL,
  text TEXT NOT NULL
) STRICT;
CREATE TRIGGER drafts_gone AFTER DELETE ON conversations BEGIN
  DELETE FROM drafts WHERE conversationId = old.id;
END;
`),
}
