import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createFakeEngine, type FakeForkEngine, type FakeScript } from '../../engine/fakeEngine'
import { defaultConversationSettings } from '@shared/domain/chat'
import type { RecommendedSampling } from '@shared/domain/preset'
import type { ThinkingCapability } from '@shared/domain/thinking'
import type { GenerateRequest } from '@shared/engine/protocol'
import { SnugError } from '@shared/errors'
import type { ReplyEvent } from '@shared/ipc/chat'
import { silentLog } from '@shared/log'
import { openDatabase, type SnugDatabase } from '../db/open'
import { EngineHost } from '../engine/engineHost'
import { ConversationService } from './conversations'
import { newModelRow } from './libraryRows'
import { LoadingService } from './loading'
import { RepliesService } from './replies'
import { SettingsService } from './settings'

let dataDir: string
let db: SnugDatabase
let host: EngineHost
let chats: ConversationService
let replies: RepliesService
let fork: FakeForkEngine
let settings: SettingsService

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'snug-replies-'))
  db = openDatabase({ dataDir })
})
afterEach(async () => {
  await replies.dispose()
  await host.dispose()
  db.close()
  rmSync(dataDir, { recursive: true, force: true })
})

function start(script: FakeScript, options: { model?: boolean; thinking?: ThinkingCapability; recommended?: RecommendedSampling } = {}) {
  fork = createFakeEngine(script)
  host = new EngineHost({ fork, log: silentLog })
  settings = new SettingsService(db.settings)
  chats = new ConversationService(db)
  const loading = new LoadingService({ host, models: db.models, settings })
  if (options.model !== false) {
    const path = join(dataDir, 'fake.gguf')
    writeFileSync(path, 'x')
    db.models.save({ ...newModelRow('fake', path, 1), sizeBytes: 1, mtimeMs: 1, thinking: options.thinking ?? null })
    settings.set({ lastModelId: 'fake' })
  }
  replies = new RepliesService({
    conversations: chats,
    loading,
    host,
    ...(options.recommended === undefined ? {} : { recommended: () => options.recommended ?? null }),
    measured: (id, measuredTokensPerSecond) => void db.models.update(id, { measuredTokensPerSecond }),
    log: silentLog,
  })
  return chats.create({ system: 'Be brief.' }).id
}

async function all(replyId: string, onEvent: (event: ReplyEvent) => void = () => {}) {
  const events: ReplyEvent[] = []
  for await (const event of replies.followReply(replyId)) {
    events.push(event)
    onEvent(event)
  }
  const end = events.at(-1)
  if (end?.kind !== 'end') throw new Error('the stream had no end')
  return { events, message: end.message, text: end.message.segments.map((segment) => segment.text).join('') }
}

const generated = (): GenerateRequest[] =>
  fork.processes.flatMap((one) => one.received.flatMap((message) => (message.call === 'generate' ? [message.args] : [])))
const prompt = (request: GenerateRequest | undefined) => request?.prompt.map((piece) => piece.text).join('')

test('a reply loads the model, streams, is saved, and the deltas are the message', async () => {
  const id = start({ replies: [{ thought: 'let me see ', answer: 'Paris is it' }] })
  const { replyId, messageId } = replies.send({ id, text: 'Capital of France?' })
  const { events, message } = await all(replyId)
  expect(events[0]).toMatchObject({ kind: 'snapshot', message: { status: 'streaming', segments: [] } })
  expect(events.some((event) => event.kind === 'waiting' && event.for === 'load')).toBe(true)
  const text = (kind: string) => events.map((event) => (event.kind === 'delta' && event.segment === kind ? event.text : '')).join('')
  expect([text('thought'), text('answer')]).toEqual(['let me see ', 'Paris is it'])
  expect(message).toMatchObject({
    id: replyId,
    parentId: messageId,
    status: 'done',
    modelId: 'fake',
    segments: [
      { kind: 'thought', text: 'let me see ', tokens: 3 },
      { kind: 'answer', text: 'Paris is it', tokens: 3 },
    ],
    stats: { stopReason: 'end', evalTokens: 6 },
  })
  expect(chats.get(id)).toMatchObject({ title: 'Capital of France?', leafId: replyId })
  expect(prompt(generated()[0])).toBe('<system>Be brief.</system><user>Capital of France?</user>')
  // After the end a follower gets the saved message.
  expect((await all(replyId)).events.map((event) => event.kind)).toEqual(['snapshot', 'end'])

  const second = replies.send({ id, text: 'And of Italy?' })
  expect((await all(second.replyId)).events.some((event) => event.kind === 'waiting')).toBe(false)
  expect(chats.branch(id)).toHaveLength(4)
})

