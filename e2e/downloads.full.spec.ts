import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Page, expect, test } from '@playwright/test'
import type { Download, LibraryModel } from '../src/shared/domain/library'
import { messages } from '../src/shared/i18n'
import { hubEnv, scriptedFile, scriptedRepository, startTestHub, starterRepository } from './fixtures/hub'
import type { RunningHub } from './fixtures/hubServer'
import { type Launched, freshCache, freshFolder, launchSnug } from './fixtures/launch'
import { en } from './fixtures/models'
import { openPage, openRepository } from './fixtures/pages'
import { ask } from './fixtures/rpc'
import { canMountSmallDisk } from './fixtures/mounting'
import { fillUp, seenBy, withSmallDisk } from './fixtures/smallDisk'

const MB = 1_000_000
const starterFile = 'SmolLM2-135M-Instruct-Q4_1.gguf'
const zh = messages('zh-CN')

const row = (page: Page, repository: string) => page.getByTestId('download-row').filter({ hasText: repository.split('/')[1] ?? '' })
const download = async (page: Page, repository: string) =>
  (await ask<Download[]>(page, 'downloads/list')).findLast((one) => one.repository === repository)

test('a disk that fills up in the middle: the row says what is missing, and goes on to the right bytes once there is room', async () => {
  test.skip(!canMountSmallDisk(), 'this system lets no test mount a small disk')
  test.setTimeout(240_000)
  const hub = await startTestHub({ bytesPerSecond: 400_000 })
  const dataDir = freshFolder()
  const models = join(dataDir, 'models')
  // The app keeps 256 MiB free: room for that and the file.
  const snug = await launchSnug({
    dataDir,
    cacheDir: freshCache(false),
    env: hubEnv(hub.endpoint),
    sandbox: false,
    wrapper: withSmallDisk(models, 320),
  })
  const { page } = snug
  const disk = seenBy(snug.pid, models)
  await (await openRepository(page, scriptedRepository)).getByRole('button', { name: /^Download / }).click()
  await openPage(page, 'library')
  await expect.poll(async () => (await download(page, scriptedRepository))?.receivedBytes ?? 0).toBeGreaterThan(400_000)
  const makeRoom = fillUp(disk)

  const one = row(page, scriptedRepository)
  await expect(one).toHaveAttribute('data-state', 'paused', { timeout: 60_000 })
  const stopped = await download(page, scriptedRepository)
  expect(stopped?.error).toMatchObject({ code: 'download/disk-full' })
  expect(Number(stopped?.error?.data.neededBytes)).toBeGreaterThan(MB)
  await expect(one.getByRole('alert')).toContainText(en.errors['download/disk-full'].title)
  await expect(one.getByRole('alert')).toContainText(/[\d.,]+ [MG]i?B more are needed in /)
  await ask(page, 'app/setSettings', { language: 'zh-CN' })
  await expect(one.getByRole('alert')).toContainText(zh.errors['download/disk-full'].title)
  await ask(page, 'app/setSettings', { language: 'en' })
  expect((await ask<LibraryModel[]>(page, 'library/list')).filter(({ repository }) => repository === scriptedRepository)).toEqual([])

  // Room is looked for by itself; nobody has to press anything.
  makeRoom()
  await expect(one).toHaveAttribute('data-state', 'done', { timeout: 120_000 })
  const hash = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex')
  const arrived = join(disk, ...scriptedRepository.split('/'), scriptedFile)
  const listing = await ask<{ groups: { sha256: string | null }[] }>(page, 'discover/files', { repository: scriptedRepository })
  expect(hash(arrived)).toBe(listing.groups[0]?.sha256)
  await expect
    .poll(async () => (await ask<LibraryModel[]>(page, 'library/list')).find(({ repository }) => repository === scriptedRepository)?.state)
    .toBe('verified')
  // What was there before the disk was full was not fetched again.
  expect(hub.requests.filter(({ at }) => at === 'storage').at(-1)?.headers.range).toMatch(/^bytes=[1-9]/)
  expect(await snug.close()).toBe(true)
  await hub.close()
})

interface Shown {
  notes: { title: string; body: string; click: () => void }[]
  focused: boolean
}

