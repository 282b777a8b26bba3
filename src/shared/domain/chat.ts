import type { ThinkingChoice } from './thinking'

export type Role = 'system' | 'user' | 'assistant'
export type MessageStatus = 'streaming' | 'done' | 'stopped' | 'interrupted' | 'failed'
export type StopReason = 'end' | 'max-tokens' | 'stopped' | 'context-full' | 'interrupted'

export interface Segment {
  kind: 'answer' | 'thought'
  text: string
  /** How long it took to write; 0 for what a person wrote. */
  ms: number
  tokens: number
}

/** null: the model's recommended value, or llama.cpp's default. */
export interface Sampling {
  temperature: number | null
  topP: number | null
  topK: number | null
  minP: number | null
  repeatPenalty: number | null
  seed: number | null
}

export interface GenerationStats {
  /** The whole prompt, in tokens. */
  promptTokens: number
  /** Of these, found in the KV cache: never evaluated again. */
  cachedTokens: number
  promptMs: number
  /** Generated tokens, thoughts included. */
  evalTokens: number
  thoughtTokens: number
  evalMs: number
  /** From the request to the first generated token. */
  ttftMs: number
  promptTokensPerSecond: number
  evalTokensPerSecond: number
  stopReason: StopReason
  /** Messages left out by the context policy (oldest turns whole), and thoughts dropped. */
  droppedMessages?: number
}

/** One message as a template gets it. Unknown fields of a messages file reach the template unchanged. */
export interface PromptMessage {
  role: string
  content: string
  thought?: string
  [field: string]: unknown
}

export interface Message {
  id: string
  conversationId: string
  parentId: string | null
  role: Role
  status: MessageStatus
  modelId: string | null
  modelName: string | null
  segments: Segment[]
  stats: GenerationStats | null
  /** Why a failed or interrupted reply ended; `reason` in the words of the template that refused, or of the system. */
  error: { code: string; message: string; data?: { reason: string } } | null
  createdAt: number
}

export interface ConversationSettings {
  sampling: Sampling
  thinking: ThinkingChoice
  /** Show the reply as it is written, or only when it is complete. */
  stream: boolean
  /** null: as much as the context has room for. */
  maxTokens: number | null
}

export interface ConversationSummary {
  id: string
  title: string
  updatedAt: number
  createdAt: number
}

export interface Conversation extends ConversationSummary {
  /** null: the last choice. */
  modelId: string | null
  /** null is not '': 38 of 68 templates tell them apart. */
  system: string | null
  settings: ConversationSettings
  /** The last message of the branch being looked at. */
  leafId: string | null
  /** All messages of the tree, by creation. The page derives the visible branch from `leafId`. */
  messages: Message[]
}

export const defaultSampling: Sampling = { temperature: null, topP: null, topK: null, minP: null, repeatPenalty: null, seed: null }

export const defaultConversationSettings: ConversationSettings = {
  sampling: defaultSampling,
  thinking: { mode: 'default' },
  stream: true,
  maxTokens: null,
}
