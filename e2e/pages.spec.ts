import { readFileSync } from 'node:fs'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { AxeBuilder } from '@axe-core/playwright'
import { type Locator, expect, test } from '@playwright/test'
import type { HardwareReport } from '../src/shared/domain/hardware'
import { messages } from '../src/shared/i18n'
import { checkout, type Launched, launchSnug } from './fixtures/launch'
import { en, newChat } from './fixtures/models'
import { openPage, type PageName } from './fixtures/pages'
import { ask } from './fixtures/rpc'

const zh = messages('zh-CN')
const GiB = 2 ** 30

let snug: Launched
test.beforeAll(async () => {
  snug = await launchSnug()
})
test.afterAll(async () => {
  expect(await snug.close()).toBe(true)
})

test('this machine: memory as a bar, processor, engines, and a check that the CPU gives right answers', async () => {
  const { page } = snug
  await openPage(page, 'machine')
  const report = await ask<HardwareReport>(page, 'machine/report', {})
  const devices = page.getByRole('region', { name: en.machine.devices })
  const total = (report.ram.total / GiB).toFixed(1)
  await expect(devices.getByRole('heading', { name: new RegExp(en.machine.memory) })).toBeVisible()
  await expect(devices.getByRole('img').first()).toBeVisible()
  await expect(devices).toContainText(total)
  await expect(devices).toContainText(report.cpu.name)
  await expect(devices).toContainText(en.machine.cores({ physical: report.cpu.physicalCores, logical: report.cpu.logicalCores }))
  if (report.gpus.length === 0) await expect(devices).toContainText(en.machine.noGpu)
  // The sidebar has the same picture.
  await expect(page.locator('.live').getByRole('img').first()).toHaveAttribute('aria-label', new RegExp(`${total} GiB used`))

  const rows = page.getByTestId('backend-row')
  await expect(rows).toHaveCount(report.backends.length)
  const cpu = page.locator('[data-testid=backend-row][data-backend=cpu]')
  await expect(cpu).toContainText(en.machine.state.works)
  await cpu.getByRole('button', { name: en.machine.checkNamed({ backend: 'CPU' }) }).click()
  await expect(cpu).toHaveAttribute('data-check', 'ok', { timeout: 60_000 })
  await expect(cpu).toContainText(/Right answer, [\d.,]+ tok\/s/)
  // Nothing claims to work without a device.
  for (const { backend, state } of report.backends.filter((row) => row.state !== 'works')) {
    const row = page.locator(`[data-testid=backend-row][data-backend=${backend}]`)
    await expect(row).toContainText(en.machine.state[state])
    await expect(row.getByRole('button', { name: en.machine.checkNamed({ backend: en.machine.backend[backend] }) })).toHaveCount(0)
  }
  await expect(page.getByRole('region', { name: en.machine.fits })).toContainText(/Of \d+ models/)
})

