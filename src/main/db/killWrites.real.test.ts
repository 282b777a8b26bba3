import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import Database from 'better-sqlite3'
import { build } from 'vite'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openDatabase } from './open'
import { ConversationService } from '../services/conversations'

const kills = process.env.SNUG_TEST_FULL === '1' ? 200 : 20
const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
/** Inside the checkout, so that the child finds better-sqlite3. */
const outDir = here(`../../../node_modules/.cache/snug/killWrites-${process.pid}`)
let dataDir: string

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'snug-kill-'))
  await build({
    configFile: false,
    logLevel: 'error',
    resolve: { alias: { '@shared': here('../../shared') } },
    build: { ssr: here('killWrites.child.ts'), outDir, rollupOptions: { output: { entryFileNames: 'child.mjs' } } },
  })
})
afterAll(() => {
  rmSync(outDir, { recursive: true, force: true })
  rmSync(dataDir, { recursive: true, force: true })
})

/** So that every kind of write is hit, however slow the machine: from the first line, while a reply grows, or after one has ended. */
const moments = ['chat', 'text', 'done']

/** Lets it write for `aliveMs` after its first line of that kind, kills it, and gives back what it had said was committed. */
async function killedWriter(moment: string, aliveMs: number): Promise<string[]> {
  const child = spawn(process.execPath, [join(outDir, 'child.mjs'), dataDir], { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  let dying = false
  let complaint = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint += text
  })
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text
    if (dying || !said.includes(`${moment} `)) return
    dying = true
    setTimeout(() => child.kill('SIGKILL'), aliveMs)
  })
  const signal = await new Promise((resolve) => child.once('close', (_code, how) => resolve(how)))
  if (signal !== 'SIGKILL') throw new Error(`the writer ended by itself: ${complaint}`)
  // The last line may be cut; what was not said whole was not acknowledged.
  return said.split('\n').slice(0, -1)
}

test(`${kills} times kill -9 while the app writes messages: nothing that was committed is lost, integrity ok`, {
  timeout: 600_000,
}, async () => {
  const acknowledged = { sent: 0, text: 0, done: 0 }
  let leftOver = 0
  for (let round = 0; round < kills; round++) {
    const [chat = '', ...said] = await killedWriter(moments[round % moments.length] ?? 'chat', Math.random() * 300)
    const id = chat.replace(/^chat /, '')
    const started = performance.now()
    const db = openDatabase({ dataDir })
    expect(performance.now() - started).toBeLessThan(3_000)
    expect(db.notice).toBeNull()
    const chats = new ConversationService(db)
    const stored = new Map(chats.messages(id).map((row) => [row.id, row]))
    const textOf = (messageId: string) =>
      stored
        .get(messageId)
        ?.segments.map(({ text }) => text)
        .join('')
    for (const line of said) {
      const [kind, ...facts] = line.split(' ')
      if (kind === 'sent') {
        const [turn, messageId = '', replyId = ''] = facts
        expect(textOf(messageId), `lost: ${line}`).toBe(`Question ${turn}`)
        expect(stored.get(replyId)?.parentId, `lost: ${line}`).toBe(messageId)
        acknowledged.sent++
        continue
      }
      const [replyId = '', length] = facts
      const row = stored.get(replyId)
      // What came after may be there as well; it was not said any more.
      expect(row?.raw.length, `lost: ${line}`).toBeGreaterThanOrEqual(Number(length))
      expect(row?.raw.startsWith('想 '), line).toBe(true)
      expect(textOf(replyId), line).toBe(row?.raw)
      if (kind === 'text') acknowledged.text++
      else {
        expect([kind, row?.status, row?.raw.length], line).toEqual(['done', 'done', Number(length)])
        acknowledged.done++
      }
    }
    // What the next start makes of it: at most one reply was being written, and its text stays.
    const interrupted = chats.interruptLeftovers()
    expect(interrupted.length).toBeLessThanOrEqual(1)
    leftOver += interrupted.length
    for (const replyId of interrupted) {
      expect(chats.message(id, replyId)).toMatchObject({ status: 'interrupted', raw: stored.get(replyId)?.raw })
    }
    expect(chats.branch(id)).toHaveLength(stored.size)
    db.close()
    const raw = new Database(join(dataDir, 'snug.db'))
    expect(raw.pragma('integrity_check', { simple: true })).toBe('ok')
    expect(raw.pragma('foreign_key_check')).toEqual([])
    // A message is searched if, and only if, it is there.
    expect(raw.prepare('SELECT id AS seq FROM messageIndex_docsize ORDER BY id').all()).toEqual(
      raw.prepare('SELECT seq FROM messages ORDER BY seq').all(),
    )
    raw.close()
  }
  for (const [kind, count] of Object.entries(acknowledged)) expect(count, kind).toBeGreaterThan(0)
  expect(leftOver).toBeGreaterThan(0)
})
