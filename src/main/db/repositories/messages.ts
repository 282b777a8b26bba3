import type { GenerationStats, Message, Segment } from '@shared/domain/chat'
import type { ThinkingChoice } from '@shared/domain/thinking'
import { type Connection, fromJson, guarded, toJsonOrNull } from '../sqlite'
import { type FoundMessage, MessageIndex } from './messageIndex'

/** What a reply was asked for with, so that it can be continued the same way. */
interface PromptSettings {
  thinking: ThinkingChoice
  contextSize: number
  /** The first message of the branch that the prompt held; null when all of them. The next turn starts there too, so that the cache stays. */
  firstMessageId: string | null
}

export interface MessageRow extends Message {
  promptSettings: PromptSettings | null
  /** The generated text with its markers; '' for what a person wrote. */
  raw: string
}

interface Stored extends Omit<MessageRow, 'promptSettings' | 'segments' | 'stats' | 'error'> {
  seq: number
  promptSettings: string | null
  segments: string
  stats: string | null
  error: string | null
}

const columns = [
  'id',
  'conversationId',
  'parentId',
  'role',
  'status',
  'modelId',
  'modelName',
  'promptSettings',
  'segments',
  'raw',
  'stats',
  'error',
  'createdAt',
] as const
/** What may change after a message was written. */
const changeable = ['status', 'modelId', 'modelName', 'promptSettings', 'segments', 'raw', 'stats', 'error'] as const

/** As a person writes one: whole, and of no model. */
export function writtenMessage(
  row: Pick<MessageRow, 'id' | 'conversationId' | 'parentId' | 'role' | 'createdAt'>,
  text: string,
): MessageRow {
  return {
    ...row,
    status: 'done',
    modelId: null,
    modelName: null,
    promptSettings: null,
    segments: [{ kind: 'answer', text, ms: 0, tokens: 0 }],
    raw: '',
    stats: null,
    error: null,
  }
}

export class MessagesRepository {
  readonly #ofConversation
  readonly #get
  readonly #insert
  readonly #update
  readonly #saveText
  readonly #interrupt
  readonly #index
  readonly #db

  constructor(db: Connection) {
    this.#db = db
    this.#index = new MessageIndex(db)
    this.#ofConversation = db.prepare<[string], Stored>('SELECT * FROM messages WHERE conversationId = ? ORDER BY seq')
    this.#get = db.prepare<[string], Stored>('SELECT * FROM messages WHERE id = ?')
    this.#insert = db.prepare<[Omit<Stored, 'seq'>]>(
      `INSERT INTO messages (${columns.join(', ')}) VALUES (${columns.map((name) => `@${name}`).join(', ')})`,
    )
    this.#update = db.prepare<[Omit<Stored, 'seq'>], { seq: number }>(
      `UPDATE messages SET ${changeable.map((name) => `${name} = @${name}`).join(', ')} WHERE id = @id RETURNING seq`,
    )
    this.#saveText = db.prepare<[string, string, string]>('UPDATE messages SET segments = ?, raw = ? WHERE id = ?')
    this.#interrupt = db.prepare<[], { id: string; seq: number; segments: string }>(
      "UPDATE messages SET status = 'interrupted' WHERE status = 'streaming' RETURNING id, seq, segments",
    )
  }

  /** All of the tree, by creation. */
  ofConversation(conversationId: string): MessageRow[] {
    return guarded(() => this.#ofConversation.all(conversationId).map(toRow))
  }

  get(id: string): MessageRow | undefined {
    const stored = guarded(() => this.#get.get(id))
    return stored === undefined ? undefined : toRow(stored)
  }

  insert(row: MessageRow): void {
    const stored = toStored(row)
    this.#whole(() => {
      const seq = Number(this.#insert.run(stored).lastInsertRowid)
      if (row.status !== 'streaming') this.#index.put(seq, stored.segments)
    })
  }

  update(row: MessageRow): void {
    const stored = toStored(row)
    this.#whole(() => {
      const written = this.#update.get(stored)
      if (written !== undefined && row.status !== 'streaming') this.#index.put(written.seq, stored.segments)
    })
  }

  /** The small write of a reply in progress: its words are found when it has ended. */
  saveText(id: string, segments: Segment[], raw: string): void {
    guarded(() => this.#saveText.run(JSON.stringify(segments), raw, id))
  }

  /** Replies that nobody is writing any more, after a start: what is there is kept. */
  interruptStreaming(): string[] {
    return this.#whole(() => {
      const rows = this.#interrupt.all()
      for (const { seq, segments } of rows) this.#index.put(seq, segments)
      return rows.map(({ id }) => id)
    })
  }

  /** In the answers and in what a person wrote, of conversations that are not deleted. */
  search(query: string): { found: FoundMessage[]; more: boolean } {
    return guarded(() => this.#index.find(query))
  }

  /** A message and its words, both or neither. */
  #whole<T>(work: () => T): T {
    return guarded(() => this.#db.transaction(work).immediate())
  }
}

function toStored(row: MessageRow): Omit<Stored, 'seq'> {
  return {
    ...row,
    promptSettings: toJsonOrNull(row.promptSettings),
    segments: JSON.stringify(row.segments),
    stats: toJsonOrNull(row.stats),
    error: toJsonOrNull(row.error),
  }
}

function toRow({ seq: _seq, ...stored }: Stored): MessageRow {
  return {
    ...stored,
    promptSettings: fromJson(stored.promptSettings) as PromptSettings | null,
    segments: fromJson(stored.segments) as Segment[],
    stats: fromJson(stored.stats) as GenerationStats | null,
    error: fromJson(stored.error) as MessageRow['error'],
  }
}
