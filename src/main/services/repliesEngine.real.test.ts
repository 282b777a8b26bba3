import { mkdtempSync, renameSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { forkNode } from '../../engine/forkNode'
import { scriptedExpectation, writeScriptedModel } from '../../engine/scriptedModel'
import type { Message } from '@shared/domain/chat'
import { automaticPreset } from '@shared/domain/preset'
import { silentLog } from '@shared/log'
import { openDatabase, type SnugDatabase } from '../db/open'
import { EngineHost } from '../engine/engineHost'
import { ConversationService } from './conversations'
import { KvStates } from './kvStates'
import { newModelRow } from './libraryRows'
import { LoadingService } from './loading'
import { RepliesService } from './replies'
import { SettingsService } from './settings'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const outDir = here(`../../../node_modules/.cache/snug/engine-${process.pid}`)
let dataDir: string
let db: SnugDatabase
let host: EngineHost
let chats: ConversationService
let replies: RepliesService
let loading: LoadingService
const script = { words: 400 }
const expected = scriptedExpectation(script)

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'snug 引擎 '))
  await build({
    configFile: false,
    logLevel: 'error',
    resolve: { alias: { '@shared': here('../../shared') } },
    build: { ssr: here('../../engine/entry.ts'), outDir, rollupOptions: { output: { entryFileNames: 'engine.mjs' } } },
  })
  const path = join(dataDir, 'scripted.gguf')
  // After the answer so many numbered words that there is a middle to kill it in.
  await writeScriptedModel(path, script)
  db = openDatabase({ dataDir })
  host = new EngineHost({ fork: forkNode(join(outDir, 'engine.mjs')), log: silentLog })
  const settings = new SettingsService(db.settings)
  const facts = await host.tools('inspect', { path })
  db.models.save({ ...newModelRow('scripted', path, 1), sizeBytes: statSync(path).size, mtimeMs: 1, origin: 'scripted', facts })
  settings.set({ lastModelId: 'scripted' })
  chats = new ConversationService(db)
  loading = new LoadingService({ host, models: db.models, settings, plan: async () => ({ threads: 1 }) })
  const cache = new KvStates({ host, folder: join(dataDir, 'kv'), keeps: (id) => db.conversations.get(id) !== undefined, log: silentLog })
  replies = new RepliesService({
    conversations: chats,
    loading,
    host,
    measured: (id, measuredTokensPerSecond) => void db.models.update(id, { measuredTokensPerSecond }),
    log: silentLog,
    cache,
  })
})
afterAll(async () => {
  await replies.dispose()
  await host.dispose()
  db.close()
  rmSync(dataDir, { recursive: true, force: true })
  rmSync(outDir, { recursive: true, force: true })
})

const text = (message: Message, kind: 'answer' | 'thought') =>
  message.segments.reduce((all, segment) => (segment.kind === kind ? all + segment.text : all), '')

async function end(replyId: string, onDelta: () => void = () => {}): Promise<Message> {
  for await (const event of replies.followReply(replyId)) {
    if (event.kind === 'delta') onDelta()
    if (event.kind === 'end') return event.message
  }
  throw new Error('no end')
}

function chat(thinking: 'on' | 'off', maxTokens: number | null = null) {
  const { id } = chats.create()
  const sampling = { temperature: 0, topP: null, topK: null, minP: null, repeatPenalty: null, seed: 1 }
  chats.update(id, { settings: { sampling, thinking: { mode: thinking }, stream: true, maxTokens } })
  return id
}

test('thinking on: a thought and the exact answer; off: the exact answer and no thought', async () => {
  const on = await end(replies.send({ id: chat('on'), text: '你好' }).replyId)
  expect(on).toMatchObject({ status: 'done', error: null, stats: { stopReason: 'end' } })
  expect([text(on, 'thought'), text(on, 'answer')]).toEqual([expected.thought, expected.answer])
  const off = await end(replies.send({ id: chat('off'), text: 'Hi' }).replyId)
  expect([text(off, 'thought'), text(off, 'answer')]).toEqual(['', expected.answer])
  expect(off.stats?.thoughtTokens).toBe(0)
})

