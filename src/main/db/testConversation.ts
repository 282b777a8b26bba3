import type { ConversationRow } from './repositories/conversations'

/** For tests: a chat without messages, with values of its own. */
export function testConversation(id: string): ConversationRow {
  return {
    id,
    title: 'Title 标题',
    modelId: null,
    system: '',
    settings: {
      sampling: { temperature: 0, topP: null, topK: null, minP: null, repeatPenalty: null, seed: 1 },
      thinking: { mode: 'off' },
      stream: true,
      maxTokens: null,
    },
    leafId: null,
    createdAt: 1,
    updatedAt: 2,
    deletedAt: null,
  }
}
