import { indexTokens } from '@shared/domain/messageSearch'
import type { Migration } from '../migrate'
import { searchable } from '../repositories/messageIndex'

/** Rows that are read at a time: a connection that is being read from cannot write. */
const batch = 500

/**
 * Full-text search of answers and of what a person wrote. The words come from our own code, because no tokenizer of FTS5 finds one or two
 * characters of Chinese; so the repository writes them in the message's transaction, and a trigger only takes away what is deleted. The
 * table holds no text of its own, its row number is the message's `seq`.
 */
export const messageSearch: Migration = {
  version: 12,
  up: (db) => {
    db.exec(`
CREATE VIRTUAL TABLE messageIndex USING fts5(tokens, content = '', contentless_delete = 1, tokenize = 'ascii');
CREATE TRIGGER messages_unindexed AFTER DELETE ON messages BEGIN
  DELETE FROM messageIndex WHERE rowid = old.seq;
END;
`)
    const next = db.prepare<[number, number], { seq: number; segments: string }>(
      "SELECT seq, segments FROM messages WHERE seq > ? AND status <> 'streaming' ORDER BY seq LIMIT ?",
    )
    const put = db.prepare<[number, string]>('INSERT INTO messageIndex (rowid, tokens) VALUES (?, ?)')
    for (let rows = next.all(0, batch); rows.length > 0; rows = next.all(rows.at(-1)?.seq ?? 0, batch)) {
      for (const { seq, segments } of rows) put.run(seq, indexTokens(searchable(segments)))
    }
  },
}
