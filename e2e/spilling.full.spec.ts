import { AxeBuilder } from '@axe-core/playwright'
import { type Page, expect, test } from '@playwright/test'
import type { FitReport } from '../src/shared/domain/fit'
import type { HardwareReport } from '../src/shared/domain/hardware'
import type { LibraryModel } from '../src/shared/domain/library'
import { newestMessage } from './fixtures/chat'
import { type Launched, freshCache, freshFolder, launchSnug } from './fixtures/launch'
import { addScripted, en, lastAnswer, newChat, send, setTemperature, useModel } from './fixtures/models'
import { ask } from './fixtures/rpc'

/** 200 MB that every token reads: no processor does that as fast as the card that the driver pretends. */
const crawler = 'Crawler'
const blocks = 16

let snug: Launched
test.beforeAll(async () => {
  const dataDir = freshFolder()
  await addScripted(dataDir, crawler, { layers: blocks, feedForwardLength: 4_096, thinking: false, words: 60, contextSize: 8_192 })
  snug = await launchSnug({ dataDir, cacheDir: freshCache(false), preload: 'e2e/fixtures/fullCard.cjs' })
})
test.afterAll(async () => {
  expect(await snug.close()).toBe(true)
})

const predicted = async (page: Page, contextSize: number, gpuLayers: number) => {
  const models = await ask<LibraryModel[]>(page, 'library/list')
  const id = models.find(({ name }) => name === crawler)?.id
  return await ask<FitReport>(page, 'library/fit', { id, contextSize, gpuLayers })
}

/** Another plan of the same model: it is ready before and after, so every state in between is kept. */
async function reloads(page: Page, act: () => Promise<void>): Promise<void> {
  await page.evaluate(() => {
    const states: (string | null)[] = []
    Object.assign(window, { modelStates: states })
    new MutationObserver(() => {
      const state = document.querySelector('[data-testid=model-button]')?.getAttribute('data-state') ?? null
      if (state !== states.at(-1)) states.push(state)
    }).observe(document.body, { subtree: true, attributes: true, childList: true, attributeFilter: ['data-state'] })
  })
  await act()
  await page.waitForFunction(() => {
    const { modelStates } = window as unknown as { modelStates: string[] }
    return modelStates.includes('loading') && modelStates.at(-1) === 'ready'
  })
}

test('a driver that keeps the model in RAM is noticed from the speed; a shorter context and fewer layers are one click away, each with what it does', async () => {
  const { page } = snug
  const { gpus } = await ask<HardwareReport>(page, 'machine/report', {})
  expect(gpus.map(({ name, backends }) => [name, backends])).toEqual([['NVIDIA H200', ['cuda']]])
  await newChat(page)
  await useModel(page, crawler)
  await setTemperature(page, 'Home')
  const notice = page.getByTestId('spilling')
  await expect(notice).toHaveCount(0)
  await send(page, 'How fast?')
  await lastAnswer(page)

  // What is said are the two figures.
  const full = await predicted(page, 8_192, blocks + 1)
  const [low] = full.speed.decode
  const measured = (await newestMessage(page))?.stats?.evalTokensPerSecond ?? 0
  expect(measured).toBeGreaterThan(0)
  expect(measured).toBeLessThan(0.6 * low)
  await expect(notice.getByRole('status')).toContainText('the driver is moving the model through RAM')
  await expect(notice.getByRole('status')).toContainText(Math.round(low).toLocaleString('en'))

  // What each would free, and how fast it would then be.
  const shorter = notice.getByRole('button', { name: en.chat.spill.context({ tokens: '4,096' }) })
  const fewer = notice.getByRole('button', { name: en.chat.spill.layers({ layers: blocks - 1, total: blocks + 1 }) })
  for (const way of [shorter, fewer]) await expect(way).toContainText(/frees \d+\.\d\d GiB, then [\d,–]+ tok\/s/)
  const { violations } = await new AxeBuilder({ page }).setLegacyMode().analyze()
  expect(violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')).toEqual([])

  // One click loads it so.
  await reloads(page, () => shorter.click())
  await expect(notice).toHaveCount(0)
  await expect(page.getByRole('img', { name: /^Context: [\d,]+ of 4,096 tokens/ })).toBeVisible()
  await send(page, 'And now?')
  await lastAnswer(page)
  await expect(notice.getByRole('button', { name: en.chat.spill.context({ tokens: '2,048' }) })).toBeVisible()
  await ask(page, 'app/setSettings', { language: 'zh-CN' })
  await expect(notice.getByRole('status')).toContainText('驱动')
  await ask(page, 'app/setSettings', { language: 'en' })
  await reloads(page, () => fewer.click())
  await expect(notice).toHaveCount(0)
  await send(page, 'And with fewer layers?')
  await lastAnswer(page)
  // Two blocks are the processor's now, as the prediction knows: a fast one keeps to it, and then there is nothing to say.
  const split = await predicted(page, 4_096, blocks - 1)
  const reached = (await newestMessage(page))?.stats?.evalTokensPerSecond ?? 0
  if (reached >= 0.6 * split.speed.decode[0]) return expect(notice).toHaveCount(0)
  await expect(notice.getByRole('button', { name: en.chat.spill.layers({ layers: blocks - 3, total: blocks + 1 }) })).toBeVisible()
  // The shorter context stayed.
  await expect(notice.getByRole('button', { name: en.chat.spill.context({ tokens: '2,048' }) })).toBeVisible()
})
