import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createFakeEngine, type FakeForkEngine } from '../../engine/fakeEngine'
import { defaultFacts } from '../../engine/fakeFacts'
import type { EngineCalls } from '@shared/engine/protocol'
import { SnugError } from '@shared/errors'
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
let fork: FakeForkEngine
let host: EngineHost
let loading: LoadingService
let chats: ConversationService
let replies: RepliesService
let refuses: boolean

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'snug-prompts-'))
  db = openDatabase({ dataDir })
  refuses = false
  const render = (args: EngineCalls['render']['args']) => {
    const reason = 'turns must alternate'
    if (refuses) throw new SnugError('template/failed', `the chat template failed: ${reason}`, { reason })
    return defaultFacts.render(args)
  }
  fork = createFakeEngine({ replies: [{ answer: 'and so on' }], handlers: { render } })
  host = new EngineHost({ fork, log: silentLog })
  chats = new ConversationService(db)
  const path = join(dataDir, 'fake.gguf')
  writeFileSync(path, 'x')
  db.models.save({ ...newModelRow('fake', path, 1), sizeBytes: 1, mtimeMs: 1 })
  loading = new LoadingService({ host, models: db.models, settings: new SettingsService(db.settings) })
  replies = new RepliesService({ conversations: chats, loading, host, measured: () => undefined, log: silentLog })
})
afterEach(async () => {
  await replies.dispose()
  await host.dispose()
  db.close()
  rmSync(dataDir, { recursive: true, force: true })
})

async function ended(replyId: string): Promise<void> {
  for await (const event of replies.followReply(replyId)) if (event.kind === 'end') return
}
/** The prompt that the engine got last. */
const got = () =>
  fork.processes
    .flatMap(({ received }) => received.flatMap((message) => (message.call === 'generate' ? [message.args.prompt] : [])))
    .at(-1)
    ?.map(({ text }) => text)
    .join('')

test('what the model sees is what its reply was made from, also when another context or none is loaded later', async () => {
  await loading.load('fake', { contextSize: 256 })
  const { id } = chats.create({ system: 'Be brief.' })
  for (let turn = 0; turn < 6; turn++) {
    chats.add({ id, role: 'user', text: `question ${turn} ${'w '.repeat(20)}` })
    chats.add({ id, role: 'assistant', text: 'answer '.repeat(20) })
  }
  chats.add({ id, role: 'user', text: 'and now?' })
  const next = await replies.promptView(id)
  expect(next.droppedMessages).toBeGreaterThan(0)
  expect(next.text).toMatch(/^<system>Be brief\.<\/system><user>question [3-5].*and now\?<\/user>$/)

  await ended(replies.regenerate({ id, messageId: chats.get(id).leafId ?? '' }).replyId)
  expect(got()).toBe(next.text)
  expect(await replies.promptView(id)).toEqual(next)
  await loading.load('fake', { contextSize: 4_096 })
  expect(await replies.promptView(id)).toEqual(next)
  await host.unload()
  expect(await replies.promptView(id)).toEqual(next)
})

test('a beginning that a person wrote is part of the prompt, before and after the model went on', async () => {
  await loading.load('fake')
  const { id } = chats.create()
  chats.add({ id, role: 'user', text: 'Tell' })
  const { messageId } = chats.add({ id, role: 'assistant', text: 'Well, ' })
  const { text } = await replies.promptView(id)
  expect(text).toBe('<user>Tell</user><assistant>Well, </assistant>')
  await ended(replies.continueReply({ id, messageId }).replyId)
  expect(got()).toBe(text)
  expect((await replies.promptView(id)).text).toBe(text)
})

test('a template that refuses: its own words are kept with the reply', async () => {
  const { id } = chats.create()
  refuses = true
  await loading.load('fake')
  await ended(replies.send({ id, text: 'Hi' }).replyId)
  expect(chats.get(id).messages.at(-1)).toMatchObject({
    status: 'failed',
    error: { code: 'template/failed', data: { reason: 'turns must alternate' } },
  })
})
