import { automaticPreset } from '@shared/domain/preset'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { backupsIn, dailyBackup } from './backup'
import { configure, openDatabase } from './open'
import type { MessageRow } from './repositories/messages'
import { testConversation } from './testConversation'
import { newModelRow } from '../services/libraryRows'
import { silentLog } from '@shared/log'

let dataDir: string
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'snug 数据 '))
})
afterEach(() => rmSync(dataDir, { recursive: true, force: true }))

const file = () => join(dataDir, 'snug.db')
const hash = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex')

const message = (id: string, conversationId: string, parentId: string | null): MessageRow => ({
  id,
  conversationId,
  parentId,
  role: 'user',
  status: 'done',
  modelId: null,
  modelName: null,
  promptSettings: null,
  segments: [{ kind: 'answer', text: '你好 "quoted" <|im_end|>', ms: 0, tokens: 3 }],
  raw: '',
  stats: null,
  error: null,
  createdAt: 3,
})

test('settings of the connection are what durability needs', () => {
  const db = openDatabase({ dataDir })
  db.close()
  const raw = new Database(file())
  configure(raw)
  expect(raw.pragma('journal_mode', { simple: true })).toBe('wal')
  expect(raw.pragma('synchronous', { simple: true })).toBe(2)
  expect(raw.pragma('foreign_keys', { simple: true })).toBe(1)
  expect(raw.pragma('trusted_schema', { simple: true })).toBe(0)
  // A full-text index and the tables behind it are SQLite's own and cannot be strict.
  const tables = raw
    .prepare("SELECT name, strict FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite_%'")
    .all()
  expect(tables.length).toBeGreaterThanOrEqual(5)
  for (const table of tables) expect(table).toMatchObject({ strict: 1 })
  raw.close()
})

test('rows survive closing and opening', () => {
  const first = openDatabase({ dataDir })
  first.conversations.save(testConversation('c1'))
  first.messages.insert(message('m1', 'c1', null))
  first.messages.insert({ ...message('m2', 'c1', 'm1'), role: 'assistant', raw: '<think>x</think>y', status: 'stopped' })
  first.drafts.put('c1', 'half a question 半')
  first.drafts.put(null, 'new')
  first.drafts.put(null, '')
  first.settings.put({ theme: 'dark', contextSize: 4096 })
  first.close()

  const second = openDatabase({ dataDir })
  expect(second.notice).toBeNull()
  expect(second.conversations.get('c1')).toEqual(testConversation('c1'))
  expect([second.drafts.get('c1'), second.drafts.get(null)]).toEqual(['half a question 半', ''])
  expect(second.messages.ofConversation('c1').map((row) => [row.id, row.parentId, row.raw])).toEqual([
    ['m1', null, ''],
    ['m2', 'm1', '<think>x</think>y'],
  ])
  expect(second.messages.get('m1')).toEqual(message('m1', 'c1', null))
  expect(Object.fromEntries(second.settings.all())).toEqual({ theme: '"dark"', contextSize: '4096' })
  second.close()
})

test('a model row keeps its id, a download its ranges', () => {
  const db = openDatabase({ dataDir })
  const row = {
    ...newModelRow('model1', '/models/张/a.gguf', 1),
    sizeBytes: 98_362_432,
    mtimeMs: 1.5,
    headerSha: 'aa',
    thinking: { kind: 'none' as const },
    preset: { ...automaticPreset, load: { ...automaticPreset.load, threads: 2 } },
    promisedSha256s: ['ee', 'dd'],
    fileSha256: 'ff',
    checkedAt: 3,
  }
  db.models.save(row)
  expect(db.models.byPath(row.path)).toEqual(row)
  expect(() => db.models.save({ ...row, id: 'model2' })).toThrow(/UNIQUE/)
  db.models.update('model1', { state: 'missing', removedAt: 5 })
  expect(db.models.all()).toEqual([])
  expect(db.models.all({ removed: true })[0]).toMatchObject({ id: 'model1', state: 'missing' })

  db.downloads.save({
    id: 'd1',
    repository: 'a/b',
    file: 'x.gguf',
    revision: 'main',
    folder: '/models',
    state: 'paused',
    parts: [{ file: 'x.gguf', sizeBytes: 10, sha256: null, etag: '"e"', ranges: [[0, 5]], done: false }],
    error: null,
    modelId: 'model1',
    createdAt: 1,
    updatedAt: 1,
  })
  db.downloads.update('d1', { state: 'failed', error: { code: 'download/changed', message: 'm', data: {} } })
  expect(db.downloads.byFile('a/b', 'x.gguf')).toMatchObject({ state: 'failed', parts: [{ ranges: [[0, 5]] }] })
  db.close()
})

