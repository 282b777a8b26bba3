import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { defaultConversationSettings } from '@shared/domain/chat'
import { SnugError } from '@shared/errors'
import { openDatabase, type SnugDatabase } from '../db/open'
import { ConversationService } from './conversations'
import { branchOf, newestLeafBelow, titleOf } from './messageTree'
import { SettingsService } from './settings'

let dataDir: string
let db: SnugDatabase
let now = 1_000
let chats: ConversationService
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'snug-chat-'))
  db = openDatabase({ dataDir })
  now = 1_000
  chats = new ConversationService(db, () => ++now)
})
afterEach(() => {
  db.close()
  rmSync(dataDir, { recursive: true, force: true })
})

test('a chat whose first message cannot be saved is not there either', () => {
  const full = new SnugError('db/disk-full', 'full')
  const insert = vi.spyOn(db.messages, 'insert').mockImplementation(() => {
    throw full
  })
  expect(() => chats.begin({ system: null, settings: defaultConversationSettings, role: 'user', text: 'Hi' })).toThrow(full)
  insert.mockRestore()
  expect(chats.list()).toEqual([])
})

test('an edit is a branch: the old message and its answer stay, and choosing it shows its newest leaf', () => {
  const { id } = chats.create()
  const { messageId: question } = chats.add({ id, role: 'user', text: 'one' })
  const { messageId: answer } = chats.add({ id, role: 'assistant', text: 'answer one' })
  const { messageId: edited } = chats.edit({ id, messageId: question, text: 'two' })
  expect(chats.branch(id).map((message) => message.id)).toEqual([edited])
  expect(chats.get(id).messages).toHaveLength(3)

  chats.selectLeaf({ id, messageId: question })
  expect(chats.get(id).leafId).toBe(answer)
  expect(chats.branch(id).map((message) => message.segments[0]?.text)).toEqual(['one', 'answer one'])
})

test('a branch that is gone back to shows the end that was shown there last, not its newest', () => {
  const { id } = chats.create()
  const add = (role: 'user' | 'assistant', text: string, parentId?: string) => chats.add({ id, role, text, parentId }).messageId
  const question = add('user', 'one')
  const first = add('assistant', 'first answer')
  const older = add('user', 'follow-up')
  const newer = add('user', 'other follow-up', first)
  chats.selectLeaf({ id, messageId: older })
  expect(chats.get(id).leafId).toBe(older)
  const edited = chats.edit({ id, messageId: question, text: 'two' }).messageId
  expect(chats.get(id).leafId).toBe(edited)
  chats.selectLeaf({ id, messageId: question })
  expect(chats.get(id).leafId).toBe(older)
  chats.selectLeaf({ id, messageId: newer })
  chats.selectLeaf({ id, messageId: edited })
  chats.selectLeaf({ id, messageId: question })
  expect(chats.get(id).leafId).toBe(newer)
  // What is added there goes on from it, and is where one comes back to.
  const last = add('assistant', 'second answer')
  chats.selectLeaf({ id, messageId: edited })
  chats.selectLeaf({ id, messageId: first })
  expect(chats.get(id).leafId).toBe(last)
  // After a new start nothing is known of it, and the newest is shown.
  chats.selectLeaf({ id, messageId: older })
  chats.selectLeaf({ id, messageId: edited })
  const restarted = new ConversationService(db, () => ++now)
  restarted.selectLeaf({ id, messageId: question })
  expect(restarted.get(id).leafId).toBe(last)
})

test('the title comes from the first user message and is not taken back', () => {
  const { id } = chats.create({ system: '' })
  expect(chats.get(id)).toMatchObject({ title: '', system: '' })
  chats.add({ id, role: 'system', text: 'be brief' })
  chats.add({ id, role: 'user', text: '  How   do\nI cook rice?  ' })
  expect(chats.list()[0]?.title).toBe('How do I cook rice?')
  chats.rename(id, 'Rice')
  chats.add({ id, role: 'user', text: 'And noodles?' })
  expect(chats.list()[0]?.title).toBe('Rice')
  expect(titleOf('字'.repeat(100))).toBe(`${'字'.repeat(59)}…`)
})

test('remove, undo, and the end of undo', () => {
  const { id } = chats.create()
  chats.add({ id, role: 'user', text: 'x' })
  chats.remove(id)
  expect(chats.list()).toEqual([])
  expect(() => chats.get(id)).toThrow(expect.objectContaining({ code: 'chat/not-found' }))
  chats.undoRemove(id)
  expect(chats.get(id).messages).toHaveLength(1)
  chats.remove(id)
  now += 11 * 60 * 1_000
  expect(new ConversationService(db, () => now).list()).toEqual([])
  expect(() => chats.undoRemove(id)).toThrow(expect.objectContaining({ code: 'chat/not-found' }))
})