test('a crash keeps what was written as interrupted, and the next prompt starts the engine again', async () => {
  let turn = 0
  const id = start({
    handlers: {
      generate: async (_args, call) => {
        call.emit({ kind: 'delta', segment: 'answer', text: 'half an ', tokens: 2, raw: 'half an ' })
        await new Promise((resolve) => setTimeout(resolve, 30))
        if (turn++ === 0) {
          call.exit('signal SIGKILL')
          return call.stall()
        }
        return stats('end')
      },
    },
  })
  const first = await all(replies.send({ id, text: 'go' }).replyId)
  expect(first.message).toMatchObject({ status: 'interrupted', error: { code: 'engine/crashed' } })
  expect(first.text).toBe('half an ')
  expect(db.messages.get(first.message.id)).toMatchObject({ status: 'interrupted', raw: 'half an ' })
  const next = await all(replies.send({ id, text: 'again' }).replyId)
  expect(next.message.status).toBe('done')
  expect(fork.processes.filter((one) => one.role === 'model')).toHaveLength(2)
})

test('an engine that died unseen between two prompts is replaced without a word', async () => {
  const id = start({ replies: [{ answer: 'fine' }] })
  await all(replies.send({ id, text: 'x' }).replyId)
  // In the same turn, before main hears of it.
  fork.processes.findLast((one) => one.role === 'model')?.crash('signal SIGKILL')
  const { message, text } = await all(replies.send({ id, text: 'y' }).replyId)
  expect([message.status, text]).toEqual(['done', 'fine'])
  expect(fork.processes.filter((one) => one.role === 'model')).toHaveLength(2)
})

test('three crashes: the fourth prompt says so instead of trying', async () => {
  const id = start({ replies: [{ answer: 'a b', fault: { kind: 'exit', afterDeltas: 1 } }] })
  for (let crash = 0; crash < 3; crash++) expect((await all(replies.send({ id, text: 'x' }).replyId)).message.status).toBe('interrupted')
  const { message } = await all(replies.send({ id, text: 'x' }).replyId)
  expect(message).toMatchObject({ status: 'failed', error: { code: 'engine/unavailable' } })
  expect(host.status()).toMatchObject({ state: 'failed', error: { code: 'engine/unavailable' } })
})

test('stop keeps the partial text, also when the engine does not answer', async () => {
  const id = start({
    replies: [
      { answer: 'one two three four', delayMs: 30 },
      { answer: 'a b c', fault: { kind: 'stall', afterDeltas: 1 } },
    ],
  })
  const { replyId } = replies.send({ id, text: 'x' })
  const stopped = await all(replyId, (event) => event.kind === 'delta' && replies.cancel(replyId))
  expect(stopped.message).toMatchObject({ status: 'stopped', stats: { stopReason: 'stopped' } })
  expect('one two three four'.startsWith(stopped.text) && stopped.text !== '').toBe(true)

  const stuck = replies.send({ id, text: 'x' }).replyId
  let askedAt = 0
  const { message, text } = await all(stuck, (event) => {
    if (event.kind !== 'delta') return
    askedAt = performance.now()
    replies.cancel(stuck)
  })
  expect(performance.now() - askedAt).toBeLessThan(1_500)
  expect([message.status, text]).toEqual(['stopped', 'a '])
})