test('a long conversation is purged whole, however deep', () => {
  const db = openDatabase({ dataDir })
  db.transaction(() => {
    db.conversations.save({ ...testConversation('c1'), deletedAt: 10 })
    db.conversations.save(testConversation('c2'))
    for (let index = 0; index < 3_000; index++) db.messages.insert(message(`m${index}`, 'c1', index === 0 ? null : `m${index - 1}`))
  })
  db.drafts.put('c1', 'goes too')
  db.drafts.put('c2', 'stays')
  expect(db.conversations.purge(10)).toEqual(['c1'])
  expect([db.drafts.get('c1'), db.drafts.get('c2')]).toEqual(['', 'stays'])
  expect(db.messages.ofConversation('c1')).toEqual([])
  expect(db.conversations.get('c2')).toBeDefined()
  db.close()
})

test('a file of a newer build is refused and keeps every byte', () => {
  openDatabase({ dataDir }).close()
  const raw = new Database(file())
  raw.pragma('user_version = 4000')
  raw.close()
  const before = hash(file())
  expect(() => openDatabase({ dataDir })).toThrow(expect.objectContaining({ code: 'db/from-future' }))
  expect(hash(file())).toBe(before)
  expect(readdirSync(dataDir).filter((name) => name.includes('corrupt'))).toEqual([])
})

test('a damaged file is kept, and the newest good backup takes its place', async () => {
  const db = openDatabase({ dataDir })
  db.conversations.save(testConversation('kept'))
  await db.backupIfDue()
  db.conversations.save(testConversation('later'))
  db.close()
  // A newer backup that is damaged as well must be passed over.
  writeFileSync(join(dataDir, 'backups', `snug-${Date.now() + 1_000}-daily.db`), 'not a database at all'.repeat(100))
  const bytes = readFileSync(file())
  bytes.fill(0xff, 0, 4_096)
  writeFileSync(file(), bytes)

  const again = openDatabase({ dataDir })
  expect(again.notice).toMatchObject({ kind: 'restored' })
  const kept = again.notice?.kept ?? ''
  expect(hash(kept)).toBe(createHash('sha256').update(bytes).digest('hex'))
  expect(again.conversations.list().map((row) => row.id)).toEqual(['kept'])
  again.close()
})

test('damage inside is found after an unclean exit', () => {
  const db = openDatabase({ dataDir })
  db.transaction(() => {
    db.conversations.save(testConversation('c1'))
    for (let index = 0; index < 500; index++) db.messages.insert(message(`m${index}`, 'c1', null))
  })
  db.close()
  const bytes = readFileSync(file())
  // Everything but the first page, which holds the header.
  bytes.fill(0x5a, 8_192)
  writeFileSync(file(), bytes)
  // A log left over says that nobody closed the file.
  writeFileSync(`${file()}-wal`, 'x')
  const again = openDatabase({ dataDir })
  expect(again.notice).toMatchObject({ kind: 'fresh' })
  expect(statSync(again.notice?.kept ?? '').size).toBe(bytes.length)
  again.close()
})

test('an emptied file is never taken for a new one while there are backups', async () => {
  const db = openDatabase({ dataDir })
  db.conversations.save(testConversation('c1'))
  await db.backupIfDue()
  db.close()
  truncateSync(file())
  const again = openDatabase({ dataDir })
  expect(again.notice).toMatchObject({ kind: 'restored' })
  expect(again.conversations.list()).toHaveLength(1)
  again.close()
})

