import { expect, test } from '@playwright/test'
import { gatedRepository } from './fixtures/hub'
import type { RunningHub } from './fixtures/hubServer'
import { freshFolder } from './fixtures/launch'
import { en } from './fixtures/models'
import { openPage, openRepository } from './fixtures/pages'
import { done, everything, launchAt, right, saveToken, startDownload, startTokenHub, tokenRowOf, waiting } from './fixtures/tokens'

let hub: RunningHub
test.beforeAll(async () => {
  hub = await startTokenHub()
})
test.afterAll(() => hub.close())

test('with a key store a token outlives the app, and HF_TOKEN wins over it', async () => {
  const dataDir = freshFolder()
  let snug = await launchAt(hub, dataDir, { keyStore: true })
  await openPage(snug.page, 'settings')
  await expect(snug.page.getByText(en.settings.tokensNotKept)).toHaveCount(0)
  await saveToken(snug.page, hub, right)
  await expect(tokenRowOf(snug.page, hub)).toContainText(en.settings.tokenStored)
  expect(await snug.close()).toBe(true)
  expect(everything(dataDir)).not.toContain(right)

  snug = await launchAt(hub, dataDir, { keyStore: true, env: { HF_TOKEN: waiting } })
  await openPage(snug.page, 'settings')
  await expect(tokenRowOf(snug.page, hub)).toContainText(en.settings.tokenFromEnvironment({ variable: 'HF_TOKEN' }))
  await expect(tokenRowOf(snug.page, hub).getByTestId('token-end')).toHaveText(`•••• ${waiting.slice(-4)}`)
  expect(await snug.close()).toBe(true)

  snug = await launchAt(hub, dataDir, { keyStore: true })
  const row = await openRepository(snug.page, gatedRepository)
  await startDownload(row)
  await expect(done(row)).toBeVisible({ timeout: 60_000 })
  expect(await snug.close()).toBe(true)

  // Without the key store that sealed it, it is asked for again and never sent.
  snug = await launchAt(hub, dataDir)
  await openPage(snug.page, 'settings')
  await expect(tokenRowOf(snug.page, hub)).toContainText(en.settings.tokenUnreadable)
  expect(await snug.close()).toBe(true)
})