test('a growing reply is in the file at least every 250 ms', async () => {
  const answer = Array.from({ length: 60 }, (_, index) => `w${index}`).join(' ')
  const id = start({ replies: [{ answer, delayMs: 10 }] })
  const { replyId } = replies.send({ id, text: 'x' })
  let shown = ''
  const late: number[] = []
  let behindSince: number | null = null
  const { text } = await all(replyId, (event) => {
    if (event.kind !== 'delta') return
    const saved = db.messages.get(replyId)?.raw ?? ''
    // What was shown a moment ago must be saved a quarter of a second later.
    if (saved.length < shown.length) behindSince ??= performance.now()
    else behindSince = null
    if (behindSince !== null) late.push(performance.now() - behindSince)
    shown = saved.length >= shown.length ? shown + event.text : shown
  })
  expect(text).toBe(answer)
  expect(Math.max(0, ...late)).toBeLessThan(300)
})

test('followers come and go; one that leaves ends nothing, a late one gets what is there', async () => {
  const id = start({ replies: [{ answer: 'a b c d e f g h', delayMs: 15 }] })
  const { replyId } = replies.send({ id, text: 'x' })
  const abort = new AbortController()
  const seen: string[] = []
  for await (const event of replies.followReply(replyId, abort.signal)) {
    seen.push(event.kind)
    if (event.kind === 'delta') abort.abort()
  }
  expect(seen.at(-1)).toBe('delta')
  const late = await all(replyId)
  const snapshot = late.events[0]
  if (snapshot?.kind !== 'snapshot') throw new Error('no snapshot')
  expect(snapshot.message.segments[0]?.text.startsWith('a ')).toBe(true)
  const rest = late.events.map((event) => (event.kind === 'delta' ? event.text : '')).join('')
  expect((snapshot.message.segments[0]?.text ?? '') + rest).toBe('a b c d e f g h')
})

test('replies wait for each other in order; one that waits can be cancelled', async () => {
  const one = start({ replies: [{ answer: 'x y z', delayMs: 20 }] })
  const two = chats.create().id
  const three = chats.create().id
  const first = replies.send({ id: one, text: 'first' })
  const second = replies.send({ id: two, text: 'second' })
  const third = replies.send({ id: three, text: 'third' })
  expect(() => replies.send({ id: one, text: 'more' })).toThrow(expect.objectContaining({ code: 'chat/busy' }))
  const events = all(second.replyId)
  replies.cancel(second.replyId)
  expect((await events).message).toMatchObject({ status: 'stopped', segments: [] })
  expect((await all(third.replyId)).message.status).toBe('done')
  expect((await all(first.replyId)).message.status).toBe('done')
  expect(generated()).toHaveLength(2)
})

test('a new answer is a branch; a stopped one is continued in place with what it had written', async () => {
  const id = start({ replies: [{ answer: 'Once upon ', delayMs: 10 }, { answer: 'a time' }, { answer: 'Another' }] })
  const { replyId } = replies.send({ id, text: 'A story' })
  await all(replyId)
  const row = db.messages.get(replyId)
  if (row === undefined) throw new Error('no row')
  db.messages.update({ ...row, status: 'stopped' })
  const continued = replies.continueReply({ id, messageId: replyId })
  expect(continued.replyId).toBe(replyId)
  expect((await all(replyId)).message).toMatchObject({ status: 'done', segments: [{ text: 'Once upon a time' }] })
  expect(prompt(generated()[1])).toBe('<system>Be brief.</system><user>A story</user>Once upon ')
  // the engine is told that the answer has begun: its thought is over, and a spelled marker is text
  expect(generated()[1]).toMatchObject({ opensThought: false, inAnswer: true })
  expect(generated()[0]).toMatchObject({ inAnswer: false })

  const again = replies.regenerate({ id, messageId: replyId })
  expect((await all(again.replyId)).text).toBe('Another')
  const { messages, leafId } = chats.get(id)
  expect(messages.filter((message) => message.role === 'assistant').map((message) => message.parentId)).toEqual([
    messages[0]?.id,
    messages[0]?.id,
  ])
  expect(leafId).toBe(again.replyId)
})

