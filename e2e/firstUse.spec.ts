import { createHash } from 'node:crypto'
import { createReadStream, existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Locator, type Page, expect, test } from '@playwright/test'
import type { LibraryModel } from '../src/shared/domain/library'
import {
  hubEnv,
  scriptedFile,
  scriptedRepository,
  startAgain,
  startTestHub,
  starterBytes,
  starterRepository,
  starterSha256,
} from './fixtures/hub'
import type { RunningHub } from './fixtures/hubServer'
import { type Launched, freshCache, freshFolder, launchSnug } from './fixtures/launch'
import { composer, en, lastAnswer, send, setTemperature, starterName } from './fixtures/models'
import { openPage, openRepository } from './fixtures/pages'
import { ask } from './fixtures/rpc'

const MB = 1_000_000
const modelsIn = (dataDir: string, repository: string) => join(dataDir, 'models', ...repository.split('/'))

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer)
  return hash.digest('hex')
}

const startDownload = (row: Locator) => row.getByRole('button', { name: /^Download / }).click()
const download = (page: Page) => page.getByTestId('download-row')

/** Per cent that arrived, as the row says it. */
async function arrived(page: Page): Promise<number> {
  return Number(await download(page).getByRole('progressbar').getAttribute('aria-valuenow'))
}

const verifiedModels = async (page: Page) =>
  (await ask<LibraryModel[]>(page, 'library/list')).filter(({ state, origin }) => state === 'verified' && origin !== 'starter')

test.describe('first use', () => {
  test.describe.configure({ mode: 'serial' })
  let hub: RunningHub
  let snug: Launched
  test.beforeAll(async () => {
    hub = await startTestHub()
    snug = await launchSnug({
      starter: false,
      env: hubEnv(hub.endpoint),
    })
  })
  test.afterAll(async () => {
    expect(await snug.close()).toBe(true)
    await hub.close()
  })

  test('shows this machine as one bar, and three ways to begin', async () => {
    const { page } = snug
    await expect(page.getByTestId('welcome')).toBeVisible()
    const bar = page.locator('.machine-bar')
    await expect(bar.getByRole('img')).toHaveAttribute('aria-label', /GiB free on/)
    await expect(bar).toContainText(/[\d.]+ of [\d.]+ GiB free/)
    const choices = page.getByRole('region', { name: en.welcome.choices }).getByRole('article')
    await expect(choices).toHaveCount(3)
    const best = page.getByTestId('choice-best')
    // A size, a range: nothing is measured yet.
    await expect(best).toContainText(/[\d.]+ [GM]iB to download, predicted [\d.,]+–[\d.,]+ tok\/s/)
    await expect(page.getByTestId('choice-starter')).toContainText(en.welcome.starterFacts)
    await expect(page.getByTestId('choice-disk')).toContainText(en.welcome.diskNone)
    await expect(page.getByTestId('speed-offer')).toContainText(en.machine.speedOffer)
    await best.getByRole('button', { name: en.welcome.chooseOther }).click()
    await expect(page.getByRole('heading', { level: 1, name: en.common.discover })).toBeVisible()
    await expect(page.getByTestId('model-row').first()).toBeVisible()
    expect(await page.getByTestId('model-row').count()).toBeGreaterThanOrEqual(15)
    // The hub answers: no banner.
    await expect(page.locator('.hub-banner')).toHaveCount(0)
  })

  test('gets the model that was pasted, verifies it, and opens a chat with it: one click', async () => {
    const { page, dataDir } = snug
    const row = await openRepository(page, starterRepository)
    await expect(row).toHaveAttribute('data-quantization', 'Q4_1')
    const field = page.getByRole('searchbox', { name: en.discover.searchLabel })
    await field.fill(`${hub.endpoint}/${starterRepository}/blob/main/SmolLM2-135M-Instruct-Q4_1.gguf`)
    await field.press('Enter')
    const panel = page.getByTestId('address-file')
    await panel.getByRole('button', { name: /^Download and chat: / }).click()
    await expect(panel).toContainText(en.discover.thenChat)
    await expect(page.getByTestId('model-button')).toHaveAttribute('data-state', 'ready', { timeout: 60_000 })
    await expect(composer(page)).toBeVisible()
    expect(await sha256Of(join(modelsIn(dataDir, starterRepository), 'SmolLM2-135M-Instruct-Q4_1.gguf'))).toBe(starterSha256)
    const [model] = await verifiedModels(page)
    expect(model).toMatchObject({
      name: starterName,
      state: 'verified',
      origin: 'download',
      demonstration: 'starter',
      licence: 'apache-2.0',
    })

    await expect(page.getByTestId('model-button')).toContainText(starterName)
    // The preset of this model is said where a system message would stand.
    await expect(page.getByTestId('system-line')).toContainText(en.chat.systemPreset)
    // So small a model may talk on and on; exact, it says the same each time.
    await setTemperature(page, 'Home')
    await send(page, 'What is the capital of France?')
    expect(await lastAnswer(page, 60_000)).toMatch(/\w/)
    // Long enough to be a measurement; from then on it stands where a prediction stood.
    await send(page, 'Write two sentences about the sea.')
    await lastAnswer(page, 60_000)
    await openPage(page, 'library')
    await expect(page.getByTestId('library-row')).toContainText(/[\d.,]+ tok\/s/)
  })

  test('finds a repository by words, and opens its files', async () => {
    const { page } = snug
    await openPage(page, 'discover')
    const field = page.getByRole('searchbox', { name: en.discover.searchLabel })
    await field.fill('scripted')
    await page.getByRole('button', { name: en.discover.searchHub }).click()
    const hits = page.getByRole('region', { name: en.discover.hits({ query: 'scripted' }) })
    await expect(hits).toContainText(scriptedRepository)
    await hits.getByRole('button', { name: en.discover.showFiles }).click()
    await expect(page.getByTestId('repository-files')).toContainText('F32')
  })

  test('never lists wrong bytes, and says so', async () => {
    const { page, dataDir } = snug
    hub.faults.add({ at: 'storage', do: 'flip', offset: 5_000, times: 50, path: scriptedFile })
    const row = await openRepository(page, scriptedRepository)
    const before = (await ask<LibraryModel[]>(page, 'library/list')).length
    await startDownload(row)
    await expect(row.getByRole('alert')).toContainText(en.errors['download/hash-mismatch'].title, { timeout: 30_000 })
    expect(await ask<LibraryModel[]>(page, 'library/list')).toHaveLength(before)
    expect(existsSync(join(modelsIn(dataDir, scriptedRepository), scriptedFile))).toBe(false)
    await openPage(page, 'library')
    const failed = download(page).filter({ hasText: 'scripted-GGUF' })
    await expect(failed).toHaveAttribute('data-state', 'failed')
    await expect(failed.getByRole('alert')).toContainText(en.errors['download/hash-mismatch'].title)
    // The right bytes heal it.
    hub.faults.clear()
    await failed.getByRole('button', { name: new RegExp(`^${en.library.resume}: `) }).click()
    await expect(failed).toHaveAttribute('data-state', 'done', { timeout: 30_000 })
    expect((await verifiedModels(page)).map(({ fileName }) => fileName)).toContain(scriptedFile)
  })

  test('counts what it asked the hub for', async () => {
    const { page } = snug
    await openPage(page, 'settings')
    const log = page.getByRole('table', { name: en.settings.log })
    await expect(log).toContainText(`${hub.endpoint}/api/models/${starterRepository}`)
    await expect(log).not.toContainText('Signature=')
  })
})

