import {
  type Conversation,
  type ConversationSettings,
  type ConversationSummary,
  defaultConversationSettings,
  type Message,
  type Role,
} from '@shared/domain/chat'
import { snippetOf } from '@shared/domain/messageSearch'
import { SnugError } from '@shared/errors'
import { conversationSettings, type MessageHit } from '@shared/ipc/chat'
import type { ConversationRow, ConversationsRepository } from '../db/repositories/conversations'
import type { DraftsRepository } from '../db/repositories/drafts'
import { type MessageRow, type MessagesRepository, writtenMessage } from '../db/repositories/messages'
import { Changes, follow } from './follow'
import { newId } from './ids'
import { branchOf, LastShown, titleOf } from './messageTree'

/** How long a deleted conversation can be brought back. */
const undoMs = 10 * 60 * 1_000
/** What a killed app may lose of a draft, milliseconds. */
const draftMs = 200

export interface ConversationStore {
  conversations: ConversationsRepository
  messages: MessagesRepository
  drafts: DraftsRepository
  transaction<T>(work: () => T): T
}

export interface NewMessage {
  id: string
  role: Role
  text: string
  /** Left out: under the leaf. null: a root of its own. */
  parentId?: string | null
}

export interface FirstMessage {
  system: string | null
  settings: ConversationSettings
  role: Role
  text: string
}

export class ConversationService {
  readonly #store: ConversationStore
  readonly #now: () => number
  readonly #changes = new Changes<string>()
  readonly #purged = new Changes()
  /** For as long as the app runs: after a new start the newest end of a branch is as good. */
  readonly #shown = new LastShown()
  readonly #drafts = new Map<string | null, string>()
  #draftTimer: NodeJS.Timeout | null = null

  constructor(store: ConversationStore, now: () => number = Date.now) {
    this.#store = store
    this.#now = now
    this.#purge()
  }

  /** What was deleted can no longer be brought back: whatever else was kept for it may go. */
  onPurged(listener: () => void): () => void {
    return this.#purged.on(listener)
  }

  list(): ConversationSummary[] {
    return this.#store.conversations.list()
  }

  search(query: string): { hits: MessageHit[]; more: boolean } {
    const { found, more } = this.#store.messages.search(query)
    return { hits: found.map(({ text, ...hit }) => ({ ...hit, snippet: snippetOf(text, query) })), more }
  }

  followList(signal?: AbortSignal): AsyncGenerator<ConversationSummary[], void, void> {
    return follow(this.#changes, () => this.list(), { signal })
  }

  get(id: string): Conversation {
    const row = this.row(id)
    return {
      id: row.id,
      title: row.title,
      updatedAt: row.updatedAt,
      createdAt: row.createdAt,
      modelId: row.modelId,
      system: row.system,
      settings: row.settings,
      leafId: row.leafId,
      messages: this.messages(id).map(toMessage),
    }
  }

  /** Throws at once where there is no such conversation, and in the stream when it was deleted meanwhile. */
  follow(id: string, signal?: AbortSignal): AsyncGenerator<Conversation, void, void> {
    this.row(id)
    return follow(this.#changes, () => this.get(id), { signal, concerns: (changed) => changed === id })
  }

  create(input: { system?: string | null; settings?: ConversationSettings } = {}): { id: string } {
    const now = this.#now()
    const row: ConversationRow = {
      id: newId(),
      title: '',
      modelId: null,
      system: input.system ?? null,
      settings: input.settings ?? defaultConversationSettings,
      leafId: null,
      createdAt: now,
      updatedAt: now,
      deletedAt: null,
    }
    this.#save(row)
    return { id: row.id }
  }

  /** A chat and its first message, both or neither. */
  begin({ system, settings, role, text }: FirstMessage): { id: string; messageId: string } {
    return this.#store.transaction(() => {
      const { id } = this.create({ system, settings })
      return { id, ...this.add({ id, role, text }) }
    })
  }

  rename(id: string, title: string): void {
    this.#save({ ...this.row(id), title: title.trim() })
  }

