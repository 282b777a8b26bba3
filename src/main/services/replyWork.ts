import type { GenerationStats, MessageStatus } from '@shared/domain/chat'
import { type RecommendedSampling, effectiveSampling, samplingFor } from '@shared/domain/preset'
import { type ThinkingChoice, thinksFirst } from '@shared/domain/thinking'
import { SnugError, toErrorValue } from '@shared/errors'
import type { LoadedModel } from '@shared/engine/protocol'
import type { ReplyEvent } from '@shared/ipc/chat'
import type { Log } from '@shared/log'
import type { ModelRow } from '../db/repositories/models'
import type { MessageRow } from '../db/repositories/messages'
import type { EngineHost } from '../engine/engineHost'
import type { ConversationPrompts } from './conversationPrompts'
import { type ConversationService, toMessage } from './conversations'
import { nameOf } from './libraryRows'
import type { LoadingService } from './loading'
import { branchOf } from './messageTree'
import type { ReplyDraft } from './replyDraft'
import type { ReplyFeed } from './replyFeed'
import { budgetOf, type PlannedPrompt } from './replyPrompt'

/** A stop shows after this long even where the engine is still busy. */
export const stopShownMs = 1_000
/** Shorter replies say little about the speed. */
const measurableTokens = 16

export interface RepliesOptions {
  conversations: ConversationService
  loading: LoadingService
  host: EngineHost
  /** What a reply measured on this machine. */
  measured: (modelId: string, tokensPerSecond: number, stats: GenerationStats, loaded: LoadedModel) => void
  /** Sampling values of the model's maker; left out: those of the file. */
  recommended?: (modelId: string) => RecommendedSampling | null
  log: Log
  /** Keeps the engine's cache of a conversation across a switch to another one. */
  cache?: ReplyCache
  /** False where another process may be writing replies to the same database (the command line beside the app): none is taken for left over. */
  marksLeftovers?: boolean
}

export interface ReplyCache {
  enter(conversationId: string): Promise<void>
}

export interface Reply {
  id: string
  conversationId: string
  draft: ReplyDraft
  feed: ReplyFeed
  abort: AbortController
  /** What is being waited for, for followers that come later. */
  phase: ReplyEvent | null
  thinking: ThinkingChoice
  /** The engine has begun: from here an end of the process interrupts, it does not fail. */
  generating: boolean
  /** The engine has said something about this reply. */
  touched: boolean
  finished: boolean
}

/** One reply from its prompt to its end, which it always has. */
export class ReplyWork {
  constructor(
    private readonly options: RepliesOptions,
    private readonly prompts: ConversationPrompts,
    private readonly ended: (reply: Reply) => void,
  ) {}

