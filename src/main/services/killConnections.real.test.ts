import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { bundle } from '../../../e2e/fixtures/bundle'
import { type RunningHub, startHub } from '../../../e2e/fixtures/hubServer'
import type { DownloadRow } from '../db/repositories/downloads'

const full = process.env.SNUG_TEST_FULL === '1'
const MiB = 1024 * 1024
const kills = full ? 25 : 3
/** Enough between two kills for more than the blocks that a kill costs. */
const roundBytes = 12 * MiB
const size = (kills + 1) * roundBytes + 1_234
const repository = 'maker/model-GGUF'
const file = 'model-Q4_K_M.gguf'

let hub: RunningHub
let root: string
let program: string
let sha256: string
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'snug-kill-'))
  const content = randomBytes(size)
  sha256 = createHash('sha256').update(content).digest('hex')
  hub = await startHub({ repositories: { [repository]: { files: { [file]: content } } }, bytesPerSecond: 3 * MiB })
  program = await bundle('e2e/fixtures/downloadProcess.ts')
})
afterAll(async () => {
  await hub.close()
  rmSync(root, { recursive: true, force: true })
  rmSync(dirname(program), { recursive: true, force: true })
})

const hashOf = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex')

it(`the ranges of several connections outlive ${kills} kills at random moments, and the file comes out right`, async () => {
  const models = join(root, 'models')
  const start = () =>
    spawn(process.execPath, [program, hub.endpoint, root, repository, file, '0', String(MiB)], { stdio: ['ignore', 'pipe', 'inherit'] })
  let several = 0
  for (let round = 0; round < kills; round++) {
    const child = start()
    const exited = new Promise((done) => child.once('exit', done))
    const before = hub.stats.storageBytes
    const moment = roundBytes * (0.5 + Math.random() * 0.5)
    const giveUp = performance.now() + 20_000
    while (hub.stats.storageBytes - before < moment && child.exitCode === null && performance.now() < giveUp) await sleep(5)
    child.kill('SIGKILL')
    await exited
    const names = readdirSync(models, { recursive: true, encoding: 'utf8' })
    for (const name of names.filter((candidate) => candidate.endsWith('.gguf'))) expect(hashOf(join(models, name))).toBe(sha256)
    const [row] = JSON.parse(readFileSync(join(root, 'rows.json'), 'utf8')) as DownloadRow[]
    if ((row?.parts[0]?.ranges.length ?? 0) > 1) several++
  }
  expect(several).toBeGreaterThan(0)
  hub.faults.add({ at: 'storage', do: 'throttle', bytesPerSecond: 200 * MiB, times: 999 })
  const child = start()
  let output = ''
  child.stdout.on('data', (data: Buffer) => (output += data.toString()))
  expect(await new Promise((done) => child.once('exit', done))).toBe(0)
  expect(output).toContain('"done":true')
  expect(hashOf(join(models, 'maker', 'model-GGUF', file))).toBe(sha256)
  expect(hub.stats.storageMost).toBeGreaterThan(1)
  // A kill costs what was not synced yet (a sixty-fourth, at least 1 MiB), a block of each connection, and what lay in the sockets.
  expect(hub.stats.storageBytes).toBeLessThanOrEqual(size + kills * (MiB + 8 * 2 * MiB))
}, 300_000)
