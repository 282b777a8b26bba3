import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@playwright/test'
import { type Launched, checkout, electronBinary, freshCache, freshFolder, launchSnug, sandboxed } from './fixtures/launch'
import { addScripted, composer, en, lastReply, newChat, send, useModel } from './fixtures/models'
import { enginePids, hugeBytes, isAlive, offersHugePages, processTree } from './fixtures/processes'

test.skip(process.platform !== 'linux', 'reads /proc')

const endless = 'Endless'
let dataDir: string
let cacheDir: string

test.beforeAll(async () => {
  dataDir = freshFolder()
  cacheDir = freshCache(false)
  await addScripted(dataDir, endless, { thinking: false, loop: true, contextSize: 32_768, layers: 8, feedForwardLength: 2_048 })
})

/** The app with an engine that is writing, and every process that belongs to it. */
async function busy(): Promise<{ snug: Launched; pids: number[] }> {
  const snug = await launchSnug({ dataDir, cacheDir })
  await newChat(snug.page)
  await useModel(snug.page, endless)
  await send(snug.page, 'Talk')
  await expect(lastReply(snug.page).locator('.md')).toContainText('shows', { timeout: 30_000 })
  const [engine] = await enginePids(snug.app, 'model')
  const pids = processTree(snug.pid)
  expect(pids).toContain(engine)
  return { snug, pids }
}

test('with its weights in huge pages and killed with a busy engine, it leaves no process behind, and the reply is kept', async () => {
  const { snug, pids } = await busy()
  const [engine] = await enginePids(snug.app, 'model')
  // Most of the file. A kernel that gives none on request (`never`, `always`, built without) is not asked.
  if (offersHugePages()) expect(hugeBytes(engine ?? 0)).toBeGreaterThan(16 * 2 ** 20)
  process.kill(snug.pid, 'SIGKILL')
  await expect.poll(() => pids.filter(isAlive), { timeout: 10_000 }).toEqual([])
  await snug.close()

  const next = await launchSnug({ dataDir, cacheDir })
  await next.page.getByRole('link', { name: /^Talk/ }).click()
  await expect(lastReply(next.page).locator('.md')).toContainText('Hello from the scripted model')
  await expect(lastReply(next.page).getByTestId('reply-stats')).toHaveCount(0)
  await expect(lastReply(next.page)).toContainText(en.chat.interrupted)
  expect(await next.close()).toBe(true)
})

test('three crashes within five minutes end the restarts, and the person is told and may try again', async () => {
  const { snug } = await busy()
  const { page, app } = snug
  const stopped = page.locator('.dock').getByRole('alert')
  for (let crash = 1; crash <= 3; crash++) {
    if (crash > 1) {
      await expect(stopped).toHaveCount(0)
      await send(page, `Talk ${crash}`)
      await expect(lastReply(page).locator('.md')).toContainText('shows', { timeout: 30_000 })
    }
    const [engine] = await enginePids(app, 'model')
    process.kill(engine ?? 0, 'SIGKILL')
    await expect(lastReply(page)).toContainText(en.chat.interrupted)
  }
  const { title, action } = en.errors['engine/unavailable']
  await expect(stopped).toContainText(title)
  await expect(stopped).toContainText(action)
  await send(page, 'Talk 4')
  await expect(lastReply(page).getByRole('alert')).toContainText(title)
  expect(await enginePids(app, 'model')).toEqual([])

  await stopped.getByRole('button', { name: en.common.retry }).click()
  await expect(page.getByTestId('model-button')).toHaveAttribute('data-state', 'ready', { timeout: 30_000 })
  await expect(stopped).toHaveCount(0)
  await send(page, 'Talk 5')
  await expect(lastReply(page).locator('.md')).toContainText('shows', { timeout: 30_000 })
  expect(await snug.close()).toBe(true)
})

test('a page that crashes comes back with what was being written', async () => {
  const snug = await launchSnug({ dataDir, cacheDir })
  await newChat(snug.page)
  await composer(snug.page).fill('half a question')
  await snug.app.evaluate(async ({ BrowserWindow }) => {
    const contents = BrowserWindow.getAllWindows()[0]?.webContents
    const loaded = new Promise<void>((resolve) => contents?.once('did-finish-load', resolve))
    contents?.forcefullyCrashRenderer()
    await loaded
  })
  // Playwright's page ended with the process, so main looks.
  const written = () =>
    snug.app.evaluate(
      ({ BrowserWindow }) =>
        BrowserWindow.getAllWindows()[0]?.webContents.executeJavaScript("document.querySelector('textarea')?.value") as Promise<unknown>,
    )
  await expect.poll(written, { timeout: 20_000 }).toBe('half a question')
  expect(await snug.close()).toBe(true)
})

test('a second start gives the first its focus and ends', async () => {
  const snug = await launchSnug({ dataDir, cacheDir })
  await snug.app.evaluate(({ app, BrowserWindow }) => {
    const window = BrowserWindow.getAllWindows()[0]
    window?.minimize()
    Object.assign(globalThis, { seconds: 0 })
    app.on('second-instance', () => Object.assign(globalThis, { seconds: 1, minimized: window?.isMinimized() }))
  })
  const began = performance.now()
  const second = spawn(electronBinary(), [...(sandboxed ? [] : ['--no-sandbox']), checkout], {
    env: { ...process.env, SNUG_DATA: dataDir, SNUG_CACHE: cacheDir },
    stdio: 'ignore',
  })
  const code = await new Promise<number | null>((resolve) => second.once('exit', resolve))
  expect(code).toBe(0)
  expect(performance.now() - began).toBeLessThan(10_000)
  await expect.poll(() => snug.app.evaluate(() => (globalThis as { seconds?: number }).seconds)).toBe(1)
  expect(await snug.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().map((window) => window.isMinimized()))).toEqual([
    false,
  ])
  expect(await snug.close()).toBe(true)
})

test('a data folder that cannot be written is said instead of ending without a word', async () => {
  const file = join(freshFolder(), 'a file')
  writeFileSync(file, '')
  const child = spawn(electronBinary(), [...(sandboxed ? [] : ['--no-sandbox']), checkout], {
    env: { ...process.env, LANG: 'en_US.UTF-8', SNUG_DATA: join(file, 'data'), SNUG_CACHE: cacheDir },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  try {
    let said = ''
    child.stderr.on('data', (bytes: Buffer) => {
      said += bytes.toString()
    })
    await expect.poll(() => said, { timeout: 30_000 }).toContain(en.menu.dataFailedTitle)
    expect(said).toContain(join(file, 'data'))
  } finally {
    // its error box waits for a click
    child.kill('SIGKILL')
  }
})

test('quits within five seconds while the engine is busy, and nothing stays', async () => {
  const { snug, pids } = await busy()
  const began = performance.now()
  expect(await snug.close()).toBe(true)
  expect(performance.now() - began).toBeLessThan(5_000)
  await expect.poll(() => pids.filter(isAlive), { timeout: 2_000 }).toEqual([])
})