test('found by words, its best quantization downloaded while the hub and the app die, verified, loaded, answers', async () => {
  let hub = await startTestHub({ bytesPerSecond: 4 * MB })
  const options = { dataDir: freshFolder(), cacheDir: freshCache(false), env: { HF_ENDPOINT: hub.endpoint } }
  let snug = await launchSnug(options)
  await openPage(snug.page, 'discover')
  const field = snug.page.getByRole('searchbox', { name: en.discover.searchLabel })
  await field.fill('smollm2')
  await snug.page.getByRole('button', { name: en.discover.searchHub }).click()
  const hit = snug.page.getByRole('region', { name: en.discover.hits({ query: 'smollm2' }) })
  await hit.getByRole('button', { name: en.discover.showFiles }).click()
  const best = snug.page.getByTestId('repository-best')
  await expect(best).toContainText(en.discover.bestQuantization({ quantization: 'Q4_1' }))
  await best.getByRole('button', { name: /^Download and chat: / }).click()
  await openPage(snug.page, 'library')
  await expect.poll(() => arrived(snug.page)).toBeGreaterThan(10)
  await hub.close()
  await expect(download(snug.page)).toContainText(en.library.triesAgain)
  const kept = await arrived(snug.page)
  expect(kept).toBeLessThan(90)

  hub = await startAgain(hub, { bytesPerSecond: 4 * MB })
  await expect.poll(() => arrived(snug.page), { timeout: 30_000 }).toBeGreaterThan(kept + 5)
  await expect(download(snug.page)).not.toContainText(en.library.triesAgain)
  process.kill(snug.pid, 'SIGKILL')
  await snug.close()
  await hub.close()

  hub = await startAgain(hub)
  snug = await launchSnug(options)
  await openPage(snug.page, 'library')
  await expect(download(snug.page)).toHaveAttribute('data-state', 'done', { timeout: 60_000 })
  // What had arrived before the kill was not fetched again.
  expect(hub.stats.storageBytes).toBeLessThan(0.95 * starterBytes)
  const folder = modelsIn(options.dataDir, starterRepository)
  expect(readdirSync(folder)).toEqual(['SmolLM2-135M-Instruct-Q4_1.gguf'])
  expect(await sha256Of(join(folder, 'SmolLM2-135M-Instruct-Q4_1.gguf'))).toBe(starterSha256)
  const row = snug.page.getByTestId('library-row')
  await expect(row).toHaveAttribute('data-state', 'verified')
  await row.getByRole('button', { name: new RegExp(`^${en.library.loadAndChat}: `) }).click()
  await expect(composer(snug.page)).toBeVisible()
  await setTemperature(snug.page, 'Home')
  await send(snug.page, 'What is the capital of France?')
  expect(await lastAnswer(snug.page, 60_000)).toContain('Paris')
  expect(await snug.close()).toBe(true)
  await hub.close()
})