  remove(id: string): void {
    this.#save({ ...this.row(id), deletedAt: this.#now() })
    // Deleted is deleted: not only at the next start.
    setTimeout(() => this.#purge(), undoMs + 1_000).unref()
  }

  undoRemove(id: string): void {
    const row = this.#store.conversations.get(id)
    if (row === undefined) throw notFound(id)
    this.#save({ ...row, deletedAt: null })
  }

  update(id: string, patch: { system?: string | null; settings?: ConversationSettings; modelId?: string | null }): void {
    const row = this.row(id)
    this.#save({
      ...row,
      system: patch.system === undefined ? row.system : patch.system,
      settings: patch.settings ?? row.settings,
      modelId: patch.modelId === undefined ? row.modelId : patch.modelId,
    })
  }

  /** What stands in a composer; null: of the chat that does not exist yet. */
  draft(id: string | null): string {
    return this.#drafts.get(id) ?? this.#store.drafts.get(id)
  }

  /** At each key; written a moment later, because a person types faster than is worth a write to the disk. */
  keepDraft(id: string | null, text: string): void {
    this.#drafts.set(id, text)
    // What was sent must not come back as a draft.
    if (text === '') this.saveDrafts()
    else this.#draftTimer ??= setTimeout(() => this.saveDrafts(), draftMs).unref()
  }

  /** Also at the end of the app, so that the last keys are kept. */
  saveDrafts(): void {
    clearTimeout(this.#draftTimer ?? undefined)
    this.#draftTimer = null
    const drafts = [...this.#drafts]
    this.#drafts.clear()
    for (const [id, text] of drafts) {
      // A page that is late must not leave a draft to a chat that is gone.
      if (id === null || this.#store.conversations.get(id) !== undefined) this.#store.drafts.put(id, text)
    }
  }

  add({ id, role, text, parentId }: NewMessage): { messageId: string } {
    const conversation = this.row(id)
    const parent = parentId === undefined ? conversation.leafId : parentId
    if (parent !== null) this.message(id, parent)
    return { messageId: this.#insert(conversation, this.#written(id, role, text, parent)) }
  }

  /** A changed copy beside the old message; the old one and what follows it stay. */
  edit({ id, messageId, text, role }: { id: string; messageId: string; text: string; role?: Role | undefined }): { messageId: string } {
    const old = this.message(id, messageId)
    return { messageId: this.#insert(this.row(id), this.#written(id, role ?? old.role, text, old.parentId)) }
  }

  selectLeaf({ id, messageId }: { id: string; messageId: string }): void {
    const conversation = this.row(id)
    this.message(id, messageId)
    const messages = this.messages(id)
    this.#shown.keep(branchOf(messages, conversation.leafId))
    // Looking is no change of the conversation: its place in the list stays.
    this.#store.conversations.save({ ...conversation, leafId: this.#shown.leafBelow(messages, messageId) })
    this.#changes.emit(id)
  }

  /** With settings complete and valid, whatever version wrote them. */
  row(id: string): ConversationRow {
    const row = this.#store.conversations.get(id)
    if (row === undefined || row.deletedAt !== null) throw notFound(id)
    return { ...row, settings: completeSettings(row.settings) }
  }

  messages(id: string): MessageRow[] {
    return this.#store.messages.ofConversation(id)
  }

  message(id: string, messageId: string): MessageRow {
    const row = this.#store.messages.get(messageId)
    if (row === undefined || row.conversationId !== id) throw new SnugError('chat/not-found', `no message ${messageId}`, { id, messageId })
    return row
  }

  /** From the root to that message, or to the leaf. */
  branch(id: string, leafId?: string | null): MessageRow[] {
    return branchOf(this.messages(id), leafId === undefined ? this.row(id).leafId : leafId)
  }

  /** Puts a reply under its parent and looks at it. */
  insertReply(reply: MessageRow): void {
    this.#insert(this.row(reply.conversationId), reply)
  }

  /** Saves a changed message; followers of its conversation are told. */
  saveMessage(message: MessageRow): void {
    this.#store.messages.update(message)
    const conversation = this.#store.conversations.get(message.conversationId)
    if (conversation !== undefined) this.#store.conversations.save({ ...conversation, updatedAt: this.#now() })
    this.#changes.emit(message.conversationId)
  }

  /** The small, frequent write of a reply in progress: followers have `followReply` for this. */
  saveText(message: MessageRow): void {
    this.#store.messages.saveText(message.id, message.segments, message.raw)
  }

  findMessage(messageId: string): MessageRow | undefined {
    return this.#store.messages.get(messageId)
  }

  /** Replies that a process left unfinished when it ended. */
  interruptLeftovers(): string[] {
    return this.#store.messages.interruptStreaming()
  }

  #written(conversationId: string, role: Role, text: string, parentId: string | null): MessageRow {
    return writtenMessage({ id: newId(), conversationId, parentId, role, createdAt: this.#now() }, text)
  }

  #insert(conversation: ConversationRow, message: MessageRow): string {
    // A new branch: what was looked at until now is where its versions are gone back to.
    if (message.parentId !== conversation.leafId) this.#shown.keep(branchOf(this.messages(conversation.id), conversation.leafId))
    this.#shown.keep([message])
    const text = message.role === 'user' ? message.segments.map((segment) => segment.text).join('') : ''
    this.#store.transaction(() => {
      this.#store.messages.insert(message)
      this.#store.conversations.save({
        ...conversation,
        title: conversation.title === '' ? titleOf(text) : conversation.title,
        leafId: message.id,
        updatedAt: this.#now(),
      })
    })
    this.#changes.emit(conversation.id)
    return message.id
  }

  #purge(): void {
    if (this.#store.conversations.purge(this.#now() - undoMs).length > 0) this.#purged.emit()
  }

  #save(row: ConversationRow): void {
    this.#store.conversations.save({ ...row, updatedAt: row.deletedAt === null ? this.#now() : row.updatedAt })
    this.#changes.emit(row.id)
  }
}

export function toMessage({ promptSettings: _settings, raw: _raw, ...message }: MessageRow): Message {
  return message
}

function completeSettings(stored: ConversationSettings): ConversationSettings {
  const merged = {
    ...defaultConversationSettings,
    ...stored,
    sampling: { ...defaultConversationSettings.sampling, ...stored.sampling },
  }
  const parsed = conversationSettings.safeParse(merged)
  return parsed.success ? parsed.data : defaultConversationSettings
}

function notFound(id: string): SnugError {
  return new SnugError('chat/not-found', `no conversation ${id}`, { id })
}
