import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { type Page, expect, test } from '@playwright/test'
import { writeScriptedModel } from '../src/engine/scriptedModel'
import { gatedRepository, scriptedFile, scriptedRepository, startTestHub, starterRepository } from './fixtures/hub'
import type { RunningHub } from './fixtures/hubServer'
import { type Launched, checkout, freshCache, freshFolder, launchSnug } from './fixtures/launch'
import { addScripted, composer, en, lastAnswer, lastReply, newChat, send, setTemperature, useModel } from './fixtures/models'
import { openPage } from './fixtures/pages'
import { enginePids } from './fixtures/processes'
import { recordedMachine } from './fixtures/recorded'
import { ask } from './fixtures/rpc'

/** `npm run screenshots`: the whole first use, a picture of each screen in both languages and themes. */
const folder = join(checkout, 'e2e', 'out', 'screens')
const script = 'Qwen-like script'

let snug: Launched
let hub: RunningHub

/** What is open stays open: language and theme change under it. */
async function shoot(page: Page, name: string): Promise<void> {
  await page.mouse.move(640, 2)
  for (const language of ['en', 'zh-CN'] as const) {
    for (const theme of ['light', 'dark'] as const) {
      await ask(page, 'app/setSettings', { language, theme })
      await expect(page.locator('html')).toHaveAttribute('lang', language)
      await expect(page.locator('html')).toHaveAttribute('data-theme', theme)
      const file = `${name}.${language === 'en' ? 'en' : 'zh'}.${theme}.png`
      await page.screenshot({ path: join(folder, file), animations: 'disabled', caret: 'hide' })
    }
  }
  await ask(page, 'app/setSettings', { language: 'en', theme: 'light' })
  await expect(page.locator('html')).toHaveAttribute('lang', 'en')
}

/** Another program's models, in the layout of the Hugging Face cache. */
async function otherProgram(): Promise<string> {
  const cache = freshFolder('hub')
  const repository = join(cache, 'models--someone--scripted-GGUF')
  const snapshot = join(repository, 'snapshots', '0123456789abcdef0123456789abcdef01234567')
  mkdirSync(snapshot, { recursive: true })
  await writeScriptedModel(join(repository, 'blobs', 'a'.repeat(64)))
  symlinkSync(join('..', '..', 'blobs', 'a'.repeat(64)), join(snapshot, 'scripted-F32.gguf'))
  return cache
}

