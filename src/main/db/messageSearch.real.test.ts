import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { defaultConversationSettings, type MessageStatus } from '@shared/domain/chat'
import { backupsIn } from './backup'
import { migrations } from './migrate'
import { messageSearch } from './migrations/0012-message-search'
import { configure, openDatabase, type SnugDatabase } from './open'
import { ConversationService } from '../services/conversations'
import { type MessageRow, writtenMessage } from './repositories/messages'

let dataDir: string
let db: SnugDatabase
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'snug 查找 '))
  db = openDatabase({ dataDir })
  chat('c')
})
afterEach(() => {
  db.close()
  rmSync(dataDir, { recursive: true, force: true })
})

const chat = (id: string, deletedAt: number | null = null) =>
  db.conversations.save({
    id,
    title: `Chat ${id}`,
    modelId: null,
    system: null,
    settings: defaultConversationSettings,
    leafId: null,
    createdAt: 1,
    updatedAt: 1,
    deletedAt,
  })
const message = (id: string, text: string, more: Partial<MessageRow> = {}): MessageRow => ({
  ...writtenMessage({ id, conversationId: 'c', parentId: null, role: 'user', createdAt: 1 }, text),
  ...more,
})
const add = (id: string, text: string, more: Partial<MessageRow> = {}) => db.messages.insert(message(id, text, more))
const ids = (query: string) => db.messages.search(query).found.map(({ messageId }) => messageId)
const integrity = () => db.conversations.db.pragma('integrity_check', { simple: true })

test('words in any order, the last one as a beginning; newest first', () => {
  add('a', 'A llama runs fast on this machine.')
  add('b', 'The Café is fast, the llama is not.')
  add('d', 'Nothing of it')
  expect(ids('llama')).toEqual(['b', 'a'])
  expect(ids('FAST llama')).toEqual(['b', 'a'])
  expect(ids('llama run')).toEqual(['a'])
  // Only the last word may be a beginning, and a space ends it.
  expect(ids('lla runs')).toEqual([])
  expect(ids('run ')).toEqual([])
  expect(ids('cafe')).toEqual(['b'])
  expect(ids('llama cat')).toEqual([])
})

test('Chinese, Japanese and Korean: what a search for a part of the text finds, at every length', () => {
  const texts = {
    a: '把模型量化成四位，显存就够了。',
    b: '量子化学与模型',
    d: 'Qwen3模型的量化版本：Q4_K_M',
    e: 'データを量子化する',
    f: '모델 양자화',
    g: '𠮷野家的模型',
  }
  for (const [id, text] of Object.entries(texts)) {
    // Of one chat only the newest few are shown.
    chat(id)
    add(id, text, { conversationId: id })
  }
  const runs = Object.values(texts).flatMap(
    (text) => text.match(/[\p{Script=Han}\p{Script=Katakana}\p{Script=Hiragana}\p{Script=Hangul}ー]+/gu) ?? [],
  )
  let tried = 0
  for (const run of runs) {
    const characters = Array.from(run)
    for (let from = 0; from < characters.length; from++)
      for (let to = from + 1; to <= Math.min(characters.length, from + 5); to++) {
        const part = characters.slice(from, to).join('')
        const holding = Object.entries(texts).flatMap(([id, text]) => (text.includes(part) ? [id] : []))
        expect(ids(part), part).toEqual(holding.reverse())
        tried++
      }
  }
  expect(tried).toBeGreaterThan(100)
  expect(ids('模型 量化')).toEqual(['d', 'a'])
  expect(ids('Qwen3模型')).toEqual(['d'])
  expect(ids('qwen3 版本')).toEqual(['d'])
  expect(ids('q4_k')).toEqual(['d'])
  expect(ids('型量子')).toEqual([])
})

test('quotes, operators and columns are words like any other', () => {
  add('a', 'He said "NOT near" and left')
  add('b', 'near and far or nothing')
  expect(ids('"NOT near"')).toEqual(['a'])
  expect(ids('near OR')).toEqual(['b'])
  expect(ids('NEAR(and, far)')).toEqual(['b'])
  expect(ids('NEAR(far, near)')).toEqual([])
  expect(ids('tokens: near')).toEqual([])
  const hostile = [
    '"',
    '""',
    '*',
    'a*b*',
    '^near',
    '-near',
    '{tokens}: near',
    'near" OR "far',
    "'; DROP TABLE messages; --",
    'NEAR/2',
    '(',
    'AND',
    '\u0000',
    '\ud800',
  ]
  for (const query of hostile) expect(() => ids(query), query).not.toThrow()
  expect(ids('near" OR "far')).toEqual(['b'])
  expect(ids('AND')).toEqual(['b', 'a'])
})

