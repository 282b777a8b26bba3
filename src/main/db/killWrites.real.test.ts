import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import Database from 'better-sqlite3'
import { build } from 'vite'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openDatabase } from './open'

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

/** Lets it write for `aliveMs` after its first row, kills it, and gives back what it had said was committed. */
async function killedWriter(round: number, aliveMs: number): Promise<string[]> {
  const child = spawn(process.execPath, [join(outDir, 'child.mjs'), dataDir, String(round)], { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  let complaint = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint += text
  })
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    if (said === '') setTimeout(() => child.kill('SIGKILL'), aliveMs)
    said += text
  })
  const signal = await new Promise((resolve) => child.once('close', (_code, how) => resolve(how)))
  if (signal !== 'SIGKILL') throw new Error(`the writer ended by itself: ${complaint}`)
  // The last line may be cut; what was not said whole was not acknowledged.
  return said.split('\n').slice(0, -1)
}

test(`${kills} times kill -9 while messages are written: no acknowledged row lost, integrity ok`, { timeout: 600_000 }, async () => {
  let rows = 0
  for (let round = 0; round < kills; round++) {
    const said = await killedWriter(round, 5 + Math.random() * 495)
    expect(said.length).toBeGreaterThan(0)
    const started = performance.now()
    const db = openDatabase({ dataDir })
    expect(performance.now() - started).toBeLessThan(3_000)
    expect(db.notice).toBeNull()
    const stored = new Map(db.messages.ofConversation(`round${round}`).map((row) => [row.id, row]))
    for (const line of said) {
      const [kind, id = '', length] = line.split(' ')
      expect(stored.has(id), `lost: ${line}`).toBe(true)
      if (kind === 'text') expect(stored.get(id)?.segments[0]?.text.length).toBe(Number(length))
    }
    rows += said.length
    db.close()
    const raw = new Database(join(dataDir, 'snug.db'))
    expect(raw.pragma('integrity_check', { simple: true })).toBe('ok')
    expect(raw.pragma('foreign_key_check')).toEqual([])
    raw.close()
  }
  expect(rows).toBeGreaterThan(kills)
})