test('when undo is over the rows go, and whoever keeps something for them is told, once', () => {
  vi.useFakeTimers()
  try {
    let told = 0
    chats.onPurged(() => void told++)
    const { id } = chats.create()
    const { id: other } = chats.create()
    chats.remove(id)
    chats.remove(other)
    chats.undoRemove(other)
    now += 9 * 60 * 1_000
    vi.advanceTimersByTime(9 * 60 * 1_000)
    expect([told, db.conversations.get(id)?.deletedAt]).toEqual([0, expect.any(Number)])
    now += 2 * 60 * 1_000
    vi.advanceTimersByTime(2 * 60 * 1_000)
    expect([told, db.conversations.get(id)]).toEqual([1, undefined])
    expect(db.conversations.get(other)).toBeDefined()
  } finally {
    vi.useRealTimers()
  }
})

test('an edited message may be said in another role; the old one stays', () => {
  const { id } = chats.create()
  const { messageId } = chats.add({ id, role: 'system', text: 'Be brief.' })
  const edited = chats.edit({ id, messageId, text: 'Be brief!', role: 'user' })
  expect(chats.get(id)).toMatchObject({
    leafId: edited.messageId,
    messages: [
      { id: messageId, role: 'system' },
      { id: edited.messageId, role: 'user', parentId: null },
    ],
  })
})

test('a message of another conversation is not taken as a parent', () => {
  const one = chats.create().id
  const two = chats.create().id
  const { messageId } = chats.add({ id: one, role: 'user', text: 'x' })
  expect(() => chats.add({ id: two, role: 'user', text: 'y', parentId: messageId })).toThrow(
    expect.objectContaining({ code: 'chat/not-found' }),
  )
  expect(chats.get(two).messages).toEqual([])
})

test('settings that an older version stored are completed', () => {
  const { id } = chats.create()
  const row = db.conversations.get(id)
  if (row === undefined) throw new Error('not stored')
  db.conversations.save({ ...row, settings: JSON.parse('{"sampling":{"temperature":0.5}}') })
  expect(chats.get(id).settings).toEqual({
    ...defaultConversationSettings,
    sampling: { ...defaultConversationSettings.sampling, temperature: 0.5 },
  })
  db.conversations.save({ ...row, settings: JSON.parse('{"thinking":{"mode":"perhaps"}}') })
  expect(chats.get(id).settings).toEqual(defaultConversationSettings)
})

test('followers get a snapshot, then changes; abort ends them', async () => {
  const { id } = chats.create()
  const abort = new AbortController()
  const stream = chats.follow(id, abort.signal)
  expect((await stream.next()).value).toMatchObject({ messages: [] })
  const next = stream.next()
  chats.add({ id, role: 'user', text: 'a' })
  chats.add({ id, role: 'user', text: 'b' })
  expect((await next).value).toMatchObject({ messages: [{ segments: [{ text: 'a' }] }, { segments: [{ text: 'b' }] }] })
  const last = stream.next()
  abort.abort()
  expect(await last).toEqual({ done: true, value: undefined })
})

test('tree helpers', () => {
  const node = (id: string, parentId: string | null) => ({ id, parentId })
  const tree = [node('a', null), node('b', 'a'), node('c', 'a'), node('d', 'b'), node('e', null)]
  expect(branchOf(tree, 'd').map((message) => message.id)).toEqual(['a', 'b', 'd'])
  expect(branchOf(tree, null)).toEqual([])
  expect(newestLeafBelow(tree, 'a')).toBe('d')
  expect(newestLeafBelow(tree, 'c')).toBe('c')
})

test('settings: defaults, checks, and one bad row that costs only itself', async () => {
  const settings = new SettingsService(db.settings)
  expect(settings.get().theme).toBe('system')
  expect(settings.set({ theme: 'dark', offline: true })).toMatchObject({ theme: 'dark', offline: true })
  expect(() => settings.set({ contextSize: -1 })).toThrow(expect.objectContaining({ code: 'usage/invalid' }))
  db.settings.put({ language: 'klingon' })
  expect(new SettingsService(db.settings).get()).toMatchObject({ theme: 'dark', offline: true, language: null })
  const stream = settings.follow()
  expect((await stream.next()).value).toMatchObject({ theme: 'dark' })
  const next = stream.next()
  settings.set({ theme: 'light' })
  expect((await next).value).toMatchObject({ theme: 'light' })
  await stream.return()
})

test('a draft is there at once, and on the disk a moment later or at the end of the app; an empty one is gone at once', async () => {
  const { id } = chats.create()
  chats.keepDraft(id, 'half a')
  chats.keepDraft(id, 'half a question 半')
  chats.keepDraft(null, 'of the new chat')
  expect([chats.draft(id), chats.draft(null)]).toEqual(['half a question 半', 'of the new chat'])
  expect(db.drafts.get(id)).toBe('')
  chats.saveDrafts()
  expect([db.drafts.get(id), db.drafts.get(null)]).toEqual(['half a question 半', 'of the new chat'])
  chats.keepDraft(id, '')
  expect([chats.draft(id), db.drafts.get(id)]).toEqual(['', ''])
  chats.keepDraft(id, 'in time')
  await expect.poll(() => db.drafts.get(id)).toBe('in time')
  chats.keepDraft('gone', 'of a chat that was deleted')
  chats.saveDrafts()
  expect(db.drafts.get('gone')).toBe('')
})
