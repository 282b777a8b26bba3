import { afterEach, expect, test } from 'vitest'
import { createFakeEngine, type FakeForkEngine, type FakeScript } from '../engine/fakeEngine'
import type { PromptMessage } from '@shared/domain/chat'
import { defaultSettings } from '@shared/domain/settings'
import { messages as wordsOf } from '@shared/i18n'
import { silentLog } from '@shared/log'
import { EngineHost } from '../main/engine/engineHost'
import { LoadingService, type LoadWishes } from '../main/services/loading'
import { type Answer, type AnswerOptions, ChatSession } from './chatSession'
import type { Output } from './output'
import { createPrinter } from './printer'

let engine: EngineHost
let fork: FakeForkEngine
const options: AnswerOptions = { sampling: {}, thinking: { mode: 'default' }, maxTokens: null }
const never = new AbortController().signal
const nothing = () => {}

afterEach(async () => await engine.dispose())

async function open(script: FakeScript, wishes: LoadWishes = {}): Promise<ChatSession> {
  fork = createFakeEngine(script)
  engine = new EngineHost({ fork, log: silentLog })
  const settings = { get: () => defaultSettings, set: () => defaultSettings }
  const loading = new LoadingService({ host: engine, models: { get: () => undefined }, settings })
  return await ChatSession.open({ engine, loading }, 'fake.gguf', wishes, [], never, nothing)
}

const user = (content: string): PromptMessage => ({ role: 'user', content })
const modelProcesses = () => fork.processes.filter(({ role }) => role === 'model')
const prompts = () =>
  modelProcesses().flatMap(({ received }) =>
    received.flatMap((message) => (message.call === 'generate' ? [message.args.prompt.map(({ text }) => text).join('')] : [])),
  )

test('an engine that died between two turns is started again as it was loaded, and the next turn is answered', async () => {
  const session = await open({ replies: [{ answer: 'fine' }] }, { contextSize: 512, cpuOnly: true })
  await session.answerTurn([user('x')], options, never, nothing)
  modelProcesses().at(-1)?.crash('signal SIGKILL')
  // Before anybody has heard of it, and after.
  expect((await session.answerTurn([user('y')], options, never, nothing)).answer).toBe('fine')
  modelProcesses().at(-1)?.crash('signal SIGKILL')
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(engine.loaded).toBeNull()
  expect((await session.answer([user('z')], options, never, nothing)).answer).toBe('fine')
  const loads = modelProcesses().flatMap(({ received }) => received.flatMap((message) => (message.call === 'load' ? [message.args] : [])))
  expect(loads).toHaveLength(3)
  expect(loads[0]).toMatchObject({ contextSize: 512, backend: 'cpu' })
  for (const load of loads) expect(load).toEqual(loads[0])
})

test('three crashes: the fourth turn says so instead of trying', async () => {
  const session = await open({ replies: [{ answer: 'a b', fault: { kind: 'exit', afterDeltas: 1 } }] })
  const codes: unknown[] = []
  for (let turn = 0; turn < 4; turn++)
    codes.push(await session.answerTurn([user('x')], options, never, nothing).catch((error: { code?: string }) => error.code))
  expect(codes).toEqual(['engine/crashed', 'engine/crashed', 'engine/unavailable', 'engine/unavailable'])
  expect(modelProcesses()).toHaveLength(3)
})

test('a full context: old thoughts go first, then the oldest turns with room for a reply, as in the window', async () => {
  const session = await open({ replies: [{ answer: 'ok' }] }, { contextSize: 256 })
  const system: PromptMessage = { role: 'system', content: 'Be brief.' }
  const thinking: PromptMessage[] = [system, user('old'), { role: 'assistant', content: 'b', thought: 'hm '.repeat(300) }, user('new')]
  expect((await session.answerTurn(thinking, options, never, nothing)).stats.droppedMessages).toBeUndefined()
  expect(prompts().at(-1)).not.toContain('hm')
  expect(prompts().at(-1)).toContain('old')

  const long: PromptMessage[] = [system]
  for (let turn = 0; turn < 6; turn++)
    long.push(user(`question ${turn} ${'w '.repeat(20)}`), { role: 'assistant', content: 'answer '.repeat(20) })
  const { stats } = await session.answerTurn([...long, user('and now?')], options, never, nothing)
  expect(stats.droppedMessages).toBeGreaterThan(0)
  expect(prompts().at(-1)).toMatch(/^<system>Be brief\.<\/system><user>question [3-5]/)
  expect(stats.promptTokens).toBeLessThanOrEqual(128)
  // The next turn begins where this one did: its cache counts.
  const first = /question \d/.exec(prompts().at(-1) ?? '')?.[0]
  await session.answerTurn([...long, user('and now?'), { role: 'assistant', content: 'ok' }, user('more')], options, never, nothing)
  expect(/question \d/.exec(prompts().at(-1) ?? '')?.[0]).toBe(first)

  await expect(session.answerTurn([user('word '.repeat(400))], options, never, nothing)).rejects.toMatchObject({
    code: 'chat/context-too-small',
  })
})

test('why an answer ends early, and without which messages it was written, is printed in both languages', async () => {
  const session = await open({ replies: [{ answer: 'one two three' }] })
  const given = await session.answer([user('x')], { ...options, maxTokens: 2 }, never, nothing)
  const dropped: Answer = { ...given, stats: { ...given.stats, stopReason: 'context-full', droppedMessages: 2 } }
  for (const language of ['en', 'zh-CN'] as const) {
    const words = wordsOf(language)
    const notes: string[] = []
    const out: Output = {
      json: false,
      terminal: null,
      words,
      language,
      result: nothing,
      event: nothing,
      text: nothing,
      progress: nothing,
      note: (text) => void notes.push(text),
      fail: () => 1,
    }
    createPrinter(out, true).end(given)
    expect(notes.slice(0, -1)).toEqual([words.cli.endedByLimit])
    notes.length = 0
    createPrinter(out, true).end(dropped)
    expect(notes.slice(0, -1)).toEqual([words.cli.contextDropped({ count: 2 }), words.cli.endedByContext])
  }
})