test('what is being written, thought or deleted is not found; what is changed is found as it is now', () => {
  const reply = { role: 'assistant' as const }
  add('a', 'growing', { ...reply, status: 'streaming' })
  db.messages.saveText('a', [{ kind: 'answer', text: 'growing answer', ms: 0, tokens: 0 }], 'growing answer')
  expect(ids('growing')).toEqual([])
  const thought = { kind: 'thought' as const, text: 'secretly', ms: 0, tokens: 0 }
  db.messages.update({ ...message('a', 'finished answer', reply), segments: [thought, ...message('a', 'finished answer').segments] })
  expect([ids('finished'), ids('growing'), ids('secretly')]).toEqual([['a'], [], []])

  add('b', 'interrupted words', { ...reply, status: 'streaming' })
  expect(db.messages.interruptStreaming()).toEqual(['b'])
  expect(ids('interrupted')).toEqual(['b'])

  chat('c', 10)
  expect(ids('finished')).toEqual([])
  chat('c')
  expect(ids('finished')).toEqual(['a'])
  chat('c', 10)
  expect(db.conversations.purge(10)).toEqual(['c'])
  const left = db.conversations.db.prepare('SELECT count(*) AS n FROM messageIndex_docsize').get()
  expect(left).toEqual({ n: 0 })
  expect(integrity()).toBe('ok')
})

test('a message whose words cannot be written is not written either', () => {
  add('before', 'written')
  db.conversations.db.exec('DROP TABLE messageIndex')
  expect(() => add('a', 'half')).toThrow('messageIndex')
  expect(db.messages.get('a')).toBeUndefined()
  expect(() => db.messages.update(message('before', 'changed'))).toThrow('messageIndex')
  expect(db.messages.get('before')?.segments[0]?.text).toBe('written')
})

test('ten thousand messages: a few hits of each chat, in all so many, and that there are more', () => {
  db.transaction(() => {
    for (let index = 0; index < 20; index++) chat(`c${index}`)
    for (let index = 0; index < 10_000; index++)
      add(`m${index}`, `message ${index} 第${index}条，关于模型的量化 ${index % 100 === 0 ? 'rare' : ''}`, {
        conversationId: `c${index % 20}`,
      })
  })
  const all = db.messages.search('模')
  expect(all.more).toBe(true)
  expect(all.found).toHaveLength(30)
  const perChat = new Map<string, number>()
  for (const { conversationId } of all.found) perChat.set(conversationId, (perChat.get(conversationId) ?? 0) + 1)
  expect(Math.max(...perChat.values())).toBeLessThanOrEqual(3)
  expect(all.found[0]?.messageId).toBe('m9999')
  expect(ids('9876')).toEqual(['m9876'])
  expect(ids('第 9876')).toEqual(['m9876'])
  // Every hundredth is in the same chat.
  expect(db.messages.search('rare')).toMatchObject({
    found: [{ messageId: 'm9900' }, { messageId: 'm9800' }, { messageId: 'm9700' }],
    more: true,
  })
  expect(integrity()).toBe('ok')
})

test('a file of the version before: its messages are found, after a backup', async () => {
  const dir = join(dataDir, 'old')
  mkdirSync(dir)
  const raw = new Database(join(dir, 'snug.db'))
  configure(raw)
  const before = migrations.filter(({ version }) => version < messageSearch.version)
  for (const step of before) step.up(raw)
  raw.pragma(`user_version = ${messageSearch.version - 1}`)
  raw.prepare("INSERT INTO conversations VALUES ('c', 'Old', NULL, NULL, '{}', NULL, 1, 1, NULL)").run()
  const insert = raw.prepare(
    "INSERT INTO messages (id, conversationId, role, status, segments, createdAt) VALUES (?, 'c', 'user', ?, ?, 1)",
  )
  const segments = (text: string) => JSON.stringify(message('', text).segments)
  raw.transaction(() => {
    for (let index = 0; index < 1_200; index++) insert.run(`m${index}`, 'done', segments(`older ${index} 旧消息`))
    insert.run('cut', 'streaming' satisfies MessageStatus, segments('cut off'))
  })()
  raw.close()
  const old = openDatabase({ dataDir: dir })
  const chats = new ConversationService(old)
  expect(chats.interruptLeftovers()).toEqual(['cut'])
  expect(chats.search('旧消 1199').hits).toMatchObject([
    {
      conversationId: 'c',
      messageId: 'm1199',
      title: 'Old',
      snippet: [
        { text: 'older ', hit: false },
        { text: '1199', hit: true },
        { text: ' ', hit: false },
        { text: '旧消', hit: true },
        { text: '息', hit: false },
      ],
    },
  ])
  expect(chats.search('cut').hits).toHaveLength(1)
  await old.backupIfDue()
  expect(backupsIn(join(dir, 'backups'))).not.toEqual([])
  old.close()
})
