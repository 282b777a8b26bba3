import { expect, test } from '@playwright/test'
import { hubEnv, scriptedRepository, startTestHub, starterRepository } from './fixtures/hub'
import type { RunningHub } from './fixtures/hubServer'
import { type Launched, launchSnug } from './fixtures/launch'
import { en } from './fixtures/models'
import { openPage } from './fixtures/pages'
import { ask } from './fixtures/rpc'

/** Slow enough that nothing ends before a test has done with it. */
const bytesPerSecond = 20_000

test.describe('the queue', () => {
  let hub: RunningHub
  let snug: Launched
  test.beforeAll(async () => {
    hub = await startTestHub({ bytesPerSecond })
    snug = await launchSnug({
      starter: false,
      env: hubEnv(hub.endpoint),
    })
  })
  test.afterAll(async () => {
    expect(await snug.close()).toBe(true)
    await hub.close()
  })

  test('has an order, obeys the limit of files, pauses, goes on and is cancelled; the machine stays awake meanwhile', async () => {
    const { app, page } = snug
    const row = (repository: string) => page.getByTestId('download-row').filter({ hasText: repository.split('/')[1] ?? '' })
    const [first, second] = [starterRepository, scriptedRepository]
    await app.evaluate(({ BrowserWindow }) => {
      const seen: number[] = []
      Object.assign(globalThis, { progressSeen: seen })
      for (const window of BrowserWindow.getAllWindows()) window.setProgressBar = (share) => void seen.push(share)
    })
    await ask(page, 'app/setSettings', { downloadFiles: 1 })
    const files: Record<string, string> = { [first]: 'SmolLM2-135M-Instruct-Q4_1.gguf', [second]: 'snug-scripted-F32.gguf' }
    for (const repository of [first, second]) await ask(page, 'downloads/start', { repository, file: files[repository] })
    await openPage(page, 'library')
    await expect(row(first)).toHaveAttribute('data-state', 'running')
    await expect(row(second)).toHaveAttribute('data-state', 'queued')
    const awake = () => app.evaluate(({ powerSaveBlocker }) => [0, 1, 2, 3, 4].some((id) => powerSaveBlocker.isStarted(id)))
    expect(await awake()).toBe(true)
    await expect
      .poll(() => app.evaluate(() => (globalThis as unknown as { progressSeen: number[] }).progressSeen.some((share) => share >= 0)))
      .toBe(true)

    await row(second)
      .getByRole('button', { name: /^Place in the queue/ })
      .click()
    await page.getByRole('menuitem', { name: en.library.moveTop }).click()
    await expect(row(second)).toHaveAttribute('data-state', 'running')
    await expect(row(first)).toHaveAttribute('data-state', 'queued')

    await openPage(page, 'settings')
    await page.getByLabel(en.settings.filesAtOnce).fill('2')
    await page.getByLabel(en.settings.filesAtOnce).press('Enter')
    await openPage(page, 'library')
    await expect(row(first)).toHaveAttribute('data-state', 'running')

    await row(first)
      .getByRole('button', { name: new RegExp(`^${en.library.pause}`) })
      .click()
    await expect(row(first)).toHaveAttribute('data-state', 'paused')
    await row(first)
      .getByRole('button', { name: new RegExp(`^${en.library.resume}`) })
      .click()
    await expect(row(first)).toHaveAttribute('data-state', 'running')
    for (const repository of [first, second]) {
      await row(repository)
        .getByRole('button', { name: new RegExp(`^${en.library.cancelDownload}`) })
        .click()
      await expect(row(repository)).toHaveCount(0)
    }
    await expect.poll(awake).toBe(false)
  })
})