test('the planner has the numbers of the rules of thumb, and its command follows the choice of devices', async () => {
  const { page } = snug
  await openPage(page, 'planner')
  const field = page.getByRole('textbox', { name: en.planner.parameters })
  await field.fill('7')
  await page.getByRole('radio', { name: 'FP16', exact: true }).click()
  // 7 × 10⁹ × 2 bytes = 13.0 GiB; × 1.2–5, 1.2–2, 8–15, 12–20.
  await expect(page.getByRole('region', { name: en.planner.stages })).toContainText('7 × 10⁹ parameters × 2 bytes')
  const stage = (name: string): Locator => page.getByTestId(`stage-${name}`)
  for (const [name, bytes, times] of [
    ['inference', '16–65 GiB', '1.2–5 ×'],
    ['lora', '16–26 GiB', '1.2–2 ×'],
    ['full-fine-tuning', '104–196 GiB', '8–15 ×'],
    ['training', '156–261 GiB', '12–20 ×'],
  ] as const) {
    await expect(stage(name)).toContainText(bytes)
    await expect(stage(name)).toContainText(times)
  }

  // What a quantized file takes besides its bits is an assumption like the others, and can be changed.
  await page.getByRole('radio', { name: 'INT4', exact: true }).click()
  const head = page.getByRole('region', { name: en.planner.stages }).getByRole('heading')
  await expect(head).toContainText('3.6–3.9 GiB (× 1.1–1.2)')
  await page.getByRole('button', { name: en.planner.assumptions, exact: true }).click()
  const most = page.getByRole('textbox', { name: `${en.planner.quantizedFile}, ${en.planner.to}` })
  await most.fill('1.5')
  await most.press('Tab')
  await expect(head).toContainText('(× 1.1–1.5)')
  await page.getByRole('button', { name: en.common.reset, exact: true }).click()
  await expect(head).toContainText('(× 1.1–1.2)')
  await page.keyboard.press('Escape')
  await page.getByRole('radio', { name: 'FP16', exact: true }).click()

  await page.getByLabel(en.planner.device, { exact: true }).selectOption('RTX 4070')
  await stage('inference').click()
  const devices = page.getByRole('spinbutton', { name: en.planner.devicesLabel })
  const command = page.getByRole('region', { name: en.planner.command })
  await devices.fill('1')
  await expect(command).not.toContainText('--tensor-split')
  await devices.fill('3')
  await expect(command).toContainText('--tensor-split 1,1,1')
  await command.getByRole('radio', { name: 'vLLM' }).click()
  await expect(command).toContainText('--pipeline-parallel-size 3')
  await devices.fill('12')
  await expect(command).toContainText('--tensor-parallel-size 4 --pipeline-parallel-size 3')
  await devices.fill('2')
  await expect(command).toContainText('--pipeline-parallel-size 2')
  await command.getByRole('radio', { name: en.planner.overRpc }).click()
  await expect(command).toContainText('--rpc HOST2:50052')
  await expect(command).toContainText(en.planner.rpcHint({ hosts: 1 }))
  await expect(page.getByTestId('parallel-pipeline')).toContainText(en.planner.advised)

  // Out of range: the field is marked, the last picture stays.
  await field.fill('0')
  await expect(page.getByText(en.planner.parametersBad)).toBeVisible()
  await expect(field).toHaveAttribute('aria-invalid', 'true')
  await expect(stage('lora')).toContainText('16–26 GiB')
})

test('settings: language and theme at once, offline refuses, every request is listed', async () => {
  const { page } = snug
  await openPage(page, 'settings')
  await page.getByRole('radio', { name: '简体中文' }).click()
  await expect(page.getByRole('heading', { level: 1, name: zh.common.settings })).toBeVisible()
  await expect(page.locator('html')).toHaveAttribute('lang', 'zh-CN')
  await page.getByRole('radio', { name: zh.settings.themeDark }).click()
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark')
  expect(await page.evaluate(() => getComputedStyle(document.body).colorScheme)).toContain('dark')
  await page.getByRole('radio', { name: 'English' }).click()
  await expect(page.getByRole('heading', { level: 1, name: en.common.settings })).toBeVisible()

  const hub = page.getByRole('combobox', { name: en.settings.hub })
  await expect(hub).toHaveValue('default')
  await hub.selectOption(en.settings.hubMirror)
  await expect(page.getByRole('textbox', { name: en.settings.endpoint })).toHaveValue('https://hf-mirror.com')
  await hub.selectOption(en.settings.hubAutomatic)
  await expect.poll(async () => (await ask<{ endpointAutomatic: boolean }>(page, 'app/settings')).endpointAutomatic).toBe(true)
  await hub.selectOption(en.settings.hubCustom)
  await expect(page.getByRole('textbox', { name: en.settings.endpoint })).toBeFocused()
  await page.getByRole('textbox', { name: en.settings.endpoint }).fill('no address')
  await expect(page.getByText(en.settings.endpointBad)).toBeVisible()
  await page.getByRole('textbox', { name: en.settings.endpoint }).fill('http://hub.invalid')
  await page.getByRole('textbox', { name: en.settings.endpoint }).press('Enter')
  await page.getByRole('switch', { name: en.settings.offline }).click()
  await expect(page.locator('.side')).toContainText(en.common.offline)
  await page.getByRole('button', { name: en.settings.hubTest }).click()
  await expect(page.getByText(`http://hub.invalid: ${en.settings.hubSilent}`)).toBeVisible()
  const log = page.getByRole('table', { name: en.settings.log })
  await page.getByRole('button', { name: en.common.retry }).click()
  await expect(log).toContainText('GET http://hub.invalid/')
  await expect(log.getByRole('row').nth(1)).toContainText('offline')

  await openPage(page, 'discover')
  await expect(page.getByText(en.discover.hubOffline)).toBeVisible()
  await page.getByRole('button', { name: en.discover.goOnline }).click()
  await expect(page.locator('.side')).not.toContainText(en.common.offline)
  await ask(page, 'app/setSettings', { endpoint: null, theme: 'system', language: null })

  await openPage(page, 'settings')
  const reserve = page.getByRole('textbox', { name: en.settings.reserve })
  await reserve.fill('-1')
  await expect(page.getByText(en.settings.range)).toBeVisible()
  await reserve.fill('2.5')
  await reserve.press('Enter')
  await expect.poll(async () => (await ask<{ reserveBytes: number }>(page, 'app/settings')).reserveBytes).toBe(2.5 * GiB)
  await reserve.fill('')
  await reserve.press('Enter')
  await expect.poll(async () => (await ask<{ reserveBytes: number | null }>(page, 'app/settings')).reserveBytes).toBeNull()
})

