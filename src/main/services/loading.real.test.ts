import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createFakeEngine, type FakeCall, type FakeForkEngine } from '../../engine/fakeEngine'
import { defaultFacts } from '../../engine/fakeFacts'
import { type Message, defaultConversationSettings, defaultSampling } from '@shared/domain/chat'
import type { ModelFacts } from '@shared/domain/gguf'
import type { LoadRequest } from '@shared/engine/protocol'
import { SnugError } from '@shared/errors'
import { silentLog } from '@shared/log'
import { openDatabase, type SnugDatabase } from '../db/open'
import { EngineHost } from '../engine/engineHost'
import { ConversationService } from './conversations'
import { newModelRow } from './libraryRows'
import { LoadingService, type LoadingOptions } from './loading'
import { RepliesService } from './replies'
import { SettingsService } from './settings'

let dataDir: string
let db: SnugDatabase
let fork: FakeForkEngine
let host: EngineHost
let settings: SettingsService
let loading: LoadingService
let chats: ConversationService
let replies: RepliesService
/** Ends the loads that wait. */
let release: () => void
let refuses: boolean
let plan: LoadingOptions['plan']

beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'snug-loading-'))
  db = openDatabase({ dataDir })
  let waiting: (() => void)[] = []
  let open = false
  refuses = false
  release = () => {
    open = true
    for (const go of waiting.splice(0)) go()
    waiting = []
  }
  const load = async (args: LoadRequest, call: FakeCall) => {
    call.emit({ kind: 'load-progress', fraction: 0.4 })
    if (!open) await new Promise<void>((resolve) => waiting.push(resolve))
    if (refuses) throw new SnugError('model/unsupported', 'not of this kind')
    return defaultFacts.load(args)
  }
  fork = createFakeEngine({ replies: [{ answer: 'well' }], handlers: { load } })
  host = new EngineHost({ fork, log: silentLog })
  settings = new SettingsService(db.settings)
  chats = new ConversationService(db)
  plan = async () => ({})
  loading = new LoadingService({ host, models: db.models, settings, plan: (...asked) => plan?.(...asked) ?? Promise.resolve({}) })
  replies = new RepliesService({ conversations: chats, loading, host, measured: () => undefined, log: silentLog })
  const facts = await host.tools('inspect', { path: 'any.gguf' })
  for (const id of ['one', 'two']) addModel(id, facts)
})
afterEach(async () => {
  release()
  await replies.dispose()
  await host.dispose()
  db.close()
  rmSync(dataDir, { recursive: true, force: true })
})

function addModel(id: string, facts: ModelFacts): void {
  const path = join(dataDir, `${id}.gguf`)
  writeFileSync(path, 'x')
  db.models.save({ ...newModelRow(id, path, 1), sizeBytes: 1, mtimeMs: 1, facts })
}

const loads = (): LoadRequest[] =>
  fork.processes.flatMap((one) => one.received.flatMap((message) => (message.call === 'load' ? [message.args] : [])))
const isLoading = () => expect.poll(() => host.status()).toMatchObject({ state: 'loading', fraction: 0.4 })

async function end(replyId: string): Promise<Message> {
  for await (const event of replies.followReply(replyId)) if (event.kind === 'end') return event.message
  throw new Error('no end')
}

test('a message sent during a load waits for it: its options stay, and nothing begins anew', async () => {
  const load = loading.load('one', { cpuOnly: true, contextSize: 4_096 })
  await isLoading()
  // A first message, before any model was ever chosen.
  const { replyId } = replies.send({ id: chats.create().id, text: 'hello' })
  release()
  expect(await end(replyId)).toMatchObject({ status: 'done', modelId: 'one' })
  expect((await load).contextSize).toBe(4_096)
  expect(loads()).toEqual([expect.objectContaining({ backend: 'cpu', gpuLayers: 0, contextSize: 4_096 })])
  expect(settings.get().lastModelId).toBe('one')
})

