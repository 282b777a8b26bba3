import type { Role } from '@shared/domain/chat'
import type { ThinkingChoice } from '@shared/domain/thinking'
import { SnugError } from '@shared/errors'
import type { ContextUse, PromptView, ReplyEvent } from '@shared/ipc/chat'
import type { MessageRow } from '../db/repositories/messages'
import { ConversationPrompts, type NewChat } from './conversationPrompts'
import { type FirstMessage, type NewMessage, toMessage } from './conversations'
import { pause } from './follow'
import { newId } from './ids'
import { ReplyDraft } from './replyDraft'
import { ReplyFeed } from './replyFeed'
import { type RepliesOptions, type Reply, ReplyWork, stopShownMs } from './replyWork'

/** Replies belong to main: they go on when nobody watches. One at a time, in the order asked for. */
export class RepliesService {
  readonly #options: RepliesOptions
  readonly #active = new Map<string, Reply>()
  readonly #queue: Reply[] = []
  readonly #prompts: ConversationPrompts
  readonly #work: ReplyWork
  #running = false

  constructor(options: RepliesOptions) {
    this.#options = options
    this.#prompts = new ConversationPrompts(options)
    this.#work = new ReplyWork(options, this.#prompts, (reply) => this.#active.delete(reply.id))
    if (options.marksLeftovers === false) return
    const left = options.conversations.interruptLeftovers()
    if (left.length > 0) options.log.warn('replies were cut off when the app ended', { count: left.length })
  }

  /** A chat with its first message; nothing of it is kept where no model could answer. */
  begin({ answer, ...first }: FirstMessage & { answer: boolean }): { id: string; messageId: string } {
    if (answer) this.#options.loading.modelFor(null)
    const begun = this.#options.conversations.begin(first)
    if (answer) this.#answer(begun.id, begun.messageId)
    return begun
  }

