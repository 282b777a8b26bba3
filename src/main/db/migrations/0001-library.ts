import type { Migration } from '../migrate'

/** Model files, downloads and settings. Times are milliseconds since 1970, sizes are bytes. */
export const library: Migration = {
  version: 1,
  up: (db) =>
    void db.exec(`
CREATE TABLE settings (
  key TEXT PRIMARY KEY NOT NULL,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE models (
  id TEXT PRIMARY KEY NOT NULL,
  path TEXT NOT NULL UNIQUE,
  sizeBytes INTEGER NOT NULL,
  mtimeMs REAL NOT NULL,
  headerSha TEXT,
  sha256 TEXT,
  origin TEXT NOT NULL CHECK (origin IN ('download', 'added', 'watched', 'starter', 'scripted')),
  state TEXT NOT NULL CHECK (state IN ('verified', 'own', 'missing', 'damaged')),
  facts TEXT,
  thinking TEXT,
  repository TEXT,
  revision TEXT,
  problem TEXT,
  measuredTokensPerSecond REAL,
  addedAt INTEGER NOT NULL,
  removedAt INTEGER
) STRICT;
CREATE INDEX models_headerSha ON models (headerSha);

CREATE TABLE downloads (
  id TEXT PRIMARY KEY NOT NULL,
  repository TEXT NOT NULL,
  file TEXT NOT NULL,
  revision TEXT NOT NULL,
  folder TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'paused', 'verifying', 'done', 'failed', 'cancelled')),
  parts TEXT NOT NULL,
  error TEXT,
  modelId TEXT REFERENCES models (id) ON DELETE SET NULL,
  createdAt INTEGER NOT NULL,
  updatedAt INTEGER NOT NULL
) STRICT;
CREATE INDEX downloads_file ON downloads (repository, file);
`),
}