test('the first use, screen by screen', async () => {
  test.setTimeout(600_000)
  mkdirSync(folder, { recursive: true })
  hub = await startTestHub({ bytesPerSecond: 400_000 })
  const dataDir = freshFolder('Snug 数据')
  await addScripted(dataDir, script)
  const env = { HF_ENDPOINT: hub.endpoint, HF_HUB_CACHE: await otherProgram(), HOME: freshFolder('home') }
  snug = await launchSnug({ dataDir, cacheDir: freshCache(true), env })
  const { page } = snug
  await snug.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.setContentSize(1280, 820))

  await test.step('welcome', async () => {
    await expect(page.getByTestId('choice-best').getByRole('button').first()).toBeVisible()
    await expect(page.getByTestId('choice-starter').getByRole('button')).toBeVisible()
    await expect(page.getByTestId('choice-disk')).toContainText(en.welcome.source.huggingface)
    await shoot(page, 'welcome')
  })

  await test.step('chat', async () => {
    await newChat(page)
    await expect(page.getByRole('button', { name: new RegExp(en.chat.loadStarter) })).toBeVisible()
    await shoot(page, 'chat-no-model')
    await page.getByRole('button', { name: new RegExp(en.chat.loadStarter) }).click()
    // A load takes a moment only, so its process is held for the picture.
    await expect.poll(async () => (await enginePids(snug.app, 'model')).length, { intervals: [5] }).toBe(1)
    const [pid] = await enginePids(snug.app, 'model')
    if (pid === undefined) throw new Error('no engine')
    process.kill(pid, 'SIGSTOP')
    await shoot(page, 'model-loading')
    process.kill(pid, 'SIGCONT')
    await expect(page.getByTestId('model-button')).toHaveAttribute('data-state', 'ready', { timeout: 60_000 })
    await shoot(page, 'chat-empty')
    await setTemperature(page, 'Home')
    await send(page, 'What is the capital of France?')
    await lastAnswer(page, 60_000)
    await send(page, 'Write two sentences about the sea.')
    await lastAnswer(page, 60_000)
    await composer(page).fill('List three colours.')
    await shoot(page, 'chat')
    await page.getByRole('button', { name: new RegExp(`^${en.chat.temperature.name}: `) }).click()
    await shoot(page, 'temperature')
    await page.keyboard.press('Escape')
  })

  await test.step('thinking', async () => {
    await newChat(page)
    await useModel(page, script)
    await send(page, 'Which side does the coin show? 你好')
    await lastAnswer(page)
    await lastReply(page).locator('.thought').getByRole('button').click()
    await shoot(page, 'chat-thought')
    await page.getByRole('button', { name: en.chat.thinking.open }).click()
    await shoot(page, 'thinking')
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: en.chat.chatMenu, exact: true }).click()
    await page.getByRole('menuitem', { name: en.chat.promptView }).click()
    await expect(page.getByTestId('prompt-text')).toBeVisible()
    await shoot(page, 'prompt')
    await page.keyboard.press('Escape')
    await page.keyboard.press('Control+m')
    await expect(page.getByRole('list', { name: en.library.pickerTitle })).toBeVisible()
    await shoot(page, 'models')
    await page.keyboard.press('Escape')
  })

  await test.step('discover', async () => {
    await openPage(page, 'discover')
    await expect(page.getByTestId('model-row').first()).toBeVisible()
    await shoot(page, 'discover')
    const row = page.getByTestId('model-row').nth(1)
    await row.getByRole('button', { name: /^Quantizations of / }).click()
    await row.scrollIntoViewIfNeeded()
    await expect(row.getByTestId('quantization-row').first()).toBeVisible()
    await page.locator('.page').evaluate((element) => element.scrollBy(0, 260))
    await shoot(page, 'discover-row')
    await row
      .getByRole('button', { name: /show the arithmetic$/ })
      .first()
      .click()
    await expect(page.locator('.sums')).toBeVisible()
    await shoot(page, 'arithmetic')
    await page.keyboard.press('Escape')
    const search = page.getByRole('searchbox', { name: en.discover.searchLabel })
    await search.fill(starterRepository)
    await search.press('Enter')
    const tested = page.getByTestId('repository-files').getByTestId('quantization-row')
    await tested.getByRole('button', { name: /^Test here, before any download: / }).click()
    await expect(tested.getByTestId('copy-measured')).toBeVisible({ timeout: 180_000 })
    await page.locator('.page').evaluate((element) => element.scrollTo(0, 0))
    await shoot(page, 'test-here')
    for (const [name, address] of [
      ['address', `${hub.endpoint}/plain/${scriptedFile}`],
      ['address-hub', `${hub.endpoint}/${starterRepository}/blob/main/SmolLM2-135M-Instruct-Q4_1.gguf`],
      ['address-wrong', `${hub.endpoint}/plain/none.gguf`],
    ] as const) {
      await search.fill(address)
      await search.press('Enter')
      const panel = page.getByTestId('address-file')
      await expect(panel.getByTestId('address-trust').or(panel.getByRole('alert'))).toBeVisible({ timeout: 60_000 })
      await page.locator('.page').evaluate((element) => element.scrollTo(0, 0))
      await shoot(page, name)
    }
    for (const repository of [scriptedRepository, starterRepository]) {
      if (repository === scriptedRepository) hub.faults.add({ at: 'storage', do: 'flip', offset: 5_000, times: 50, path: scriptedFile })
      await search.fill(repository)
      await search.press('Enter')
      const file = page.getByTestId('repository-files').getByTestId('quantization-row')
      await expect(file).toHaveCount(1)
      await file.getByRole('button', { name: /^Download / }).click()
      await expect(file.getByRole('progressbar').or(file.getByRole('alert'))).toBeVisible()
    }
    await page.locator('.page').evaluate((element) => element.scrollTo(0, 0))
    await shoot(page, 'repository')
    await page.getByRole('button', { name: en.discover.card }).click()
    await expect(page.getByTestId('model-card')).toContainText('demonstration')
    await shoot(page, 'card')
    await page.getByRole('button', { name: en.discover.card }).click()
  })

  await test.step('library', async () => {
    await openPage(page, 'library')
    await expect(page.locator('[data-testid=download-row][data-state=failed]')).toBeVisible()
    // Speed and time left are told after 3 s.
    await expect(page.locator('[data-testid=download-row][data-state=running]')).toContainText(/left/, { timeout: 20_000 })
    await shoot(page, 'library')
  })

  await test.step('machine, planner, settings', async () => {
    await openPage(page, 'machine')
    await page.getByRole('button', { name: en.machine.checkNamed({ backend: 'CPU' }) }).click()
    await expect(page.locator('[data-backend=cpu]')).toHaveAttribute('data-check', 'ok', { timeout: 60_000 })
    await shoot(page, 'machine')
    await openPage(page, 'planner')
    await page.getByRole('textbox', { name: en.planner.parameters }).fill('7')
    await page.getByLabel(en.planner.device, { exact: true }).selectOption('RTX 4090')
    await page.getByTestId('stage-full-fine-tuning').click()
    await shoot(page, 'planner')
    await page.getByTestId('stage-inference').click()
    await page.getByRole('spinbutton', { name: en.planner.devicesLabel }).fill('2')
    await page.locator('.page').evaluate((element) => element.scrollTo(0, element.scrollHeight))
    await shoot(page, 'planner-command')
    await openPage(page, 'settings')
    await shoot(page, 'settings')
    await openPage(page, 'discover')
    const search = page.getByRole('searchbox', { name: en.discover.searchLabel })
    await search.fill(gatedRepository)
    await search.press('Enter')
    const guarded = page.getByTestId('repository-files')
    await guarded
      .getByTestId('quantization-row')
      .getByRole('button', { name: /^Download / })
      .click()
    await expect(guarded.getByRole('alert')).toBeVisible()
    await shoot(page, 'gated')
    await guarded.getByRole('button', { name: en.common.gate.tokens }).click()
    await expect(page.getByTestId('hub-token').first()).toBeVisible()
    await shoot(page, 'tokens')
    await page.keyboard.press('Control+/')
    await expect(page.getByRole('dialog', { name: en.common.keys.title })).toBeVisible()
    await shoot(page, 'keys')
    await page.keyboard.press('Escape')
  })

  await test.step('no hub', async () => {
    await ask(page, 'app/setSettings', { endpoint: 'http://127.0.0.1:9' })
    await openPage(page, 'discover')
    await expect(page.locator('.hub-banner')).toBeVisible({ timeout: 30_000 })
    await page.getByRole('button', { name: en.discover.hubAddress }).click()
    await shoot(page, 'discover-no-hub')
  })

  await test.step('a narrow window', async () => {
    await snug.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.setContentSize(900, 640))
    await page.locator('.page').evaluate((element) => element.scrollTo(0, 0))
    await shoot(page, 'narrow-discover')
    for (const name of ['library', 'machine', 'planner'] as const) {
      await openPage(page, name)
      await shoot(page, `narrow-${name}`)
    }
  })
  await test.step('another machine, with two cards', async () => {
    const other = await launchSnug({ env: { HF_ENDPOINT: hub.endpoint, ...recordedMachine('two equal cards') } })
    await other.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.setContentSize(1280, 820))
    for (const name of ['machine', 'discover', 'planner'] as const) {
      await openPage(other.page, name)
      if (name === 'discover') await expect(other.page.getByTestId('recommendation')).toBeVisible()
      await shoot(other.page, `two-cards-${name}`)
    }
    expect(await other.close()).toBe(true)
  })
  expect(await snug.close()).toBe(true)
  await hub.close()
})