test.describe('what the settings and the system are told', () => {
  test.describe.configure({ mode: 'serial', timeout: 240_000 })
  let hub: RunningHub
  let snug: Launched
  test.beforeAll(async () => {
    // So slow that a connection is seen at the hub for as long as the app has it, and that nothing ends too soon.
    hub = await startTestHub({ bytesPerSecond: 0.8 * MB })
    snug = await launchSnug({ starter: false, env: hubEnv(hub.endpoint) })
  })
  test.afterAll(async () => {
    expect(await snug.close()).toBe(true)
    await hub.close()
  })

  /** As a person does in the settings; an empty field is no limit. */
  const limit = async (label: string, value: string) => {
    await openPage(snug.page, 'settings')
    const field = snug.page.getByLabel(label, { exact: true })
    await field.fill(value)
    await field.press('Enter')
  }
  const received = async () => (await download(snug.page, starterRepository))?.receivedBytes ?? 0
  /** Bytes per second over the next five megabytes: what arrives is counted by blocks, of each connection its own. */
  const rate = async () => {
    const [from, at] = [await received(), performance.now()]
    await expect.poll(async () => (await received()) - from, { timeout: 60_000 }).toBeGreaterThan(5 * MB)
    return ((await received()) - from) / ((performance.now() - at) / 1_000)
  }

  test('limits of speed and connections hold for what runs, and for what comes next', async () => {
    const { page } = snug
    await limit(en.settings.speedLimit, '1')
    await ask(page, 'downloads/start', { repository: starterRepository, file: starterFile })
    await expect.poll(received).toBeGreaterThan(MB / 2)
    expect(await rate()).toBeLessThan(1.5 * MB)
    await limit(en.settings.speedLimit, '2')
    await expect.poll(rate, { timeout: 60_000 }).toBeGreaterThan(1.2 * MB)
    expect(await rate()).toBeLessThan(3 * MB)
    await limit(en.settings.speedLimit, '1')

    for (const connections of [1, 3, 2]) {
      await limit(en.settings.connections, String(connections))
      await expect.poll(() => hub.stats.storageNow, { timeout: 60_000 }).toBe(connections)
    }
    const { id } = (await download(page, starterRepository)) ?? { id: '' }
    await ask(page, 'downloads/cancel', { id })
    await expect.poll(() => hub.stats.storageNow).toBe(0)
    hub.stats.storageMost = 0
    await ask(page, 'downloads/start', { repository: starterRepository, file: starterFile })
    await expect.poll(() => hub.stats.storageNow, { timeout: 60_000 }).toBe(2)
    expect(await rate()).toBeLessThan(1.5 * MB)
    expect(hub.stats.storageMost).toBe(2)
  })

  test('one that ends while nobody looks is told by a notification, which leads back to the window', async () => {
    const { app, page } = snug
    await app.evaluate(({ BrowserWindow, Notification }) => {
      const shown: Shown = { notes: [], focused: true }
      Object.assign(globalThis, { shown })
      Notification.isSupported = () => true
      Notification.prototype.show = function show(this: Electron.Notification) {
        shown.notes.push({ title: this.title, body: this.body, click: () => this.emit('click') })
      }
      for (const window of BrowserWindow.getAllWindows()) window.isFocused = () => shown.focused
    })
    const notes = () => app.evaluate(() => (globalThis as unknown as { shown: Shown }).shown.notes.map(({ title, body }) => [title, body]))
    // Looked at: the page itself shows it.
    await ask(page, 'downloads/start', { repository: scriptedRepository, file: scriptedFile })
    await expect.poll(async () => (await download(page, scriptedRepository))?.state, { timeout: 60_000 }).toBe('done')
    // Main itself hears of it a tenth of a second later at most, and asks then whether anybody looks.
    await page.waitForTimeout(500)
    expect(await notes()).toEqual([])

    await app.evaluate(({ BrowserWindow }) => {
      ;(globalThis as unknown as { shown: Shown }).shown.focused = false
      for (const window of BrowserWindow.getAllWindows()) window.hide()
    })
    await ask(page, 'app/setSettings', { downloadBytesPerSecond: null, downloadConnections: null })
    await expect.poll(async () => (await download(page, starterRepository))?.state, { timeout: 120_000 }).toBe('done')
    const { done, doneBody } = en.menu.presence
    await expect.poll(notes).toEqual([[done({ name: starterFile }), doneBody]])
    await app.evaluate(() => (globalThis as unknown as { shown: Shown }).shown.notes[0]?.click())
    await expect.poll(() => app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.isVisible())).toBe(true)
  })
})