test('a newer catalogue is fetched when it is asked for, and given back', async () => {
  const { page } = snug
  const updated = new Date().toISOString().slice(0, 10)
  const catalogue = JSON.parse(readFileSync(join(checkout, 'resources', 'catalog.json'), 'utf8')) as { entries: unknown[] }
  const server = http.createServer((request, response) => {
    response.end(
      request.url === '/newer.json' ? JSON.stringify({ ...catalogue, updated, entries: catalogue.entries.slice(0, 3) }) : '<html>',
    )
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  try {
    await openPage(page, 'settings')
    const section = page.getByRole('region', { name: en.settings.catalogue })
    await expect(section).toContainText(en.settings.catalogueShipped)
    const address = section.getByRole('textbox', { name: en.settings.catalogueAddress })
    const update = section.getByRole('button', { name: en.settings.catalogueUpdate })
    await expect(update).toBeDisabled()
    await address.fill(`${origin}/page.html`)
    await update.click()
    await expect(section).toContainText(en.errors['catalog/refused'].title)
    await address.fill(`${origin}/newer.json`)
    await address.press('Enter')
    await expect(section).toContainText(en.settings.catalogueDone({ updated, models: 3 }))
    await openPage(page, 'discover')
    await expect(page.getByText(en.discover.count({ count: 3 }))).toBeVisible()
    await openPage(page, 'settings')
    await section.getByRole('button', { name: en.settings.catalogueBack }).click()
    await expect(section).toContainText(en.settings.catalogueShipped)
  } finally {
    server.close()
  }
})

test('the keyboard reaches every page', async () => {
  const { page } = snug
  await newChat(page)
  const places: PageName[] = ['chat', 'discover', 'library', 'planner', 'machine']
  for (const [index, name] of [...places.entries()].toReversed()) {
    await page.keyboard.press(`Control+${index + 1}`)
    await expect(page.getByRole('navigation', { name: en.common.places }).getByRole('link', { name: en.common[name] })).toHaveAttribute(
      'aria-current',
      'page',
    )
  }
  await page.keyboard.press('Control+,')
  await expect(page.getByRole('heading', { level: 1, name: en.common.settings })).toBeVisible()
  await page.keyboard.press('Control+/')
  const dialog = page.getByRole('dialog', { name: en.common.keys.title })
  await expect(dialog).toContainText('Ctrl 1 … 5')
  await page.keyboard.press('Escape')
  await expect(dialog).toHaveCount(0)
  await page.keyboard.press('Control+b')
  await expect(page.locator('.side')).toBeHidden()
  await page.keyboard.press('Control+b')
  await expect(page.locator('.side')).toBeVisible()
  await page.keyboard.press('Control+k')
  await expect(page.getByRole('searchbox', { name: en.common.searchChats })).toBeFocused()
  await page.keyboard.press('Control+m')
  await expect(page.getByRole('list', { name: en.library.pickerTitle })).toBeVisible()
  await page.keyboard.press('Escape')
})

test('a small or zoomed window: the sidebar lies over the page when it is asked for, and nothing is cut off', async () => {
  const { page, app } = snug
  const resize = (width: number, height: number) =>
    app.evaluate(({ BrowserWindow }, [w, h]) => BrowserWindow.getAllWindows()[0]?.setContentSize(w, h), [width, height] as const)
  await resize(760, 560)
  const side = page.locator('.side')
  await expect(side).toBeHidden()
  for (const name of ['chat', 'discover', 'library', 'planner', 'machine', 'settings'] as const) {
    await openPage(page, name)
    const cut = await page.evaluate(() =>
      [...document.querySelectorAll('.main button, .main input, .main select')]
        .filter((element) => {
          const { left, right, width } = element.getBoundingClientRect()
          return width > 0 && !element.classList.contains('vh') && (left < 0 || right > innerWidth)
        })
        .map((element) => element.outerHTML.slice(0, 120)),
    )
    expect({ name, cut }).toEqual({ name, cut: [] })
  }
  await page.getByRole('button', { name: en.menu.sidebar }).click()
  await expect(side).toBeVisible()
  await side.getByRole('link', { name: en.common.library }).click()
  await expect(page.getByRole('heading', { level: 1, name: en.common.library })).toBeVisible()
  await expect(side).toBeHidden()
  await page.keyboard.press('Control+k')
  await expect(page.getByRole('searchbox', { name: en.common.searchChats })).toBeFocused()
  await page.keyboard.press('Escape')
  await expect(side).toBeHidden()
  await resize(1_280, 820)
  await expect(side).toBeVisible()
})

test('no page has a serious fault of accessibility, in either theme', async () => {
  const { page } = snug
  const faults: string[] = []
  const look = async (where: string) => {
    const { violations } = await new AxeBuilder({ page }).setLegacyMode().analyze()
    for (const { id, impact, nodes } of violations)
      if (impact === 'serious' || impact === 'critical')
        faults.push(`${where}: ${id}: ${nodes.map((node) => `${node.target.join(' ')} ${node.failureSummary ?? ''}`).join('; ')}`)
  }
  for (const theme of ['light', 'dark'] as const) {
    await ask(page, 'app/setSettings', { theme })
    await expect(page.locator('html')).toHaveAttribute('data-theme', theme)
    await page.evaluate(() => {
      location.hash = '/welcome'
    })
    await expect(page.getByTestId('choice-best').getByRole('button').first()).toBeVisible()
    await look(`welcome ${theme}`)
    for (const name of ['chat', 'discover', 'library', 'planner', 'machine', 'settings'] as const) {
      await openPage(page, name)
      if (name === 'discover') {
        const row = page.getByTestId('model-row').nth(1)
        await row.getByRole('button', { name: /^Quantizations of / }).click()
        await expect(row.getByTestId('quantization-row').first()).toBeVisible()
        await row
          .getByRole('button', { name: /show the arithmetic$/ })
          .first()
          .click()
        await expect(page.locator('.sums')).toBeVisible()
      }
      if (name === 'library') await expect(page.getByTestId('library-row').first()).toBeVisible()
      await look(`${name} ${theme}`)
      if (name === 'discover') await page.keyboard.press('Escape')
    }
  }
  await ask(page, 'app/setSettings', { theme: 'system' })
  expect(faults).toEqual([])
})

test('the speed of this machine: measured on demand with progress, and cancelled without a trace', async () => {
  const { page } = snug
  await openPage(page, 'machine')
  const card = page.getByTestId('speed')
  await expect(card).toContainText(en.machine.speedNone)
  await card.getByRole('button', { name: en.machine.speedMeasure }).click()
  await expect(card.getByRole('progressbar')).toBeVisible()
  await expect(card.getByRole('status')).toContainText('left')
  await card.getByRole('button', { name: en.common.cancel }).click()
  await expect(card.getByRole('button', { name: en.machine.speedMeasure })).toBeVisible()
  await expect(card).toContainText(en.machine.speedNone)
  await expect(card.getByRole('alert')).toHaveCount(0)

  // While it was never measured, Discover offers it: started and cancelled there, and declined for good.
  await openPage(page, 'discover')
  const offer = page.getByTestId('speed-offer')
  await offer.getByRole('button', { name: en.machine.speedMeasure }).click()
  await expect(offer.getByRole('progressbar')).toBeVisible()
  await offer.getByRole('button', { name: en.common.cancel }).click()
  await expect(offer).toContainText(en.machine.speedOffer)
  await offer.getByRole('button', { name: en.machine.speedOfferDecline }).click()
  await expect(offer).toHaveCount(0)
  expect(await ask(page, 'app/settings')).toMatchObject({ speedOfferDeclined: true })
})
