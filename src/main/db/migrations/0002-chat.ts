import type { Migration } from '../migrate'

/**
 * Conversations as trees of messages. `seq` keeps the order of creation where two messages share a millisecond, and will be the row
 * number of the search index. `models` may forget a row, a message keeps the model's name.
 */
export const chat: Migration = {
  version: 2,
  up: (db) =>
    void db.exec(`
CREATE TABLE conversations (
  id TEXT PRIMARY KEY NOT NULL,
  title TEXT NOT NULL,
  modelId TEXT,
  system TEXT,
  settings TEXT NOT NULL,
  leafId TEXT,
  createdAt INTEGER NOT NULL,
  updatedAt INTEGER NOT NULL,
  deletedAt INTEGER
) STRICT;
CREATE INDEX conversations_updatedAt ON conversations (updatedAt) WHERE deletedAt IS NULL;

CREATE TABLE messages (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  conversationId TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
  parentId TEXT REFERENCES messages (id),
  role TEXT NOT NULL CHECK (role IN ('system', 'user', 'assistant')),
  status TEXT NOT NULL CHECK (status IN ('streaming', 'done', 'stopped', 'interrupted', 'failed')),
  modelId TEXT,
  modelName TEXT,
  promptSettings TEXT,
  segments TEXT NOT NULL,
  raw TEXT NOT NULL DEFAULT '',
  stats TEXT,
  error TEXT,
  createdAt INTEGER NOT NULL
) STRICT;
CREATE INDEX messages_conversation ON messages (conversationId, seq);
CREATE INDEX messages_parent ON messages (parentId);
CREATE INDEX messages_streaming ON messages (status) WHERE status = 'streaming';
`),
}