test('a download can be paused, resumed and cancelled', async () => {
  const hub = await startTestHub({ bytesPerSecond: 2 * MB })
  const snug = await launchSnug({ starter: false, env: { HF_ENDPOINT: hub.endpoint } })
  const { page, dataDir } = snug
  const button = (words: string) => download(page).getByRole('button', { name: new RegExp(`^${words}: `) })
  await startDownload(await openRepository(page, starterRepository))
  await openPage(page, 'library')
  await expect(page.getByRole('navigation', { name: en.common.places })).toContainText('1 ↓')
  await expect.poll(() => arrived(page)).toBeGreaterThan(3)
  await button(en.library.pause).click()
  await expect(download(page)).toHaveAttribute('data-state', 'paused')
  await expect(download(page)).toContainText(/Kept: [\d.,]+ MiB of/)
  const kept = await arrived(page)
  const { storageBytes } = hub.stats
  await button(en.library.resume).click()
  await expect(download(page)).toHaveAttribute('data-state', 'running')
  await expect.poll(() => arrived(page)).toBeGreaterThan(kept)
  expect(hub.stats.storageBytes).toBeGreaterThan(storageBytes)
  await button(en.library.cancelDownload).click()
  await expect(download(page)).toHaveCount(0)
  const folder = modelsIn(dataDir, starterRepository)
  expect(existsSync(folder) ? readdirSync(folder) : []).toEqual([])
  expect(await snug.close()).toBe(true)
  await hub.close()
})

test('without a hub there are other ways', async () => {
  const hub = await startTestHub()
  const snug = await launchSnug()
  const { page } = snug
  await openPage(page, 'discover')
  const banner = page.locator('.hub-banner')
  await expect(banner).toContainText(en.discover.hubDown({ endpoint: 'http://127.0.0.1:9' }), { timeout: 30_000 })
  await expect(banner.getByRole('button', { name: en.discover.addFile })).toBeVisible()
  // The catalogue is there all the same.
  await expect(page.getByTestId('model-row').first()).toBeVisible()

  await banner.getByRole('button', { name: en.discover.searchModelScope }).click()
  await expect(page.getByRole('radio', { name: 'ModelScope' })).toBeChecked()
  await expect(page.getByRole('searchbox', { name: en.discover.searchLabel })).toBeFocused()
  await page.getByRole('radio', { name: '127.0.0.1:9' }).click()

  await banner.getByRole('button', { name: en.discover.hubAddress }).click()
  await banner.getByRole('textbox', { name: en.discover.hubAddressLabel }).fill(hub.endpoint)
  await banner.getByRole('button', { name: en.discover.hubUse }).click()
  await expect(banner).toHaveCount(0)
  expect(await ask(page, 'app/settings')).toMatchObject({ endpoint: hub.endpoint })
  await expect(await openRepository(page, scriptedRepository)).toBeVisible()

  await ask(page, 'app/setSettings', { endpoint: null })
  await expect(banner).toBeVisible({ timeout: 30_000 })
  await banner.getByRole('button', { name: en.discover.starter }).click()
  await expect(page.getByTestId('model-button')).toHaveAttribute('data-state', 'ready', { timeout: 60_000 })
  await expect(composer(page)).toBeVisible()
  expect(await snug.close()).toBe(true)
  await hub.close()
})