test('seven backups are kept, one a day', async () => {
  const db = openDatabase({ dataDir })
  db.close()
  const raw = new Database(file())
  const folder = join(dataDir, 'backups')
  const day = 24 * 60 * 60 * 1_000
  const start = 1_700_000_000_000
  for (let index = 0; index < 10; index++) {
    await dailyBackup(raw, folder, silentLog, start + index * day)
    await dailyBackup(raw, folder, silentLog, start + index * day + 1_000)
  }
  raw.close()
  expect(backupsIn(folder).map((backup) => backup.at)).toEqual([9, 8, 7, 6, 5, 4, 3].map((index) => start + index * day))
  expect(readdirSync(folder)).toHaveLength(7)
})

test('another writer is waited for, then named', () => {
  const db = openDatabase({ dataDir })
  const other = new Database(file())
  other.exec('BEGIN IMMEDIATE')
  const raw = new Database(file(), { timeout: 50 })
  raw.close()
  const started = performance.now()
  expect(() => db.settings.put({ theme: 'dark' })).toThrow(expect.objectContaining({ code: 'db/busy' }))
  expect(performance.now() - started).toBeGreaterThan(4_500)
  other.exec('ROLLBACK')
  db.settings.put({ theme: 'dark' })
  other.close()
  db.close()
})

test('a full disk is named, loses nothing that was saved, and is over when there is room', () => {
  const db = openDatabase({ dataDir })
  db.conversations.save(testConversation('c1'))
  db.messages.insert(message('m0', 'c1', null))
  // SQLite reports a reached page limit as it reports a full disk.
  const limited = db.conversations.db
  const pages = Number(limited.pragma('page_count', { simple: true }))
  limited.pragma(`max_page_count = ${pages + 2}`)
  const big = { ...message('big', 'c1', null), raw: 'x'.repeat(100_000) }
  expect(() => db.messages.insert(big)).toThrow(expect.objectContaining({ code: 'db/disk-full' }))
  expect(db.messages.ofConversation('c1').map((row) => row.id)).toEqual(['m0'])
  limited.pragma('max_page_count = 1000000')
  db.messages.insert(big)
  expect(limited.pragma('integrity_check', { simple: true })).toBe('ok')
  db.close()
})

test('a log cut or flipped anywhere: it opens with what was committed first, or is restored; never with rows that were not there', () => {
  const db = openDatabase({ dataDir })
  db.conversations.save(testConversation('base'))
  db.conversations.db.pragma('wal_checkpoint(TRUNCATE)')
  for (let index = 0; index < 30; index++) db.conversations.save(testConversation(`c${index}`))
  const main = readFileSync(file())
  const wal = readFileSync(`${file()}-wal`)
  db.close()
  const random = seeded(20_261_124)
  for (let round = 0; round < 40; round++) {
    const dir = join(dataDir, `copy ${round}`)
    mkdirSync(dir)
    writeFileSync(join(dir, 'snug.db'), main)
    const damaged = Buffer.from(round % 2 === 0 ? wal.subarray(0, Math.floor(random() * wal.length)) : wal)
    if (round % 2 === 1) {
      const at = Math.floor(random() * damaged.length)
      damaged[at] = (damaged[at] ?? 0) ^ (1 << Math.floor(random() * 8))
    }
    writeFileSync(join(dir, 'snug.db-wal'), damaged)
    const opened = openDatabase({ dataDir: dir })
    const ids = new Set(opened.conversations.list().map((row) => row.id))
    expect(ids.has('base'), `round ${round}`).toBe(true)
    // The commits form a beginning of what was written: none is there without those before it.
    for (let index = 0; index < ids.size - 1; index++) expect(ids.has(`c${index}`), `round ${round}`).toBe(true)
    expect(opened.conversations.db.pragma('integrity_check', { simple: true })).toBe('ok')
    opened.close()
  }
})

/** Park and Miller's generator: the same damage on every run. */
function seeded(seed: number): () => number {
  let state = seed % 2_147_483_647
  return () => {
    state = (state * 48_271) % 2_147_483_647
    return state / 2_147_483_647
  }
}
