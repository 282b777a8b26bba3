import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { chromium } from '@playwright/test'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { messages } from '../src/shared/i18n'

const checkout = resolve(import.meta.dirname, '..')
const base = mkdtempSync(join(tmpdir(), 'snug-dev-'))
const copy = join(base, 'checkout')
const needed = ['src', 'scripts', 'resources', 'package.json', 'package-lock.json', 'electron.vite.config.ts']

interface Display {
  display: string | undefined
  stop: () => void
}
let display: Display | undefined
let dev: ChildProcess | undefined
let family: number[] = []

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}

/** Its line in /proc after the name in brackets, which may hold anything: state, parent. null: it has ended. */
function stateOf(pid: number): { state: string; parent: number } | null {
  try {
    const [, state = '', parent = ''] = /^.*\) (\S) (\d+)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? []
    return { state, parent: Number(parent) }
  } catch {
    // It ended in between.
    return null
  }
}

const isAlive = (pid: number) => !['Z', 'X', undefined].includes(stateOf(pid)?.state)

/** A process and all below it. */
function processTree(root: number): number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  const parents = pids.map((name) => ({ pid: Number(name), parent: stateOf(Number(name))?.parent }))
  const found = [root]
  for (let at = 0; at < found.length; at++) found.push(...parents.filter(({ parent }) => parent === found[at]).map(({ pid }) => pid))
  return found
}

beforeAll(async () => {
  mkdirSync(join(copy, 'node_modules'), { recursive: true })
  for (const name of [...needed, ...readdirSync(checkout).filter((entry) => /^tsconfig.*\.json$/.test(entry))])
    cpSync(join(checkout, name), join(copy, name), { recursive: true })
  // A folder of its own with links: what the server writes beside the packages (.vite) stays out of the checkout.
  for (const name of readdirSync(join(checkout, 'node_modules')))
    if (name !== '.cache' && name !== '.vite') symlinkSync(join(checkout, 'node_modules', name), join(copy, 'node_modules', name))
  cpSync(join(checkout, 'node_modules/.cache/snug'), join(copy, 'node_modules/.cache/snug'), { recursive: true })
  const { startXvfb } = (await import(new URL('lib/xvfb.mjs', import.meta.url).href)) as { startXvfb: () => Promise<Display> }
  display = await startXvfb()
})
afterAll(() => {
  // Also where the test ended early: by id, and only what it started.
  if (dev?.pid !== undefined) family.push(...processTree(dev.pid))
  for (const pid of family) if (isAlive(pid)) process.kill(pid, 'SIGKILL')
  display?.stop()
  rmSync(base, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
})

test.skipIf(process.platform !== 'linux')(
  'a changed file of the page is in the open window without a new start',
  async () => {
    let output = ''
    dev = spawn(process.execPath, [join(copy, 'scripts/dev.mjs'), '--remoteDebuggingPort', String(await freePort())], {
      cwd: copy,
      env: {
        ...process.env,
        DISPLAY: display?.display,
        SNUG_DATA: join(base, 'data 数据'),
        HF_ENDPOINT: 'http://127.0.0.1:9',
        LANG: 'en_US.UTF-8',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    for (const stream of [dev.stdout, dev.stderr]) stream?.on('data', (chunk) => (output += String(chunk)))
    const ended = new Promise<void>((done) => dev?.once('exit', () => done()))
    await expect
      .poll(() => (dev?.exitCode === null ? (/ws:\/\/127\S+/.exec(output)?.[0] ?? '') : output), { timeout: 120_000 })
      .toMatch(/^ws:/)
    family = processTree(dev.pid ?? 0)

    const browser = await chromium.connectOverCDP(/ws:\/\/127\S+/.exec(output)?.[0] ?? '')
    const heading = () =>
      browser
        .contexts()
        .flatMap((context) => context.pages())[0]
        ?.getByRole('heading', { level: 1 })
        .textContent({ timeout: 1_000 })
        .catch(() => null)
    const { title } = messages('en').welcome
    await expect.poll(heading, { timeout: 120_000 }).toBe(title)
    const page = browser.contexts().flatMap((context) => context.pages())[0]
    await page?.evaluate(() => Object.assign(globalThis, { sameDocument: true }))

    const path = join(copy, 'src/renderer/features/welcome/WelcomePage.tsx')
    const source = readFileSync(path, 'utf8')
    const changed = source.replace('<h1>{welcome.title}</h1>', '<h1>{welcome.title} 4711</h1>')
    expect(changed).not.toBe(source)
    writeFileSync(path, changed)
    await expect.poll(heading, { timeout: 60_000 }).toBe(`${title} 4711`)
    expect(await page?.evaluate(() => 'sameDocument' in globalThis)).toBe(true)
    await browser.close()

    family = processTree(dev.pid ?? 0)
    dev.kill('SIGTERM')
    await ended
    await expect.poll(() => family.filter(isAlive), { timeout: 15_000 }).toEqual([])
  },
  300_000,
)
