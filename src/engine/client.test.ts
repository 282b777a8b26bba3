import type { EngineEvent } from '@shared/engine/protocol'
import { SnugError } from '@shared/errors'
import { describe, expect, it } from 'vitest'
import { createEngineClient } from './client'
import { createFakeEngine } from './fakeEngine'

const generateArgs = {
  prompt: [{ kind: 'text' as const, text: 'hi there' }],
  sampling: { temperature: 0, topP: null, topK: null, minP: null, repeatPenalty: null, seed: null },
  markers: null,
  opensThought: false,
  thoughtBudgetTokens: null,
  maxTokens: null,
  stops: [],
}
const code = (promise: Promise<unknown>) =>
  promise.then(
    () => 'resolved',
    (error: unknown) => (error instanceof SnugError ? error.code : String(error)),
  )

describe('engine client', () => {
  it('answers calls by seq and hands their events over in order', async () => {
    const fork = createFakeEngine({ replies: [{ thought: 'hm ', answer: 'one two three' }] })
    const client = createEngineClient(fork('model'))
    await client.ready()
    const events: EngineEvent[] = []
    const [stats, count] = await Promise.all([
      client.call('generate', generateArgs, { onEvent: (event) => events.push(event) }),
      client.call('count', { prompt: generateArgs.prompt }),
    ])
    expect(count.tokens).toBe(2)
    expect(stats).toMatchObject({ evalTokens: 4, thoughtTokens: 1, stopReason: 'end' })
    expect(events.flatMap((event) => (event.kind === 'delta' ? [`${event.segment}:${event.text}`] : []))).toEqual([
      'thought:hm ',
      'answer:one ',
      'answer:two ',
      'answer:three',
    ])
  })

  it('cancels by seq: generate answers with what it has', async () => {
    const fork = createFakeEngine({ replies: [{ answer: 'word '.repeat(1000), delayMs: 1 }] })
    const client = createEngineClient(fork('model'))
    const controller = new AbortController()
    const stats = await client.call('generate', generateArgs, {
      signal: controller.signal,
      onEvent: (event) => {
        if (event.kind === 'delta') controller.abort()
      },
    })
    expect(stats.stopReason).toBe('stopped')
    expect(stats.evalTokens).toBeLessThan(1000)
    expect(fork.processes[0]?.received.some((message) => message.call === 'cancel')).toBe(true)
  })

  it('rejects open and later calls with engine/crashed when the port closes, once', async () => {
    const fork = createFakeEngine({ replies: [{ answer: 'a b c d', fault: { kind: 'exit', afterDeltas: 2 } }] })
    const client = createEngineClient(fork('model'))
    const open = code(client.call('generate', generateArgs))
    const other = code(client.call('generate', generateArgs))
    expect(await open).toBe('engine/crashed')
    expect(await other).toBe('engine/crashed')
    expect(await code(client.call('probe', { backend: 'auto' }))).toBe('engine/crashed')
    expect(client.closed).not.toBeNull()
  })

  it('carries error codes, times out as engine/stalled, and rejects an aborted plain call with cancelled', async () => {
    const fork = createFakeEngine({
      handlers: {
        load: () => {
          throw new SnugError('engine/out-of-memory', 'no room')
        },
        inspect: (_args, call) => call.stall(),
      },
    })
    const client = createEngineClient(fork('tools'))
    const load = {
      path: 'x',
      backend: 'auto',
      gpuLayers: 0,
      contextSize: 'auto',
      batchSize: 'auto',
      threads: 'auto',
      flashAttention: 'auto',
      kvCacheType: 'f16',
      useMmap: 'auto',
    } as const
    expect(await code(client.call('load', load))).toBe('engine/out-of-memory')
    expect(await code(client.call('inspect', { path: 'x' }, { timeoutMs: 20 }))).toBe('engine/stalled')
    const controller = new AbortController()
    const pending = code(client.call('inspect', { path: 'x' }, { signal: controller.signal }))
    controller.abort()
    expect(await pending).toBe('cancelled')
  })
})
