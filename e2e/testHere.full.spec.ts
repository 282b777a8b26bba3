import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { AxeBuilder } from '@axe-core/playwright'
import { type Locator, expect, test } from '@playwright/test'
import { messages } from '../src/shared/i18n'
import { hubEnv, starterBytes, starterRepository, startTestHub } from './fixtures/hub'
import type { RunningHub } from './fixtures/hubServer'
import { type Launched, freshCache, launchSnug } from './fixtures/launch'
import { en } from './fixtures/models'
import { openRepository } from './fixtures/pages'
import { ask } from './fixtures/rpc'

const zh = messages('zh-CN')
/** A busy machine may take its time; the test of the copy itself ends by its own limits. */
const patience = 240_000

test.describe('test here, before any download', () => {
  test.describe.configure({ mode: 'serial', timeout: 2 * patience })
  let hub: RunningHub
  let snug: Launched
  let cache: string
  test.beforeAll(async () => {
    hub = await startTestHub()
    cache = freshCache(false)
    snug = await launchSnug({
      cacheDir: cache,
      env: hubEnv(hub.endpoint),
    })
  })
  test.afterAll(async () => {
    expect(await snug.close()).toBe(true)
    await hub.close()
  })

  const copies = () => (existsSync(join(cache, 'copies')) ? readdirSync(join(cache, 'copies')) : [])

  const begin = (row: Locator) => row.getByRole('button', { name: /^Test here, before any download: / })

  test('it can be cancelled, and leaves nothing behind', async () => {
    const row = await openRepository(snug.page, starterRepository)
    await begin(row).click()
    await expect(row.getByRole('progressbar')).toBeVisible()
    await row.getByRole('button', { name: /^Cancel the test of / }).click()
    await expect(row.getByRole('progressbar')).toHaveCount(0)
    await expect(begin(row)).toBeEnabled()
    await expect(row.getByTestId('copy-test')).toHaveCount(0)
    await expect.poll(copies).toEqual([])
  })

  test('what an empty copy did stands beside the prediction, and holds for the row', async () => {
    const { page } = snug
    const row = await openRepository(page, starterRepository)
    await begin(row).click()
    await expect(row.getByTestId('copy-measured')).toHaveText(/^[\d.,]+ tok\/s, [\d.]+ GiB$/, { timeout: patience })
    await expect(row.getByTestId('copy-test')).toContainText(/predicted: [\d.,–]+ tok\/s, [\d.]+ GiB/)
    await expect.poll(copies).toEqual([])
    // The header, and nothing of the weights.
    const fetched = hub.requests.filter(({ at }) => at === 'storage').reduce((sum, { bodyBytes }) => sum + bodyBytes, 0)
    expect(fetched).toBeGreaterThan(0)
    expect(fetched).toBeLessThan(starterBytes / 10)

    await row.getByRole('button', { name: /show the arithmetic$/ }).click()
    const sums = page.locator('.sums')
    // On a machine that does something else as well, its speed may vary so much that the prediction stands.
    await expect(sums).toContainText(new RegExp(`${en.discover.speedSource.copy}|${en.discover.testUnsteady}`))
    await expect(sums).toContainText(en.common.level.measured)
    await expect(sums.getByRole('button', { name: en.discover.testHere, exact: true })).toBeEnabled()
    const { violations } = await new AxeBuilder({ page }).setLegacyMode().analyze()
    expect(violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')).toEqual([])
    await page.keyboard.press('Escape')
  })

  test('it is known after a reload, and said in Chinese', async () => {
    const { page } = snug
    await page.reload()
    const row = await openRepository(page, starterRepository)
    await expect(row.getByTestId('copy-measured')).toBeVisible()
    await ask(page, 'app/setSettings', { language: 'zh-CN' })
    await expect(row.getByTestId('copy-test')).toContainText(zh.discover.testMeasured)
  })
})
