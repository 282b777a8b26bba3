import { eventIterator } from '@orpc/contract'
import type { Conversation, ConversationSummary, Message, Role } from '../domain/chat'
import type { SnippetPart } from '../domain/messageSearch'
import type { ThinkingCapability } from '../domain/thinking'
import { id, oc, text, type, z } from './base'

const role = z.enum(['system', 'user', 'assistant'])
const finite = z.number().finite()

export const sampling = z
  .object({
    temperature: finite.min(0).max(2).nullable(),
    topP: finite.min(0).max(1).nullable(),
    topK: z.number().int().min(0).max(100_000).nullable(),
    minP: finite.min(0).max(1).nullable(),
    repeatPenalty: finite.min(0).max(2).nullable(),
    seed: z.number().int().min(0).max(4_294_967_295).nullable(),
  })
  .strict()

const budget = z.number().int().min(0).max(1_000_000).nullable().optional()
export const thinkingChoice = z.discriminatedUnion('mode', [
  z.object({ mode: z.literal('default'), budgetTokens: budget }).strict(),
  z.object({ mode: z.literal('off') }).strict(),
  z.object({ mode: z.literal('on'), budgetTokens: budget }).strict(),
  z.object({ mode: z.literal('effort'), level: z.string().max(40), budgetTokens: budget }).strict(),
])

export const conversationSettings = z
  .object({ sampling, thinking: thinkingChoice, stream: z.boolean(), maxTokens: z.number().int().min(1).max(1_000_000).nullable() })
  .strict()

/** A snapshot of the message first, then what was added to it; `end` carries the message as it was saved. */
export type ReplyEvent =
  | { kind: 'snapshot'; message: Message }
  | { kind: 'waiting'; for: 'load' | 'queue' }
  | { kind: 'prefill'; done: number; total: number; cached: number }
  | { kind: 'delta'; segment: 'answer' | 'thought'; text: string; tokens: number; tokensPerSecond: number | null }
  | { kind: 'end'; message: Message }

/** Tokens of the rendered prompt by where they come from, for the context meter. */
export interface ContextUse {
  contextSize: number
  system: number
  conversation: number
  draft: number
  /** Room kept for the reply: the thought budget and at least 1,024 tokens of answer. */
  reply: number
  /** Messages that the policy would leave out when sending now: old thoughts first, then the oldest turns whole. */
  droppedMessages: number
  droppedThoughts: boolean
  /** Even the system message and the last turn do not fit. */
  tooLong: boolean
}

export interface PromptView {
  text: string
  tokens: number
  thinking: ThinkingCapability
  /** Name of the format that stands in for a template that is missing or fails. */
  fallback: string | null
  /** What the context had no room for. */
  droppedMessages: number
  droppedThoughts: boolean
}

/** A message that has every word of what was looked for. */
export interface MessageHit {
  conversationId: string
  messageId: string
  /** Of the conversation. */
  title: string
  role: Role
  createdAt: number
  snippet: SnippetPart[]
}

export const chat = {
  /** In the messages of all chats, newest first, a few of each; `more`: there are others. */
  search: oc.input(z.object({ query: z.string().max(200) }).strict()).output(type<{ hits: MessageHit[]; more: boolean }>()),
  conversations: oc.output(type<ConversationSummary[]>()),
  followConversations: oc.output(eventIterator(type<ConversationSummary[]>())),
  conversation: oc.input(z.object({ id }).strict()).output(type<Conversation>()),
  /** A snapshot of the conversation, then again after every saved change (not for each token: see followReply). */
  followConversation: oc.input(z.object({ id }).strict()).output(eventIterator(type<Conversation>())),
  /** A chat with its first message: where that is refused, there is no chat either. `answer` asks for a reply. */
  begin: oc
    .input(z.object({ system: text.nullable(), settings: conversationSettings, role, text, answer: z.boolean() }).strict())
    .output(type<{ id: string; messageId: string }>()),
  rename: oc.input(z.object({ id, title: z.string().max(200) }).strict()).output(type<null>()),
  /** Gone from the list, kept until the undo runs out. */
  remove: oc.input(z.object({ id }).strict()).output(type<null>()),
  undoRemove: oc.input(z.object({ id }).strict()).output(type<null>()),
  update: oc
    .input(
      z
        .object({ id, system: text.nullable().optional(), settings: conversationSettings.optional(), modelId: id.nullable().optional() })
        .strict(),
    )
    .output(type<null>()),
  /** What stands in the composer of a conversation; null: of the chat that does not exist yet. */
  draft: oc.input(z.object({ id: id.nullable() }).strict()).output(type<{ text: string }>()),
  keepDraft: oc.input(z.object({ id: id.nullable(), text }).strict()).output(type<null>()),
  /** Adds a message under the leaf (or under `parentId`) without asking for a reply. */
  add: oc.input(z.object({ id, role, text, parentId: id.nullable().optional() }).strict()).output(type<{ messageId: string }>()),
  /** Adds a message and starts the reply; an assistant message is continued. */
  send: oc
    .input(z.object({ id, role: role.default('user'), text, parentId: id.nullable().optional() }).strict())
    .output(type<{ messageId: string; replyId: string }>()),
  /** A new reply beside an old one (a branch), or for a message without one. */
  regenerate: oc.input(z.object({ id, messageId: id }).strict()).output(type<{ replyId: string }>()),
  /** A changed copy beside the old message (a branch), in another role where that is given; `reply` asks for an answer to it. */
  edit: oc
    .input(z.object({ id, messageId: id, text, reply: z.boolean(), role: role.optional() }).strict())
    .output(type<{ messageId: string; replyId: string | null }>()),
  /** Goes on writing a stopped or interrupted reply. */
  continueReply: oc.input(z.object({ id, messageId: id }).strict()).output(type<{ replyId: string }>()),
  selectLeaf: oc.input(z.object({ id, messageId: id }).strict()).output(type<null>()),
  followReply: oc.input(z.object({ replyId: id }).strict()).output(eventIterator(type<ReplyEvent>())),
  cancel: oc.input(z.object({ replyId: id }).strict()).output(type<null>()),
  /** null as id: of the chat that does not exist yet, which will begin with `fresh`. */
  contextUse: oc
    .input(
      z
        .object({
          id: id.nullable(),
          draft: text,
          fresh: z.object({ system: text.nullable(), settings: conversationSettings }).strict().optional(),
        })
        .strict(),
    )
    .output(type<ContextUse | null>()),
  /** What the model sees: the prompt that the last reply of this branch was made from, or the next one would be. */
  promptView: oc.input(z.object({ id }).strict()).output(type<PromptView>()),
}
