import { expect, test } from '@playwright/test'
import { messages } from '../src/shared/i18n'
import { hubEnv, gatedRepository, scriptedRepository, startTestHub } from './fixtures/hub'
import type { RunningHub } from './fixtures/hubServer'
import { mark, payloads } from './fixtures/hostileText'
import { type Launched, launchSnug } from './fixtures/launch'
import { en } from './fixtures/models'
import { openRepository } from './fixtures/pages'
import { ask } from './fixtures/rpc'

const zh = messages('zh-CN')
const hostile = [
  '---',
  'license: mit',
  '---',
  '# A hostile card',
  '**Bold** words, a [link](https://example.com/terms), a [file](LICENSE) and ![a picture](https://example.com/logo.png).',
  ...payloads,
  '['.repeat(3_000),
  '`a'.repeat(9_000),
  `${'> '.repeat(5_000)}deep`,
  'The end of the card.',
].join('\n\n')

let hub: RunningHub
let snug: Launched
test.beforeAll(async () => {
  const cards = {
    [scriptedRepository]: Buffer.concat([Buffer.from(hostile), Buffer.from([0xff, 0xfe, 0x00])]),
    [gatedRepository]: Buffer.from('# Ein Modell\n'.repeat(40_000)),
  }
  const deep = { 'deep-Q4_K_M.gguf': Buffer.alloc(1_000), 'README.md': Buffer.from(`${'<div>'.repeat(10_000)}<script>${mark}</script>`) }
  hub = await startTestHub({ cards, repositories: { 'maker/deep-GGUF': { files: deep } } })
  snug = await launchSnug({ env: hubEnv(hub.endpoint) })
})
test.afterAll(async () => {
  expect(await snug.close()).toBe(true)
  await hub.close()
})

test('the card is asked for on a click and shown as text: nothing in it runs, loads or opens', async () => {
  const { page, app } = snug
  const asked: string[] = []
  page.on('request', (request) => asked.push(request.url()))
  await openRepository(page, scriptedRepository)
  expect(hub.requests.filter(({ path }) => path.includes('README'))).toEqual([])
  await page.getByRole('button', { name: en.discover.card }).click()
  const card = page.getByTestId('model-card')
  await expect(card.getByRole('heading', { name: 'A hostile card' })).toBeVisible()
  await expect(card).toContainText('The end of the card.')
  await expect(card).not.toContainText('license: mit')
  await expect(card).toContainText(en.discover.cardHint)
  await expect(card).toContainText(en.chat.imageNotLoaded({ alt: 'a picture' }))
  expect(hub.requests.filter(({ path }) => path.endsWith(`${hub.commit(scriptedRepository)}/README.md`))).toHaveLength(1)

  // No code ran, nothing came from elsewhere, and no element that could is there.
  expect(await page.evaluate((name) => Boolean(Reflect.get(window, name)), mark.slice('window.'.length, mark.indexOf('=')))).toBe(false)
  expect(asked.filter((url) => !url.startsWith('snug:') && !url.startsWith('blob:') && !url.startsWith('data:'))).toEqual([])
  // A box of a task list is the one input that Markdown itself has.
  const active = card.locator(
    'script, iframe, object, embed, form, input:not([type=checkbox][disabled]), img, video, style, link, base, meta',
  )
  expect(await active.evaluateAll((found) => found.map((element) => element.outerHTML))).toEqual([])
  for (const href of await card.locator('a').evaluateAll((links) => links.map((link) => link.getAttribute('href') ?? '')))
    expect(href).toMatch(/^https?:\/\//)

  // A link is shown whole and asked about first.
  await app.evaluate(({ dialog, shell }) => {
    const seen: string[] = []
    Object.assign(globalThis, { cardLinks: seen })
    dialog.showMessageBox = (...args: unknown[]) => {
      seen.push(`asked ${(args.at(-1) as { detail?: string }).detail ?? ''}`)
      return Promise.resolve({ response: 1, checkboxChecked: false })
    }
    shell.openExternal = (url) => {
      seen.push(`opened ${url}`)
      return Promise.resolve()
    }
  })
  const links = () => app.evaluate(() => (globalThis as { cardLinks?: string[] }).cardLinks)
  await card.getByRole('link', { name: 'link', exact: true }).click()
  await expect.poll(links).toEqual(['asked https://example.com/terms'])
  await page.getByRole('button', { name: en.discover.openRepository }).click()
  await expect.poll(links).toEqual(['asked https://example.com/terms', `asked ${hub.endpoint}/${scriptedRepository}`])

  await page.getByRole('button', { name: en.discover.card }).click()
  await expect(card).toHaveCount(0)
})

test('what cannot be drawn is shown as it is written', async () => {
  const { page } = snug
  await openRepository(page, 'maker/deep-GGUF')
  await page.getByRole('button', { name: en.discover.card }).click()
  await expect(page.getByTestId('model-card')).toContainText(`<script>${mark}</script>`)
  await page.getByRole('button', { name: en.discover.card }).click()
})

test('a card without end is cut; what is behind an agreement says so before it is downloaded, in Chinese as well', async () => {
  const { page } = snug
  await openRepository(page, gatedRepository)
  const files = page.getByTestId('repository-files')
  await expect(files).toContainText(en.discover.gated)
  // Its card is behind the agreement, too: said in place.
  await page.getByRole('button', { name: en.discover.card }).click()
  await expect(page.getByTestId('model-card').getByRole('alert')).toContainText(en.errors['hub/gated'].title)
  await ask(page, 'app/setSettings', { language: 'zh-CN' })
  await expect(files).toContainText(zh.discover.gated)
  await expect(page.getByRole('button', { name: zh.discover.card })).toHaveAttribute('aria-expanded', 'true')
  await ask(page, 'app/setSettings', { language: 'en' })
})
