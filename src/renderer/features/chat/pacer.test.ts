import type { Message } from '@shared/domain/chat'
import type { ReplyEvent } from '@shared/ipc/chat'
import { describe, expect, it } from 'vitest'
import { createPacer, drawingShare, waitAfter } from './pacer'

const delta = (text: string): ReplyEvent => ({ kind: 'delta', segment: 'answer', text, tokens: 1, tokensPerSecond: null })

function world(share: number, costMs = 0) {
  let clock = 0
  let timers: { at: number; work: () => void }[] = []
  const drawn: string[] = []
  const pacer = createPacer({
    share,
    now: () => clock,
    later: (work, ms) => {
      const timer = { at: clock + ms, work }
      timers.push(timer)
      return () => {
        timers = timers.filter((other) => other !== timer)
      }
    },
    draw: (events, cost) => {
      drawn.push(events.map((event) => (event.kind === 'delta' ? event.text : event.kind)).join(''))
      cost(costMs)
    },
  })
  const pass = (ms: number) => {
    clock += ms
    const due = timers.filter(({ at }) => at <= clock)
    timers = timers.filter(({ at }) => at > clock)
    for (const { work } of due) work()
  }
  return { pacer, pass, drawn }
}

describe('pacer', () => {
  it('shows the first text at once and joins what follows', () => {
    const { pacer, pass, drawn } = world(0.1)
    pacer.push(delta('a'))
    pacer.push(delta('b'))
    pacer.push(delta('c'))
    expect(drawn).toEqual(['a'])
    pass(20)
    expect(drawn).toEqual(['a', 'bc'])
  })

  it('waits longer where drawing is dear, but never so long that the text halts', () => {
    const { pacer, pass, drawn } = world(0.1, 2)
    pacer.push(delta('a'))
    for (let step = 0; step < 60; step++) {
      pass(10)
      pacer.push(delta('.'))
    }
    // 600 ms at 58 ms each.
    expect(drawn.length).toBeGreaterThanOrEqual(10)
    expect(drawn.length).toBeLessThanOrEqual(13)
    expect(waitAfter(500, 0.1)).toBe(250)
    expect(waitAfter(0, 0.1)).toBe(16)
  })

  it('loses nothing: the end comes at once, after the text before it', () => {
    const { pacer, pass, drawn } = world(0.1)
    pacer.push(delta('a'))
    pacer.push(delta('b'))
    pacer.push({ kind: 'end', message: {} as Message })
    expect(drawn).toEqual(['a', 'bend'])
    pass(1000)
    expect(drawn).toHaveLength(2)
  })

  it('draws nothing after it was stopped', () => {
    const { pacer, pass, drawn } = world(0.1)
    pacer.push(delta('a'))
    pacer.push(delta('b'))
    pacer.stop()
    pass(1000)
    expect(drawn).toEqual(['a'])
  })

  it('leaves the cores to the engine where there are few', () => {
    expect([2, 4, 16].map(drawingShare)).toEqual([0.06, 0.15, 0.5])
  })
})