  async run(reply: Reply): Promise<void> {
    try {
      await this.#write(reply).catch((error: unknown) => {
        // The engine was gone before anything of this reply was done: a new one gives the answer, so nobody need know.
        if (!isLostBefore(error) || reply.touched || reply.abort.signal.aborted) throw error
        return this.#write(reply)
      })
    } catch (error) {
      this.#fail(reply, error)
    }
  }

  async #write(reply: Reply): Promise<void> {
    const { conversations, loading, host, cache } = this.options
    const { signal } = reply.abort
    const conversation = conversations.row(reply.conversationId)
    const model = loading.modelFor(conversation.modelId)
    const { row } = reply.draft
    const messages = conversations.messages(reply.conversationId)
    // A beginning that a person wrote goes through the template; one of the model's own follows the prompt as it was written.
    const branch = branchOf(messages, row.raw === '' && row.segments.length > 0 ? row.id : row.parentId)

    const loaded = await loading.ensure(model, heldTokens(branch), signal, () => this.#tell(reply, { kind: 'waiting', for: 'load' }))
    if (signal.aborted) throw new SnugError('cancelled', 'stopped')
    const planned = await this.prompts.plan(conversation, branch, model, loaded.contextSize, reply.thinking, row.raw)
    if (planned.tooLong) {
      throw new SnugError('chat/context-too-small', 'the last turn does not fit', {
        tokens: planned.tokens,
        contextSize: loaded.contextSize,
      })
    }
    if (planned.rendered.template.kind === 'fallback')
      this.options.log.warn('a fallback template is used', { ...planned.rendered.template })
    reply.draft.row = {
      ...reply.draft.row,
      modelId: model.id,
      modelName: nameOf(model),
      promptSettings: { thinking: reply.thinking, contextSize: loaded.contextSize, firstMessageId: planned.firstMessageId },
    }
    conversations.saveMessage(reply.draft.row)
    await cache?.enter(reply.conversationId)
    if (signal.aborted) throw new SnugError('cancelled', 'stopped')

    reply.generating = true
    const { settings } = conversation
    const recommended = this.options.recommended?.(model.id) ?? model.facts?.sampling
    const thinks = thinksFirst(model.thinking ?? { kind: 'none' }, reply.thinking)
    const begun = row.segments.at(-1)
    const inThought = begun?.kind === 'thought'
    const work = host.generate(
      {
        prompt: planned.pieces,
        sampling: effectiveSampling(settings.sampling, model.preset?.sampling, samplingFor(recommended, thinks)),
        markers: planned.rendered.markers,
        opensThought: row.raw === '' ? planned.rendered.opensThought : inThought,
        inAnswer: row.raw === '' ? planned.rendered.inAnswer === true : begun?.kind === 'answer' && begun.text !== '',
        // Off is off: a thought that comes anyway is closed at once.
        thoughtBudgetTokens: planned.rendered.thinkingOff ? 0 : budgetOf(reply.thinking),
        maxTokens: settings.maxTokens,
        stops: planned.rendered.stops,
      },
      {
        signal,
        onEvent: (event) => {
          if (reply.finished) return
          reply.touched = true
          if (event.kind === 'prefill') this.#tell(reply, { kind: 'prefill', done: event.done, total: event.total, cached: event.cached })
          if (event.kind !== 'delta') return
          reply.phase = null
          reply.draft.add(event)
          const { segment, text, tokens } = event
          reply.feed.emit({ kind: 'delta', segment, text, tokens, tokensPerSecond: reply.draft.tokensPerSecond })
        },
      },
    )
    const stats = await Promise.race([work, stopShown(signal)])
    if (stats === null) {
      this.finish(reply, 'stopped', null, null)
      // The next reply waits until the engine is free, or gone.
      await work.catch(() => undefined)
      return
    }
    this.#done(reply, stats, planned, model, loaded)
  }

  #done(reply: Reply, stats: GenerationStats, planned: PlannedPrompt, model: ModelRow, loaded: LoadedModel): void {
    const { droppedMessages } = planned
    this.finish(
      reply,
      stats.stopReason === 'stopped' ? 'stopped' : 'done',
      droppedMessages > 0 ? { ...stats, droppedMessages } : stats,
      null,
    )
    if (stats.evalTokens < measurableTokens) return
    try {
      this.options.measured(model.id, stats.evalTokensPerSecond, stats, loaded)
    } catch (error) {
      this.options.log.warn('the measured speed was not saved', { message: error instanceof Error ? error.message : String(error) })
    }
  }

  #tell(reply: Reply, event: ReplyEvent): void {
    reply.phase = event
    reply.feed.emit(event)
  }

  #fail(reply: Reply, caught: unknown): void {
    const error = toErrorValue(caught)
    if (error.code === 'cancelled' || reply.abort.signal.aborted) return this.finish(reply, 'stopped', null, null)
    if (error.code === 'internal/bug') this.options.log.error('a reply failed', caught)
    else this.options.log.warn('a reply ended early', error)
    const interrupted = reply.generating && (reply.draft.row.segments.length > 0 || error.code.startsWith('engine/'))
    const reason = error.data?.reason
    this.finish(reply, interrupted ? 'interrupted' : 'failed', null, {
      code: error.code,
      message: error.message,
      ...(typeof reason === 'string' ? { data: { reason } } : {}),
    })
  }

  /** Once: the last save, then the end for every follower. */
  finish(reply: Reply, status: MessageStatus, stats: GenerationStats | null, error: MessageRow['error']): void {
    if (reply.finished) return
    reply.finished = true
    reply.draft.close()
    let row: MessageRow = { ...reply.draft.row, status, stats, error }
    try {
      this.options.conversations.saveMessage(row)
    } catch (caught) {
      const value = toErrorValue(caught)
      this.options.log.error('a reply could not be saved', value)
      row = { ...row, status: 'failed', error: { code: value.code, message: value.message } }
    }
    reply.draft.row = row
    this.ended(reply)
    reply.feed.emit({ kind: 'end', message: toMessage(row) })
  }
}

/** What the chat is known to hold: the last reply's prompt and its own tokens. */
function heldTokens(branch: readonly MessageRow[]): number {
  const stats = branch.findLast((message) => message.stats !== null)?.stats
  return stats === undefined || stats === null ? 0 : stats.promptTokens + stats.evalTokens
}

/** The engine was gone when it was asked: where nothing of a reply was done yet, asking a new one loses nothing. */
export function isLostBefore(error: unknown): boolean {
  return error instanceof SnugError && (error.code === 'engine/crashed' || error.code === 'model/not-loaded')
}

function stopShown(signal: AbortSignal): Promise<null> {
  return new Promise((resolve) => {
    const later = () => void setTimeout(() => resolve(null), stopShownMs).unref()
    if (signal.aborted) later()
    else signal.addEventListener('abort', later, { once: true })
  })
}
