import { type ConversationSettings, defaultConversationSettings } from '@shared/domain/chat'
import type { ThinkingChoice } from '@shared/domain/thinking'
import type { ContextUse, PromptView } from '@shared/ipc/chat'
import { type MessageRow, writtenMessage } from '../db/repositories/messages'
import type { ModelRow } from '../db/repositories/models'
import type { EngineHost } from '../engine/engineHost'
import { recommendedSystem } from '@shared/domain/starter'
import { replyRoom } from './contextPolicy'
import type { ConversationService } from './conversations'
import type { LoadingService } from './loading'
import { type PlannedPrompt, type PromptInput, budgetOf, planReply } from './replyPrompt'

/** A chat that does not exist before its first message is sent: what it will begin with. */
export interface NewChat {
  system: string | null
  settings: ConversationSettings
}

export interface ConversationPromptsOptions {
  conversations: ConversationService
  loading: LoadingService
  host: EngineHost
}

/** What a conversation looks like as a prompt: for a reply, for the context meter, and to be looked at. */
export class ConversationPrompts {
  readonly #options: ConversationPromptsOptions

  constructor(options: ConversationPromptsOptions) {
    this.#options = options
  }

  plan(
    { system, settings }: NewChat,
    branch: MessageRow[],
    model: ModelRow,
    contextSize: number,
    thinking: ThinkingChoice,
    raw = '',
    count?: PromptInput['count'],
  ): Promise<PlannedPrompt> {
    const before = branch.findLast((message) => message.role === 'assistant' && message.promptSettings !== null)?.promptSettings
    return planReply({
      host: this.#options.host,
      path: model.path,
      contextSize,
      system: system ?? recommendedSystem(model.facts),
      branch,
      thinking,
      maxTokens: settings.maxTokens,
      // With another context size other turns fit.
      firstMessageId: before?.contextSize === contextSize ? before.firstMessageId : null,
      raw,
      count,
    })
  }

  /** `fresh` is what the chat without an id will begin with. */
  async contextUse(
    id: string | null,
    draft: string,
    fresh: NewChat = { system: null, settings: defaultConversationSettings },
  ): Promise<ContextUse | null> {
    const { conversations, host } = this.#options
    const conversation = id === null ? { ...fresh, modelId: null } : conversations.row(id)
    const model = this.#loadedFor(conversation.modelId)
    if (model === null) return null
    const branch = id === null ? [] : conversations.branch(id)
    const withDraft = draft === '' ? branch : [...branch, draftMessage(id ?? '', draft)]
    const count = async (text: string) => (text === '' ? 0 : (await host.count([{ kind: 'text', text }])).tokens)
    const system = await count(conversation.system ?? recommendedSystem(model.facts) ?? '')
    const drafted = await count(draft)
    const contextSize = host.loaded?.model.contextSize ?? 0
    const { thinking, maxTokens } = conversation.settings
    const planned = withDraft.length === 0 ? null : await this.plan(conversation, withDraft, model, contextSize, thinking)
    return {
      contextSize,
      system,
      conversation: Math.max(0, (planned?.tokens ?? system) - system - drafted),
      draft: drafted,
      reply: planned?.room ?? replyRoom(contextSize, budgetOf(thinking), maxTokens),
      droppedMessages: planned?.droppedMessages ?? 0,
      droppedThoughts: planned?.droppedThoughts ?? false,
      tooLong: planned?.tooLong ?? false,
    }
  }

  /** The prompt as the reply at the end of the branch got it; where the branch ends in something else, as the next reply would. */
  async view(id: string): Promise<PromptView> {
    const { conversations, loading, host } = this.#options
    const conversation = conversations.row(id)
    const whole = conversations.branch(id)
    const reply = whole.at(-1)
    const asked = reply?.promptSettings ?? null
    const model = loading.usable(reply?.modelId ?? null) ?? loading.modelFor(conversation.modelId)
    const loaded = this.#loadedFor(model.id) === null ? null : host.loaded
    // Of a model that is not loaded nobody knows the next context yet; longer than this it is not.
    const contextSize = asked?.contextSize ?? loaded?.model.contextSize ?? model.facts?.trainContextSize ?? Number.MAX_SAFE_INTEGER
    const planned = await this.plan(
      conversation,
      promptedBranch(whole),
      model,
      contextSize,
      asked?.thinking ?? conversation.settings.thinking,
      '',
      loaded === null ? async (prompt) => (await host.tools('tokenize', { path: model.path, prompt })).tokens.length : undefined,
    )
    const { rendered, tokens, droppedMessages, droppedThoughts } = planned
    return {
      text: rendered.text,
      tokens,
      thinking: rendered.thinking,
      fallback: rendered.template.kind === 'fallback' ? rendered.template.name : null,
      droppedMessages,
      droppedThoughts,
    }
  }

  #loadedFor(modelId: string | null): ModelRow | null {
    const { host, loading } = this.#options
    if (host.loaded === null || (modelId !== null && modelId !== host.loaded.modelId)) return null
    return loading.model(host.loaded.modelId)
  }
}

/** What was asked with the prompt: up to the reply at the end, and of that what a person began. */
function promptedBranch(branch: MessageRow[]): MessageRow[] {
  const last = branch.at(-1)
  if (last?.role !== 'assistant') return branch
  const text = last.segments.reduce((all, segment) => (segment.kind === 'answer' ? all + segment.text : all), '')
  // A beginning is followed by what the model wrote, which `raw` holds alone.
  const begun = text.endsWith(last.raw) ? text.slice(0, text.length - last.raw.length) : ''
  const before = branch.slice(0, -1)
  return begun === '' ? before : [...before, { ...last, segments: [{ kind: 'answer', text: begun, ms: 0, tokens: 0 }] }]
}

function draftMessage(conversationId: string, text: string): MessageRow {
  return writtenMessage({ id: 'draft', conversationId, parentId: null, role: 'user', createdAt: 0 }, text)
}
