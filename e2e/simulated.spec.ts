import { AxeBuilder } from '@axe-core/playwright'
import { expect, test } from '@playwright/test'
import type { HardwareReport } from '../src/shared/domain/hardware'
import type { Recommendation } from '../src/shared/domain/recommend'
import { messages } from '../src/shared/i18n'
import { type Launched, launchSnug } from './fixtures/launch'
import { en, newChat, starterName, useModel } from './fixtures/models'
import { openPage } from './fixtures/pages'
import { recordedMachine } from './fixtures/recorded'
import { ask } from './fixtures/rpc'

const zh = messages('zh-CN')
const device = 'H200 141 GB'
const GiB = 2 ** 30

let snug: Launched
test.beforeAll(async () => {
  snug = await launchSnug()
})
test.afterAll(async () => {
  expect(await snug.close()).toBe(true)
})

test('another machine: everything is priced for it, says that it is simulated, and a download is warned of', async () => {
  const { page } = snug
  await openPage(page, 'discover')
  const choice = page.getByRole('combobox', { name: en.discover.machine, exact: true })
  await expect(page.getByTestId('model-row').first()).toBeVisible()
  await choice.selectOption(device)
  const note = page.getByTestId('simulated')
  await expect(note).toContainText(en.discover.simulatedNote({ name: device }))
  const hero = page.getByTestId('recommendation')
  await expect(hero).toContainText('H200 (simulated)')
  await expect(hero).toContainText(en.discover.bestForSimulated({ use: en.discover.use.chat, name: device }))
  await hero.getByRole('button', { name: /show the arithmetic$/ }).click()
  await expect(page.locator('.sums')).toContainText(en.discover.simulatedTag)
  await page.keyboard.press('Escape')
  const { violations } = await new AxeBuilder({ page }).setLegacyMode().analyze()
  expect(violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')).toEqual([])

  // What this machine cannot run says so before the first byte; asked again it is tried all the same.
  const input = { use: 'chat', kvCacheType: 'f16' }
  const real = await ask<Recommendation[]>(page, 'discover/recommend', input)
  const there = await ask<Recommendation[]>(page, 'discover/recommend', { ...input, simulate: { device, vramBytes: null, ramBytes: null } })
  const wanted = there.find(({ model, best }) => {
    const here = real
      .find((item) => item.model.id === model.id)
      ?.alternatives.find(({ quantization }) => quantization === best.quantization)
    return best.verdict !== 'too-big' && best.repository !== null && here?.verdict === 'too-big'
  })
  if (wanted !== undefined) {
    const row = page.locator(`[data-testid=model-row][data-model="${wanted.model.id}"]`)
    const button = row.getByRole('button', {
      name: en.discover.downloadNamed({ name: `${wanted.model.name} ${wanted.best.quantization}` }),
    })
    await button.click()
    await expect(row).toContainText('will not run on this machine, only on the simulated one')
    await expect(button).toBeEnabled()
  }

  // What the platform lends the GPU is a mark of its own on every bar, with its name, and a line of the sum.
  for (const [chip, limit, mark] of [
    ['Apple M2 16 GB', 'metal-working-set', 'Metal ≤ 10.7'],
    ['Strix Halo 128 GB', 'gtt', 'GTT ≤ 64.0'],
  ] as const) {
    await choice.selectOption(chip)
    await expect(note).toContainText(chip)
    await expect(hero.locator(`.lim[data-limit=${limit}]`)).toBeVisible()
    await expect(hero.locator('.lim-label')).toHaveText(mark)
    await expect(page.locator(`[data-testid=model-row] .lim[data-limit=${limit}]`).first()).toBeVisible()
    await expect(hero.getByRole('img')).toHaveAccessibleName(/graphics takes at most [\d.]+ GiB of it/)
    await hero.getByRole('button', { name: /show the arithmetic$/ }).click()
    await expect(page.locator(`.sums [data-limit=${limit}]`)).toContainText(en.common.limitName[limit])
    await page.keyboard.press('Escape')
  }

  // Figures of one's own.
  await choice.selectOption({ label: en.discover.ownFigures })
  await page.getByRole('textbox', { name: en.discover.ownVram, exact: true }).fill('0')
  await page.getByRole('textbox', { name: en.discover.ownRam, exact: true }).fill('8')
  const name = `${en.discover.noCard} + 8 GiB RAM`
  await expect(note).toContainText(name)
  await expect(hero).toHaveAccessibleName(en.discover.bestForSimulated({ use: en.discover.use.chat, name }))
  await expect(page.locator('.cols.head .ends')).toContainText('6.4')
  await page.getByRole('textbox', { name: en.discover.ownRam, exact: true }).fill('none')
  await expect(page.getByRole('textbox', { name: en.discover.ownRam, exact: true })).toHaveAttribute('aria-invalid', 'true')

  await ask(page, 'app/setSettings', { language: 'zh-CN' })
  await expect(note).toContainText('模拟')
  await expect(page.getByRole('combobox', { name: zh.discover.machine, exact: true })).toBeVisible()
  await ask(page, 'app/setSettings', { language: null })
  await note.getByRole('button', { name: en.discover.backToThisMachine }).click()
  await expect(note).toHaveCount(0)
  await expect(hero).not.toContainText('simulated')
  const [best] = await ask<Recommendation[]>(page, 'discover/recommend', input)
  expect(best?.best.fit.pools.every((pool) => pool.totalBytes / GiB !== 141)).toBe(true)
})

test("what is fast enough is anybody's to say: the list is judged by it, marked as theirs, and reset with one click", async () => {
  const { page } = snug
  await openPage(page, 'discover')
  const needs = page.getByTestId('needs')
  await expect(needs).toContainText('≥ 7 tok/s')
  const outcomes = async () => {
    const list = await ask<Recommendation[]>(page, 'discover/recommend', { use: 'chat', kvCacheType: 'f16' })
    return { usable: list.filter((item) => item.usable).length, needs: list[0]?.needs }
  }
  expect((await outcomes()).usable).toBeGreaterThan(0)
  await needs.click()
  const field = page.getByRole('textbox', { name: en.discover.wants.decode })
  await field.fill('0')
  await field.press('Enter')
  await expect(field).toHaveAttribute('aria-invalid', 'true')
  await field.fill('1000')
  await field.press('Enter')
  await expect(needs).toContainText(en.common.yours)
  // Nothing is that fast here: the nearest is named instead.
  await expect(page.getByTestId('recommendation')).toContainText(en.discover.nearestFor({ use: en.discover.use.chat }))
  expect(await outcomes()).toMatchObject({ usable: 0, needs: { decode: 1000, firstTokenMs: 10_000 } })
  await page.getByRole('button', { name: en.common.reset, exact: true }).click()
  await expect(needs).not.toContainText(en.common.yours)
  expect((await outcomes()).usable).toBeGreaterThan(0)
  await page.keyboard.press('Escape')
  // Code wants more, and its own figures.
  await page.getByRole('button', { name: en.discover.use.code, exact: true }).click()
  await expect(needs).toContainText('≥ 15 tok/s')
  await page.getByRole('button', { name: en.discover.use.chat, exact: true }).click()
})

test("limits of one's own count at once, are marked as such everywhere, and go with one click", async () => {
  const { page } = snug
  await openPage(page, 'machine')
  const limits = page.getByTestId('limits')
  await expect(limits.getByRole('button', { name: en.machine.reset })).toHaveCount(0)
  const reserve = limits.getByRole('textbox', { name: en.settings.reserve })
  await reserve.fill('3')
  await reserve.press('Enter')
  const budget = limits.getByRole('textbox', { name: en.machine.vramBudget })
  const { gpus } = await ask<HardwareReport>(page, 'machine/report', {})
  // Without a card there is nothing to limit; what was set before stays in sight.
  if (gpus.length === 0) await expect(budget).toHaveCount(0)
  await ask(page, 'app/setSettings', { vramBudgetBytes: 3 * GiB })
  await expect(budget).toHaveValue('3')
  await budget.fill('2.5')
  await budget.press('Enter')
  await expect(limits.getByText(en.common.yours)).toHaveCount(2)
  expect(await ask(page, 'app/settings')).toMatchObject({ reserveBytes: 3 * GiB, vramBudgetBytes: 2.5 * GiB })
  await openPage(page, 'discover')
  await page
    .getByTestId('recommendation')
    .getByRole('button', { name: /show the arithmetic$/ })
    .click()
  await expect(page.locator('.sums')).toContainText(en.common.yours)
  await expect(page.locator('.sums')).toContainText('3.00')
  await page.keyboard.press('Escape')
  await openPage(page, 'machine')
  await limits.getByRole('button', { name: en.machine.reset }).click()
  await expect(limits.getByText(en.common.yours)).toHaveCount(0)
  expect(await ask(page, 'app/settings')).toMatchObject({ reserveBytes: null, vramBudgetBytes: null })
})

test('a loaded model gives its memory back, or keeps it: the whole page is priced again', async () => {
  const { page } = snug
  await openPage(page, 'discover')
  const choice = page.getByRole('radiogroup', { name: en.discover.memoryOf })
  const givesBack = page.locator('.cols.head [data-gives-back="true"]')
  await expect(page.getByTestId('model-row').first()).toBeVisible()
  // Nothing is loaded: nothing to ask, nothing to give back.
  await expect(choice).toHaveCount(0)
  await expect(givesBack).toHaveCount(0)

  await newChat(page)
  await useModel(page, starterName)
  await openPage(page, 'discover')
  const place = choice.getByRole('radio', { name: en.discover.inPlaceOf({ name: starterName }) })
  const beside = choice.getByRole('radio', { name: en.discover.besideIt })
  await expect(place).toBeChecked()
  const returned = async (keep: boolean) => {
    const [best] = await ask<Recommendation[]>(page, 'discover/recommend', { use: 'chat', kvCacheType: 'f16', beside: keep })
    return best?.best.fit.pools.reduce((sum, pool) => sum + pool.returnedBytes, 0) ?? -1
  }
  expect(await returned(false)).toBeGreaterThan(100 * 2 ** 20)
  expect(await returned(true)).toBe(0)
  await beside.click()
  await expect(beside).toBeChecked()
  await expect(givesBack).toHaveCount(0)
  await place.click()
  await expect(givesBack).not.toHaveCount(0)
  await ask(page, 'engine/unload')
  await expect(choice).toHaveCount(0)
})

for (const { begins, bars, planner, verdict } of [
  {
    begins: 'two equal cards',
    bars: ['23.4 of 23.7 GiB free', '19.5 of 23.7 GiB free', '55.0 of 64.0 GiB free'],
    planner: ['NVIDIA GeForce RTX 3090 here, 23.7 GiB', 'NVIDIA GeForce RTX 3090 here, 23.7 GiB', 'RAM here, 64.0 GiB'],
    verdict: 'full-gpu',
  },
  { begins: 'Apple M1, 8', bars: ['5.0 of 8.0 GiB free'], planner: ['Apple M1 here, 8.0 GiB'], verdict: 'full-gpu' },
  {
    begins: 'laptop, RTX 3050 4 GB and Intel Iris Xe',
    bars: ['3.5 of 4.0 GiB free', '9.0 of 16.0 GiB free'],
    planner: ['NVIDIA GeForce RTX 3050 Laptop GPU here, 4.0 GiB', 'RAM here, 16.0 GiB'],
    verdict: 'full-gpu',
  },
] as const) {
  test(`a recorded machine (${begins}): its bars, what is recommended on it, and the planner's devices`, async () => {
    const other = await launchSnug({ env: recordedMachine(begins) })
    const { page } = other
    await openPage(page, 'machine')
    const devices = page.getByRole('region', { name: en.machine.devices })
    const memories = devices.locator('.device').filter({ has: page.locator('.tank .cap') })
    await expect(memories).toHaveCount(bars.length)
    for (const [index, text] of bars.entries()) {
      await expect(memories.nth(index)).toContainText(text)
      // The reserve stands at the end of what is free, though nothing is loaded.
      await expect(memories.nth(index).locator('.tank > i.r')).toBeVisible()
      await expect(memories.nth(index).locator('.legend')).toContainText(en.common.reserve)
    }
    await expect(page.locator('.live-row')).toHaveCount(bars.length)

    await openPage(page, 'discover')
    const [best] = await ask<Recommendation[]>(page, 'discover/recommend', { use: 'chat', kvCacheType: 'f16' })
    expect(best?.best.verdict).toBe(verdict)
    if (best?.reason.kind !== 'full-gpu') throw new Error(`recommended because of ${best?.reason.kind}`)
    const { cards, device, spareBytes, contextSize } = best.reason
    expect(cards).toBe(begins === 'two equal cards' ? 2 : 1)
    const sentence = en.discover.reason['full-gpu']({
      device: cards > 1 ? en.discover.onCards({ count: cards }) : device,
      spare: (spareBytes / GiB).toFixed(1),
      context: contextSize.toLocaleString('en'),
      speed: '@',
    })
    await expect(page.getByTestId('recommendation')).toContainText(sentence.split('@')[0] ?? '')

    await openPage(page, 'planner')
    const here = page.getByLabel(en.planner.device, { exact: true }).locator('option').filter({ hasText: ' here, ' })
    await expect(here).toHaveText([...planner])
    expect(await other.close()).toBe(true)
  })
}

test('the chart: what fits by capability and speed, its best edge, and two dots compared', async () => {
  const { page } = snug
  await openPage(page, 'discover')
  await page.getByRole('combobox', { name: en.discover.machine, exact: true }).selectOption('RTX 4090 24 GB')
  await page.getByRole('radio', { name: en.discover.viewChart }).click()
  const chart = page.getByTestId('chart')
  const dots = chart.getByRole('group', { name: en.discover.chart.title }).getByRole('button')
  await expect(dots.nth(4)).toBeVisible()
  await expect(chart).toContainText('GPQA Diamond')
  await expect(chart.getByTestId('not-rated')).toBeVisible()
  // The same in a table for who does not see it.
  await expect(chart.getByRole('table', { name: en.discover.chart.title }).getByRole('row')).toHaveCount((await dots.count()) + 1)
  expect(await chart.locator('.chart-dot.on-edge').count()).toBeGreaterThan(1)
  await chart.locator('.chart-dot.on-edge').first().focus()
  await page.keyboard.press('Enter')
  await expect(chart).toContainText(en.discover.chart.hint)
  await chart.locator('.chart-dot.on-edge').last().focus()
  await page.keyboard.press('Space')
  const compared = chart.getByTestId('compared')
  await expect(compared.getByRole('columnheader')).toHaveCount(3)
  await expect(compared).toContainText('GiB')
  const { violations } = await new AxeBuilder({ page }).setLegacyMode().analyze()
  expect(violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')).toEqual([])
  await page.getByRole('radio', { name: en.discover.viewList }).click()
  await expect(page.getByTestId('model-row').first()).toBeVisible()
})