test('a message sent while another model is on its way is answered by that one, also before its process begins', async () => {
  release()
  await loading.load('one')
  let planned = () => {}
  plan = () => new Promise((resolve) => (planned = () => resolve({})))
  const load = loading.load('two')
  await expect.poll(() => settings.get().lastModelId).toBe('two')
  expect(host.loaded?.modelId).toBe('one')
  const { replyId } = replies.send({ id: chats.create().id, text: 'hello' })
  planned()
  await load
  expect(await end(replyId)).toMatchObject({ status: 'done', modelId: 'two' })
  expect(loads()).toHaveLength(2)
})

test('a stop while a message waits ends the wait, not the load; the same model loaded again is waited for', async () => {
  const first = expect(loading.load('one', { contextSize: 4_096 })).rejects.toMatchObject({ code: 'cancelled' })
  await isLoading()
  const stopped = replies.send({ id: chats.create().id, text: 'hello' })
  replies.cancel(stopped.replyId)
  expect(await end(stopped.replyId)).toMatchObject({ status: 'stopped' })
  expect(host.status().state).toBe('loading')

  const { replyId } = replies.send({ id: chats.create().id, text: 'hello' })
  const second = loading.load('one', { contextSize: 2_048 })
  await first
  release()
  await second
  expect(await end(replyId)).toMatchObject({ status: 'done' })
  expect(loads().map(({ contextSize }) => contextSize)).toEqual([4_096, 2_048])
})

test('of two loads the one asked for last wins, whichever is planned first', async () => {
  release()
  let slowly = () => {}
  plan = () => new Promise((resolve) => (slowly = () => resolve({})))
  const first = expect(loading.load('one')).rejects.toMatchObject({ code: 'cancelled' })
  await expect.poll(() => settings.get().lastModelId).toBe('one')
  plan = async () => ({})
  await loading.load('two')
  slowly()
  await first
  expect(host.status()).toMatchObject({ state: 'ready', modelId: 'two' })
})

test('a load that fails fails the message that waited for it, with its reason', async () => {
  refuses = true
  const failed = expect(loading.load('one')).rejects.toMatchObject({ code: 'model/unsupported' })
  await isLoading()
  const { replyId } = replies.send({ id: chats.create().id, text: 'hello' })
  release()
  await failed
  expect(await end(replyId)).toMatchObject({ status: 'failed', error: { code: 'model/unsupported' } })
  expect(loads()).toHaveLength(1)
})

test('after an unload the next message is planned by the settings of now; after a crash what worked is taken again', async () => {
  release()
  const say = async () => end(replies.send({ id: chats.create().id, text: 'hello' }).replyId)
  settings.set({ contextSize: 4_096 })
  await loading.load('one')
  settings.set({ contextSize: 2_048 })
  fork.processes.at(-1)?.crash('signal SIGKILL')
  await expect.poll(() => host.status().state).toBe('failed')
  await say()
  await host.unload()
  await say()
  expect(loads().map(({ contextSize }) => contextSize)).toEqual([4_096, 4_096, 2_048])
})

test('a chat begins with its first message or not at all, and what is changed before the next attempt counts', async () => {
  release()
  const first = { system: 'Be brief.', settings: defaultConversationSettings, role: 'user' as const, text: 'Hi', answer: true }
  expect(() => replies.begin(first)).toThrow(expect.objectContaining({ code: 'model/not-loaded' }))
  expect(chats.list()).toEqual([])

  await loading.load('one')
  const warm = { ...defaultConversationSettings, sampling: { ...defaultSampling, temperature: 1.5 } }
  const { id } = replies.begin({ ...first, system: 'Be kind.', settings: warm })
  expect(await end(replies.activeIn(id) ?? '')).toMatchObject({ status: 'done' })
  expect(chats.list()).toHaveLength(1)
  const asked = fork.processes.flatMap(({ received }) => received).find((message) => message.call === 'generate')
  expect(asked?.args).toMatchObject({ sampling: { temperature: 1.5 } })
  expect(chats.get(id)).toMatchObject({ system: 'Be kind.', settings: warm })
  const note = replies.begin({ ...first, role: 'system', answer: false })
  expect(chats.get(note.id).messages).toMatchObject([{ role: 'system', segments: [{ text: 'Hi' }] }])
})