  /** Adds a message and starts its reply; an assistant message is a beginning that the model goes on with. */
  send({ id, role = 'user', text, parentId }: Omit<NewMessage, 'role'> & { role?: Role }): { messageId: string; replyId: string } {
    this.#prepare(id)
    const { messageId } = this.#options.conversations.add({ id, role, text, ...(parentId === undefined ? {} : { parentId }) })
    return { messageId, replyId: this.#answer(id, messageId) }
  }

  regenerate({ id, messageId }: { id: string; messageId: string }): { replyId: string } {
    this.#prepare(id)
    const message = this.#options.conversations.message(id, messageId)
    return { replyId: this.#begin(id, message.role === 'assistant' ? message.parentId : message.id) }
  }

  edit({ id, messageId, text, reply, role }: { id: string; messageId: string; text: string; reply: boolean; role?: Role | undefined }): {
    messageId: string
    replyId: string | null
  } {
    if (reply) this.#prepare(id)
    else this.#refuseBusy(id)
    const edited = this.#options.conversations.edit({ id, messageId, text, role })
    return { messageId: edited.messageId, replyId: reply ? this.#answer(id, edited.messageId) : null }
  }

  continueReply({ id, messageId }: { id: string; messageId: string }): { replyId: string } {
    const { conversations } = this.#options
    this.#prepare(id)
    const message = conversations.message(id, messageId)
    if (message.role !== 'assistant') throw new SnugError('usage/invalid', 'only an answer can be continued', { messageId })
    return { replyId: this.#goOn(message) }
  }

  /** A snapshot, then what is added, up to `end`; its abort only unsubscribes. */
  async *followReply(replyId: string, signal?: AbortSignal): AsyncGenerator<ReplyEvent, void, void> {
    const reply = this.#active.get(replyId)
    if (reply !== undefined) {
      yield* reply.feed.follow(() => {
        const snapshot: ReplyEvent = { kind: 'snapshot', message: toMessage(reply.draft.row) }
        return reply.phase === null ? [snapshot] : [snapshot, reply.phase]
      }, signal)
      return
    }
    const row = this.#options.conversations.findMessage(replyId)
    if (row === undefined) throw new SnugError('chat/not-found', `no reply ${replyId}`, { replyId })
    yield { kind: 'snapshot', message: toMessage(row) }
    yield { kind: 'end', message: toMessage(row) }
  }

  /** What there is stays, with status `stopped`. A reply that has ended is left alone. */
  cancel(replyId: string): void {
    const reply = this.#active.get(replyId)
    if (reply === undefined) return
    reply.abort.abort()
    const waiting = this.#queue.indexOf(reply)
    if (waiting < 0) return
    this.#queue.splice(waiting, 1)
    this.#work.finish(reply, 'stopped', null, null)
  }

  /** For a conversation that is being removed. */
  cancelIn(conversationId: string): void {
    for (const reply of this.#active.values()) if (reply.conversationId === conversationId) this.cancel(reply.id)
  }

  /** The reply in progress in a conversation, for a page that comes back. */
  activeIn(conversationId: string): string | null {
    return [...this.#active.values()].find((reply) => reply.conversationId === conversationId)?.id ?? null
  }

  /** Stops everything and waits until it is saved. */
  async dispose(): Promise<void> {
    for (const id of this.#active.keys()) this.cancel(id)
    for (let waited = 0; this.#active.size > 0 && waited < stopShownMs + 500; waited += 20) await pause(20)
  }

  /** null where the model that would answer is not loaded: only it can count. */
  contextUse(id: string | null, draft: string, fresh?: NewChat): Promise<ContextUse | null> {
    return this.#prompts.contextUse(id, draft, fresh)
  }

  promptView(id: string): Promise<PromptView> {
    return this.#prompts.view(id)
  }

  /** Before anything is written: a draft that cannot be answered stays a draft. */
  #prepare(id: string): void {
    this.#refuseBusy(id)
    this.#options.loading.modelFor(this.#options.conversations.row(id).modelId)
  }

  #refuseBusy(id: string): void {
    if (this.activeIn(id) !== null) throw new SnugError('chat/busy', 'this conversation is being answered', { id })
  }

  #answer(id: string, messageId: string): string {
    const message = this.#options.conversations.message(id, messageId)
    return message.role === 'assistant' ? this.#goOn(message) : this.#begin(id, messageId)
  }

  #begin(conversationId: string, parentId: string | null): string {
    const row: MessageRow = {
      id: newId(),
      conversationId,
      parentId,
      role: 'assistant',
      status: 'streaming',
      modelId: null,
      modelName: null,
      promptSettings: null,
      segments: [],
      raw: '',
      stats: null,
      error: null,
      createdAt: Date.now(),
    }
    this.#options.conversations.insertReply(row)
    return this.#enqueue(row, this.#options.conversations.row(conversationId).settings.thinking)
  }

  /** In the same message: what it holds is the beginning. It is continued the way it was begun. */
  #goOn(message: MessageRow): string {
    const row: MessageRow = { ...message, status: 'streaming', error: null, stats: null }
    this.#options.conversations.saveMessage(row)
    const begun = message.raw === '' ? undefined : message.promptSettings?.thinking
    return this.#enqueue(row, begun ?? this.#options.conversations.row(message.conversationId).settings.thinking)
  }

  #enqueue(row: MessageRow, thinking: ThinkingChoice): string {
    const reply: Reply = {
      id: row.id,
      conversationId: row.conversationId,
      draft: new ReplyDraft(row, (changed) => this.#options.conversations.saveText(changed)),
      feed: new ReplyFeed(),
      abort: new AbortController(),
      phase: this.#running ? { kind: 'waiting', for: 'queue' } : null,
      thinking,
      generating: false,
      touched: false,
      finished: false,
    }
    this.#active.set(reply.id, reply)
    this.#queue.push(reply)
    void this.#run()
    return reply.id
  }

  async #run(): Promise<void> {
    if (this.#running) return
    this.#running = true
    for (let reply = this.#queue.shift(); reply !== undefined; reply = this.#queue.shift()) {
      await this.#work.run(reply)
    }
    this.#running = false
  }
}
