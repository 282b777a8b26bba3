import type { Message, Segment } from '@shared/domain/chat'
import type { ReplyEvent } from '@shared/ipc/chat'

export type ReplyPhase =
  | { kind: 'waiting'; for: 'load' | 'queue' }
  | { kind: 'prefill'; done: number; total: number; cached: number }
  | { kind: 'thinking' }
  | { kind: 'writing' }
  | { kind: 'ended' }

/** A reply as the page watches it: the message as far as it is known, what is going on, and how fast. */
export interface Reply {
  message: Message
  phase: ReplyPhase
  tokensPerSecond: number | null
}

/** Pure: the next state after an event. Deltas before the snapshot have nothing to add to and are dropped; main sends the snapshot first. */
export function applyEvent(reply: Reply | null, event: ReplyEvent): Reply | null {
  if (event.kind === 'snapshot') {
    const { message } = event
    const phase: ReplyPhase = message.status === 'streaming' ? phaseOf(message) : { kind: 'ended' }
    return { message, phase, tokensPerSecond: reply?.tokensPerSecond ?? null }
  }
  if (event.kind === 'end') return { message: event.message, phase: { kind: 'ended' }, tokensPerSecond: reply?.tokensPerSecond ?? null }
  if (reply === null) return null
  switch (event.kind) {
    case 'waiting':
      return { ...reply, phase: { kind: 'waiting', for: event.for } }
    case 'prefill':
      return { ...reply, phase: { kind: 'prefill', done: event.done, total: event.total, cached: event.cached } }
    case 'delta':
      return {
        message: { ...reply.message, segments: applyDelta(reply.message.segments, event) },
        phase: { kind: event.segment === 'thought' ? 'thinking' : 'writing' },
        tokensPerSecond: event.tokensPerSecond ?? reply.tokensPerSecond,
      }
  }
}

type Delta = Extract<ReplyEvent, { kind: 'delta' }>

/** Text goes to the last segment of its kind, or opens a new one; one that is still empty becomes what comes first. */
export function applyDelta(segments: readonly Segment[], delta: Delta): Segment[] {
  const last = segments.at(-1)
  if (last !== undefined && (last.kind === delta.segment || last.text === '')) {
    return [...segments.slice(0, -1), { ...last, kind: delta.segment, text: last.text + delta.text, tokens: last.tokens + delta.tokens }]
  }
  return [...segments, { kind: delta.segment, text: delta.text, ms: 0, tokens: delta.tokens }]
}

function phaseOf(message: Message): ReplyPhase {
  const last = message.segments.at(-1)
  if (last === undefined) return { kind: 'waiting', for: 'queue' }
  return { kind: last.kind === 'thought' ? 'thinking' : 'writing' }
}

export function tokensOf(message: Message): number {
  return message.segments.reduce((sum, segment) => sum + segment.tokens, 0)
}
