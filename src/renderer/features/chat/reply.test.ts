import type { Message } from '@shared/domain/chat'
import type { ReplyEvent } from '@shared/ipc/chat'
import { describe, expect, it } from 'vitest'
import { type Reply, applyEvent, tokensOf } from './reply'

const message: Message = {
  id: 'm',
  conversationId: 'c',
  parentId: 'q',
  role: 'assistant',
  status: 'streaming',
  modelId: 'x',
  modelName: 'X',
  segments: [],
  stats: null,
  error: null,
  createdAt: 0,
}
const run = (...events: ReplyEvent[]) => events.reduce<Reply | null>(applyEvent, null)
const delta = (segment: 'answer' | 'thought', text: string): ReplyEvent => ({
  kind: 'delta',
  segment,
  text,
  tokens: 1,
  tokensPerSecond: 20,
})

describe('applyEvent', () => {
  it('collects thought and answer as two segments', () => {
    const reply = run({ kind: 'snapshot', message }, delta('thought', 'let '), delta('thought', 'me'), delta('answer', 'Paris'))
    expect(reply?.message.segments.map(({ kind, text }) => [kind, text])).toEqual([
      ['thought', 'let me'],
      ['answer', 'Paris'],
    ])
    expect(reply?.phase).toEqual({ kind: 'writing' })
    expect(reply?.tokensPerSecond).toBe(20)
    expect(reply && tokensOf(reply.message)).toBe(3)
  })
  it('makes no empty answer of the token that opens a thought', () => {
    const reply = run({ kind: 'snapshot', message }, delta('answer', ''), delta('thought', 'hm'), delta('answer', 'Paris'))
    expect(reply?.message.segments.map(({ kind, text, tokens }) => [kind, text, tokens])).toEqual([
      ['thought', 'hm', 2],
      ['answer', 'Paris', 1],
    ])
  })
  it('starts over from a snapshot after a reconnect, losing and doubling nothing', () => {
    const half: Message = { ...message, segments: [{ kind: 'answer', text: 'The capital', ms: 0, tokens: 2 }] }
    const reply = run(
      { kind: 'snapshot', message },
      delta('answer', 'The capital'),
      { kind: 'snapshot', message: half },
      delta('answer', ' is'),
    )
    expect(reply?.message.segments[0]?.text).toBe('The capital is')
  })
  it('shows what it waits for and how far it has read', () => {
    expect(run({ kind: 'snapshot', message }, { kind: 'waiting', for: 'load' })?.phase).toEqual({ kind: 'waiting', for: 'load' })
    expect(run({ kind: 'snapshot', message }, { kind: 'prefill', done: 5, total: 10, cached: 2 })?.phase).toMatchObject({ done: 5 })
  })
  it('ends with the message as it was saved', () => {
    const saved: Message = { ...message, status: 'stopped', segments: [{ kind: 'answer', text: 'Par', ms: 9, tokens: 1 }] }
    const reply = run({ kind: 'snapshot', message }, delta('answer', 'Paris'), { kind: 'end', message: saved })
    expect(reply?.message).toEqual(saved)
    expect(reply?.phase).toEqual({ kind: 'ended' })
  })
  it('drops deltas that have no snapshot', () => {
    expect(run(delta('answer', 'x'))).toBeNull()
  })
})
