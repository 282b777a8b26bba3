import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as after } from 'node:timers/promises'
import { afterAll, expect, test } from 'vitest'

const checkout = resolve(import.meta.dirname, '..')
const base = mkdtempSync(join(tmpdir(), 'snug-set-up-'))
const copy = join(base, 'bare clone 克隆')
const cache = join(base, 'cache 缓存')
const kills = 8

interface Runtime {
  electronDist: string
  electronVersion: string
  starterModel?: string
}
const runtimeOf = (folder: string) => JSON.parse(readFileSync(join(folder, 'node_modules/.cache/snug/runtime.json'), 'utf8')) as Runtime

/** The seed makes a failure happen again (a linear congruential generator; figures of Numerical Recipes). */
const seed = Number(process.env.SNUG_TEST_SEED ?? Date.now() % 100_000)
let state = seed
function random(): number {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
  return state / 2 ** 32
}

let running: ChildProcess | undefined
/** A process group of its own, so that what it started can be ended with it. */
function begin(): ChildProcess {
  running = spawn(process.execPath, ['scripts/setup.mjs', '--tests'], {
    cwd: copy,
    env: { ...process.env, SNUG_CACHE: cache },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  return running
}

function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL')
  } catch {
    // All of it has ended.
  }
}

async function wholeRun(): Promise<{ code: number; text: string }> {
  const child = begin()
  let text = ''
  child.stdout?.on('data', (chunk: Buffer) => (text += chunk.toString()))
  child.stderr?.on('data', (chunk: Buffer) => (text += chunk.toString()))
  const [code] = (await once(child, 'close')) as [number]
  return { code, text }
}

const sha256 = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex')

afterAll(() => {
  if (running !== undefined) killGroup(running)
  rmSync(base, { recursive: true, force: true })
})

test.runIf(process.platform === 'linux')(
  `set-up of a bare clone, killed at ${kills} random moments, ends whole (seed ${seed})`,
  { timeout: 900_000 },
  async () => {
    for (const name of ['scripts', 'src', 'resources', 'package.json', 'package-lock.json'])
      cpSync(join(checkout, name), join(copy, name), { recursive: true })
    for (let kill = 0; kill < kills; kill++) {
      const child = begin()
      // Later and later, so that each step is met: packages, Electron, SQLite, the model.
      await Promise.race([after(300 + random() * 6_000 * (kill + 1)), once(child, 'exit')])
      // Now all of it, now only the one that leads: what that one started goes on writing for a while.
      if (kill % 2 === 0) killGroup(child)
      else child.kill('SIGKILL')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    }
    const last = await wholeRun()
    expect(last.text).toMatch(/Snug is set up/)
    expect(last.code).toBe(0)
    expect((await wholeRun()).text).toMatch(/Snug is set up \(checked in/)

    const made = runtimeOf(copy)
    const version = execFileSync(join(made.electronDist, 'electron'), ['-p', 'process.versions.electron'], {
      env: { ...process.env, ELECTRON_RUN_AS_NODE: '1' },
    })
    expect(version.toString().trim()).toBe(made.electronVersion)
    const opened = "new (require('better-sqlite3'))(':memory:').prepare('select sqlite_version() as v').get().v"
    expect(execFileSync(process.execPath, ['-p', opened], { cwd: copy }).toString()).toMatch(/^3\./)
    const { starterModel } = runtimeOf(checkout)
    if (starterModel !== undefined && made.starterModel !== undefined) expect(sha256(made.starterModel)).toBe(sha256(starterModel))
    expect(made.starterModel === undefined).toBe(starterModel === undefined)
    expect(existsSync(cache) && readdirSync(cache, { recursive: true }).filter((name) => String(name).includes('.part-'))).toEqual([])
  },
)