test('an assistant message is a beginning, an edit with a reply is a branch', async () => {
  const id = start({ replies: [{ answer: 'and so on' }] })
  const { messageId } = chats.add({ id, role: 'user', text: 'Tell' })
  const begun = replies.send({ id, role: 'assistant', text: 'Well, ' })
  expect(begun.messageId).toBe(begun.replyId)
  expect((await all(begun.replyId)).text).toBe('Well, and so on')
  expect(prompt(generated()[0])).toBe('<system>Be brief.</system><user>Tell</user><assistant>Well, </assistant>')
  const edited = replies.edit({ id, messageId, text: 'Say', reply: true })
  expect((await all(edited.replyId ?? '')).text).toBe('and so on')
  expect(chats.branch(id).map((message) => message.segments[0]?.text)).toEqual(['Say', 'and so on'])
  expect(chats.get(id).messages).toHaveLength(4)
})

test('without a model nothing is added; a missing file fails the reply and keeps the question', async () => {
  const id = start({}, { model: false })
  expect(() => replies.send({ id, text: 'x' })).toThrow(expect.objectContaining({ code: 'model/not-loaded' }))
  expect(chats.get(id).messages).toEqual([])
  await host.dispose()

  const other = start({})
  rmSync(join(dataDir, 'fake.gguf'))
  const { message } = await all(replies.send({ id: other, text: 'x' }).replyId)
  expect(message).toMatchObject({ status: 'failed', error: { code: 'model/not-found' } })
  expect(chats.get(other).messages[0]?.segments[0]?.text).toBe('x')
})

test('a last choice that was taken off the list is no choice any more', () => {
  const id = start({ replies: [{ answer: 'ok' }] })
  db.models.update('fake', { removedAt: 1 })
  expect(() => replies.send({ id, text: 'x' })).toThrow(expect.objectContaining({ code: 'model/not-loaded' }))
  expect(chats.get(id).messages).toEqual([])
})

test('what does not fit: old turns go, and a last turn that is too long is refused in words', async () => {
  const id = start({ replies: [{ answer: 'ok' }] })
  settings.set({ contextSize: 256 })
  for (let turn = 0; turn < 6; turn++) {
    chats.add({ id, role: 'user', text: `question ${turn} ${'w '.repeat(20)}` })
    chats.add({ id, role: 'assistant', text: 'answer '.repeat(20) })
  }
  const { message } = await all(replies.send({ id, text: 'and now?' }).replyId)
  expect(message.status).toBe('done')
  expect(message.stats?.droppedMessages).toBeGreaterThan(0)
  expect(prompt(generated()[0])).toMatch(/^<system>Be brief\.<\/system><user>question [3-5]/)

  expect(await replies.contextUse(id, 'word '.repeat(400))).toMatchObject({ contextSize: 256, draft: 400, tooLong: true })
  expect(await replies.contextUse(id, 'hi')).toMatchObject({ draft: 1, reply: 128, tooLong: false })
  // The chat that does not exist yet is told before its first message, too.
  const fresh = { system: 'Be brief.', settings: { ...defaultConversationSettings, maxTokens: 20 } }
  expect(await replies.contextUse(null, 'word '.repeat(400), fresh)).toMatchObject({ draft: 400, tooLong: true })
  expect(await replies.contextUse(null, '', fresh)).toMatchObject({ system: 2, conversation: 0, draft: 0, reply: 20, tooLong: false })
  const long = await all(replies.send({ id, text: 'word '.repeat(400) }).replyId)
  expect(long.message).toMatchObject({ status: 'failed', error: { code: 'chat/context-too-small' } })
})