test('a second turn, and going back to the first chat, evaluate only what is new', async () => {
  // The template drops the empty thought of an older turn, so its answer is evaluated again: a short one.
  const one = chat('off', 16)
  const two = chat('off', 16)
  const long = 'hello '.repeat(60)
  await end(replies.send({ id: one, text: long }).replyId)
  const second = await end(replies.send({ id: one, text: 'more' }).replyId)
  const fresh = (message: Message) => (message.stats?.promptTokens ?? 0) - (message.stats?.cachedTokens ?? 0)
  expect(fresh(second)).toBeLessThan(60)
  await end(replies.send({ id: two, text: long }).replyId)
  const back = await end(replies.send({ id: one, text: 'again' }).replyId)
  expect(back.stats?.promptTokens).toBeGreaterThan(300)
  expect(fresh(back)).toBeLessThan(60)
  expect(await replies.contextUse(one, 'draft')).toMatchObject({ tooLong: false, droppedMessages: 0 })
  expect((await replies.promptView(one)).text).toContain('again')
})

test('a model whose file is taken away while it is loaded goes on; loading it again says that it is gone', async () => {
  const id = chat('off', 16)
  const path = join(dataDir, 'scripted.gguf')
  await end(replies.send({ id, text: 'Hi' }).replyId)
  renameSync(path, `${path}.away`)
  try {
    expect((await end(replies.send({ id, text: 'Still there?' }).replyId)).status).toBe('done')
    await host.unload()
    expect(await end(replies.send({ id, text: 'And now?' }).replyId)).toMatchObject({
      status: 'failed',
      error: { code: 'model/not-found' },
    })
  } finally {
    renameSync(`${path}.away`, path)
  }
})

test('kill -9 in the middle of a reply: the partial text is kept, the next prompt answers', async () => {
  const id = chat('on')
  const first = replies.send({ id, text: 'Hi' })
  let killed = false
  const message = await end(first.replyId, () => {
    const pid = host.loaded?.pid
    if (killed || pid === undefined) return
    killed = true
    process.kill(pid, 'SIGKILL')
  })
  expect(killed).toBe(true)
  expect(message).toMatchObject({ status: 'interrupted', error: { code: 'engine/crashed' } })
  expect(db.messages.get(message.id)).toMatchObject({ status: 'interrupted', segments: message.segments })
  expect(expected.answer.startsWith(text(message, 'answer'))).toBe(true)
  const next = await end(replies.send({ id, text: 'Again' }).replyId)
  expect(text(next, 'answer')).toBe(expected.answer)
})

test('a context whose cache no machine holds goes down the ladder and says so', async () => {
  // 64 blocks: 32 KiB of cache a token, 320 GiB for ten million.
  const path = join(dataDir, 'deep.gguf')
  await writeScriptedModel(path, { layers: 64 })
  const row = db.models.get('scripted')
  if (row === undefined) throw new Error('no row')
  db.models.save({ ...row, id: 'deep', path, facts: await host.tools('inspect', { path }) })
  await loading.load('deep', { contextSize: 10_000_000 })
  const status = host.status()
  if (status.state !== 'ready') throw new Error(status.state)
  expect(status).toMatchObject({ modelId: 'deep', contextSize: 4_096 })
  expect(status.ladder).toEqual([{ change: 'context', from: 10_000_000, to: 4_096, because: expect.stringMatching(/^engine\//) }])
})

test('a wish for a number of threads is kept, whatever was planned', async () => {
  await loading.load('scripted', { threads: 2 })
  expect(host.status()).toMatchObject({ state: 'ready', modelId: 'scripted', threads: 2 })
  await loading.load('scripted', { threads: 1 })
  expect(host.status()).toMatchObject({ state: 'ready', modelId: 'scripted', threads: 1 })
  expect(host.loaded?.model.threads).toBe(1)
})

test('what is kept for a model counts where nothing else is asked for', async () => {
  const load = { ...automaticPreset.load, contextSize: 1_024, kvCacheType: 'q8_0' as const }
  db.models.update('scripted', { preset: { ...automaticPreset, load } })
  await loading.load('scripted')
  expect(host.loaded?.model).toMatchObject({ contextSize: 1_024, kvCacheType: 'q8_0' })
  await loading.load('scripted', { contextSize: 512, kvCacheType: 'f16' })
  expect(host.loaded?.model).toMatchObject({ contextSize: 512, kvCacheType: 'f16' })
  db.models.update('scripted', { preset: null })
})
