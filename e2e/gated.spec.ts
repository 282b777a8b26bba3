import { type Page, expect, test } from '@playwright/test'
import type { Download } from '../src/shared/domain/library'
import { messages } from '../src/shared/i18n'
import { gatedRepository } from './fixtures/hub'
import type { RunningHub } from './fixtures/hubServer'
import { type Launched, freshFolder } from './fixtures/launch'
import { en } from './fixtures/models'
import { openPage, openRepository } from './fixtures/pages'
import { ask } from './fixtures/rpc'
import { done, everything, launchAt, right, saveToken, startDownload, startTokenHub, tokenRowOf, waiting } from './fixtures/tokens'

const zh = messages('zh-CN')
let hub: RunningHub
test.beforeAll(async () => {
  hub = await startTokenHub()
})
test.afterAll(() => hub.close())

const tokenRow = (page: Page) => tokenRowOf(page, hub)
const save = (page: Page, token: string) => saveToken(page, hub, token)
const launch = (dataDir: string) => launchAt(hub, dataDir)

test('a model behind an agreement: what to accept and where, a token for its host only, and the download', async () => {
  const dataDir = freshFolder()
  let snug: Launched = await launch(dataDir)
  const { page } = snug
  const row = await openRepository(page, gatedRepository)
  await startDownload(row)
  const alert = row.getByRole('alert')
  await expect(alert).toContainText(en.errors['hub/gated'].title)
  await expect(alert).toContainText(en.errors['hub/gated'].action)
  await expect(alert.getByRole('button', { name: en.common.gate.page })).toHaveAttribute('title', `${hub.endpoint}/${gatedRepository}`)

  // It leads to the field for the token of this hub.
  await alert.getByRole('button', { name: en.common.gate.tokens }).click()
  await expect(page.getByLabel(en.settings.tokenFor({ host: new URL(hub.endpoint).host }))).toBeFocused()
  await expect(tokenRow(page)).toHaveAttribute('data-from', 'none')
  // This machine may have a key store or none: the page tells which, and keeps what it says.
  const keeps = await snug.app.evaluate(
    ({ safeStorage }) =>
      safeStorage.isEncryptionAvailable() &&
      (process.platform !== 'linux' || !['basic_text', 'unknown'].includes(safeStorage.getSelectedStorageBackend())),
  )
  await expect(page.getByText(en.settings.tokensNotKept)).toHaveCount(keeps ? 0 : 1)
  await expect(tokenRow(page)).toContainText(en.settings.tokenHub.environment)

  // A token that the hub does not know, then one whose account has not accepted.
  await save(page, 'hf_NobodyKnowsThisOne')
  await expect(tokenRow(page)).toHaveAttribute('data-from', keeps ? 'stored' : 'this-run')
  await startDownload(await openRepository(page, gatedRepository))
  await expect(page.getByTestId('repository-files').getByRole('alert')).toContainText(en.errors['hub/token-refused'].title)
  await openPage(page, 'settings')
  await page.getByRole('button', { name: en.settings.tokenRemove({ host: new URL(hub.endpoint).host }) }).click()
  await save(page, waiting)
  await startDownload(await openRepository(page, gatedRepository))
  await expect(page.getByTestId('repository-files').getByRole('alert')).toContainText(en.common.gate.notAccepted)
  await openPage(page, 'settings')
  await page.getByRole('button', { name: en.settings.tokenRemove({ host: new URL(hub.endpoint).host }) }).click()
  await save(page, right)

  hub.requests.length = 0
  const again = await openRepository(page, gatedRepository)
  await startDownload(again)
  await expect(done(again)).toBeVisible({ timeout: 60_000 })
  const [download] = await ask<Download[]>(page, 'downloads/list')
  expect(download).toMatchObject({ repository: gatedRepository, state: 'done' })
  // The hub had it, its storage did not, and nothing that lies on the disk or is shown has it.
  expect(hub.requests.some((request) => request.headers.authorization === `Bearer ${right}`)).toBe(true)
  const storage = hub.requests.filter((request) => request.at === 'storage')
  expect(storage.length).toBeGreaterThan(0)
  expect(storage.filter((request) => JSON.stringify(request.headers).includes(right))).toEqual([])
  await openPage(page, 'settings')
  expect(await page.content()).not.toContain(right)

  await ask(page, 'app/setSettings', { language: 'zh-CN' })
  await expect(page.getByRole('heading', { level: 2, name: zh.settings.tokens })).toBeVisible()
  await expect(tokenRow(page)).toContainText(keeps ? zh.settings.tokenStored : zh.settings.tokenThisRun)
  await ask(page, 'app/setSettings', { language: 'en' })
  expect(await snug.close()).toBe(true)
  expect(everything(dataDir)).not.toContain(right)

  // What was said of the next start holds.
  snug = await launch(dataDir)
  await openPage(snug.page, 'settings')
  await expect(tokenRow(snug.page)).toHaveAttribute('data-from', keeps ? 'stored' : 'none')
  expect(await snug.close()).toBe(true)
})
