import { describe, expect, it } from 'vitest'
import type { MessageRow } from '../db/repositories/messages'
import { ReplyDraft } from './replyDraft'

const row: MessageRow = {
  id: 'm',
  conversationId: 'c',
  parentId: null,
  role: 'assistant',
  status: 'streaming',
  modelId: null,
  modelName: null,
  promptSettings: null,
  segments: [],
  raw: '',
  stats: null,
  error: null,
  createdAt: 0,
}

describe('ReplyDraft', () => {
  it('makes no empty answer of the token that opens a thought', () => {
    const draft = new ReplyDraft(row, () => undefined)
    draft.add({ kind: 'delta', segment: 'answer', text: '', tokens: 1, raw: '<think>' })
    draft.add({ kind: 'delta', segment: 'thought', text: 'hm', tokens: 1, raw: 'hm' })
    draft.add({ kind: 'delta', segment: 'answer', text: 'Paris', tokens: 1, raw: '</think>Paris' })
    draft.close()
    expect(draft.row.segments.map(({ kind, text, tokens }) => [kind, text, tokens])).toEqual([
      ['thought', 'hm', 2],
      ['answer', 'Paris', 1],
    ])
    expect(draft.row.raw).toBe('<think>hm</think>Paris')
  })

  it('goes on in what a person or an earlier reply began', () => {
    const draft = new ReplyDraft({ ...row, segments: [{ kind: 'answer', text: 'The capital', ms: 0, tokens: 0 }] }, () => undefined)
    draft.add({ kind: 'delta', segment: 'answer', text: ' is Paris', tokens: 2, raw: ' is Paris' })
    draft.close()
    expect(draft.row.segments.map(({ text }) => text)).toEqual(['The capital is Paris'])
  })
})