test('thinking off closes any thought at once; the settings reach the engine', async () => {
  const id = start({ replies: [{ answer: 'ok' }] })
  const sampling = { temperature: 0.2, topP: 0.9, topK: 10, minP: 0, repeatPenalty: 1.1, seed: 7 }
  chats.update(id, { settings: { sampling, thinking: { mode: 'off' }, stream: true, maxTokens: 50 } })
  await all(replies.send({ id, text: 'x' }).replyId)
  chats.update(id, { settings: { sampling, thinking: { mode: 'on', budgetTokens: 64 }, stream: true, maxTokens: null } })
  await all(replies.send({ id, text: 'y' }).replyId)
  expect(generated().map((request) => [request.thoughtBudgetTokens, request.maxTokens])).toEqual([
    [0, 50],
    [64, null],
  ])
  expect(generated()[0]?.sampling).toEqual(sampling)
})

test('replies that a killed app left open are interrupted, with their text', async () => {
  const id = start({})
  const { messageId } = chats.add({ id, role: 'user', text: 'x' })
  const row = chats.message(id, messageId)
  db.messages.insert({
    ...row,
    id: 'left',
    parentId: messageId,
    role: 'assistant',
    status: 'streaming',
    raw: 'part',
    segments: [{ kind: 'answer', text: 'part', ms: 0, tokens: 1 }],
  })
  const loading = new LoadingService({ host, models: db.models, settings })
  const options = { conversations: chats, loading, host, measured: () => {}, log: silentLog }
  // the command line beside the app leaves the app's reply alone
  const beside = new RepliesService({ ...options, marksLeftovers: false })
  expect(beside.activeIn(id)).toBeNull()
  expect(db.messages.get('left')?.status).toBe('streaming')
  const next = new RepliesService(options)
  expect(next.activeIn(id)).toBeNull()
  expect((await all('left')).message).toMatchObject({ status: 'interrupted', segments: [{ text: 'part' }] })
})

test('a disk that is full during a reply costs no crash, and the reply says so', async () => {
  const id = start({ replies: [{ answer: 'a b c d', delayMs: 5 }] })
  const { replyId } = replies.send({ id, text: 'x' })
  const update = db.messages.update.bind(db.messages)
  db.messages.update = (row) => {
    if (row.status !== 'streaming') throw new SnugError('db/disk-full', 'SQLite: database or disk is full')
    update(row)
  }
  const { message, text } = await all(replyId)
  expect(message).toMatchObject({ status: 'failed', error: { code: 'db/disk-full' } })
  expect(text).toBe('a b c d')
})

function stats(stopReason: 'end') {
  return {
    promptTokens: 1,
    cachedTokens: 0,
    promptMs: 1,
    evalTokens: 2,
    thoughtTokens: 0,
    evalMs: 1,
    ttftMs: 1,
    promptTokensPerSecond: 1,
    evalTokensPerSecond: 1,
    stopReason,
  }
}

test("the maker's values for thinking count while the model thinks, the others while it does not", async () => {
  const markers = { family: 'think', open: [], close: [], answerOpen: [], answerClose: [], gracefulClose: '' }
  const thinking: ThinkingCapability = { kind: 'toggle', variable: 'enable_thinking', defaultOn: true, markers }
  const recommended = { temperature: 0.7, topP: 0.8, thinking: { temperature: 1, topP: 0.95 } }
  const id = start({ replies: [{ answer: 'one' }, { answer: 'two' }] }, { thinking, recommended })
  await all(replies.send({ id, text: 'By itself' }).replyId)
  chats.update(id, { settings: { ...defaultConversationSettings, thinking: { mode: 'off' } } })
  await all(replies.send({ id, text: 'Without' }).replyId)
  expect(generated().map(({ sampling }) => [sampling.temperature, sampling.topP])).toEqual([
    [1, 0.95],
    [0.7, 0.8],
  ])
})
