import type { Role, Segment } from '@shared/domain/chat'
import { indexTokens, matchExpression } from '@shared/domain/messageSearch'
import { type Connection, fromJson } from '../sqlite'

export interface FoundMessage {
  conversationId: string
  messageId: string
  /** Of the conversation. */
  title: string
  role: Role
  createdAt: number
  text: string
}

interface Match {
  seq: number
  conversationId: string
}

/** Hits in all, and of one chat: one that is all about a word must not hide the others. */
const mostHits = 30
const mostInChat = 3
/** Rows looked at for them: a character that is everywhere costs no more than this. */
const mostRows = 2_000

/** What of a message is looked through: thoughts are not. */
export function searchable(segments: string): string {
  return (fromJson(segments) as Segment[]).map(({ kind, text }) => (kind === 'answer' ? text : '')).join('')
}

/** The words of every message that is not being written; kept by MessagesRepository. */
export class MessageIndex {
  readonly #remove
  readonly #insert
  readonly #matches
  readonly #found

  constructor(db: Connection) {
    this.#remove = db.prepare<[number]>('DELETE FROM messageIndex WHERE rowid = ?')
    this.#insert = db.prepare<[number, string]>('INSERT INTO messageIndex (rowid, tokens) VALUES (?, ?)')
    // CROSS JOIN: the index first, whatever the planner thinks of it.
    this.#matches = db.prepare<[string, number], Match>(
      `SELECT messages.seq, messages.conversationId FROM messageIndex
       CROSS JOIN messages ON messages.seq = messageIndex.rowid
       CROSS JOIN conversations ON conversations.id = messages.conversationId AND conversations.deletedAt IS NULL
       WHERE messageIndex MATCH ? ORDER BY messageIndex.rowid DESC LIMIT ?`,
    )
    this.#found = db.prepare<[number], Omit<FoundMessage, 'text'> & { segments: string }>(
      `SELECT messages.conversationId, messages.id AS messageId, conversations.title, messages.role, messages.createdAt, messages.segments
       FROM messages JOIN conversations ON conversations.id = messages.conversationId WHERE messages.seq = ?`,
    )
  }

  /** In the transaction that writes the message. */
  put(seq: number, segments: string): void {
    this.#remove.run(seq)
    this.#insert.run(seq, indexTokens(searchable(segments)))
  }

  /** Newest first; `more`: there are others. */
  find(query: string): { found: FoundMessage[]; more: boolean } {
    const expression = matchExpression(query)
    if (expression === null) return { found: [], more: false }
    const inChat = new Map<string, number>()
    const matches = this.#matches.all(expression, mostRows)
    const wanted = matches.filter(({ conversationId }) => {
      const count = (inChat.get(conversationId) ?? 0) + 1
      inChat.set(conversationId, count)
      return count <= mostInChat
    })
    const found = wanted.slice(0, mostHits).flatMap(({ seq }) => {
      const row = this.#found.get(seq)
      if (row === undefined) return []
      const { segments, ...rest } = row
      return [{ ...rest, text: searchable(segments) }]
    })
    return { found, more: matches.length > found.length }
  }
}
