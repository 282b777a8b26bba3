import { type Page, expect, test } from '@playwright/test'
import { messages } from '../src/shared/i18n'
import { hubEnv, startTestHub } from './fixtures/hub'
import type { RunningHub } from './fixtures/hubServer'
import { type Launched, launchSnug } from './fixtures/launch'
import { en } from './fixtures/models'
import { openPage } from './fixtures/pages'
import { ask } from './fixtures/rpc'

const zh = messages('zh-CN')
const model = (more: object) => ({ files: { 'a-Q4_K_M.gguf': Buffer.alloc(1_000) }, ...more })

let hub: RunningHub
let snug: Launched
test.beforeAll(async () => {
  // One page of results holds two: what passes the filters lies on several.
  hub = await startTestHub({
    searchPageSize: 2,
    repositories: {
      'shelf/small-1B-GGUF': model({ downloads: 9, licence: 'mit', languages: ['zh', 'en'], parameters: 1_100_000_000 }),
      'shelf/large-900B-GGUF': model({ downloads: 8, licence: 'mit', languages: ['en'] }),
      'shelf/bound-2B-GGUF': model({ downloads: 7, licence: 'gemma', languages: ['en'], gated: true }),
      'shelf/silent-GGUF': model({ downloads: 6, licence: 'mit' }),
      'shelf/late-3B-GGUF': model({ downloads: 5, licence: 'apache-2.0', languages: ['zh'] }),
    },
  })
  snug = await launchSnug({ env: hubEnv(hub.endpoint) })
})
test.afterAll(async () => {
  expect(await snug.close()).toBe(true)
  await hub.close()
})

async function shows(page: Page, ...names: string[]): Promise<void> {
  const hits = page.getByTestId('hub-hit')
  await expect
    .poll(() => hits.evaluateAll((rows) => rows.map((row) => /shelf\/(\w+)/.exec(row.getAttribute('data-repository') ?? '')?.[1])))
    .toEqual(names)
}

test('a search of the hub is narrowed by size, machine, licence and language, as the catalogue is', async () => {
  const { page } = snug
  await openPage(page, 'discover')
  const field = page.getByRole('searchbox', { name: en.discover.searchLabel })
  await field.fill('shelf')
  await field.press('Enter')
  // Without a filter the first page of the hub, whatever it holds.
  await shows(page, 'small', 'large')
  const found = page.getByTestId('hub-hits')
  await expect(found.locator('[data-repository="shelf/small-1B-GGUF"]')).toContainText('1.1B')
  await expect(found.locator('[data-repository="shelf/large-900B-GGUF"]')).toContainText(en.common.willNotRun)

  const size = page.getByRole('group', { name: en.discover.sizeLabel })
  await size.getByRole('button', { name: new RegExp(en.common.sizeClass.light) }).click()
  await shows(page, 'small', 'bound', 'late')
  await expect(found).toContainText(en.discover.hitsUnknown({ count: 1 }))
  await expect(found.locator('[data-repository="shelf/bound-2B-GGUF"]')).toContainText(en.discover.gatedTag)
  await size.getByRole('button', { name: new RegExp(en.common.sizeClass.light) }).click()

  await page.getByRole('switch', { name: en.discover.fitsOnly }).click()
  await shows(page, 'small', 'bound', 'late')
  await page.getByRole('switch', { name: en.discover.fitsOnly }).click()

  const licence = page.getByRole('combobox', { name: en.discover.licence })
  await licence.selectOption('permissive')
  await shows(page, 'small', 'large', 'silent', 'late')
  await licence.selectOption('gemma')
  await shows(page, 'bound')
  await licence.selectOption('permissive')
  await page.getByRole('combobox', { name: en.discover.language }).selectOption({ label: 'Chinese' })
  await shows(page, 'small', 'late')

  // The catalogue below obeys as well, and says which filter hides all of it.
  await page.getByRole('combobox', { name: en.discover.language }).selectOption('')
  await field.fill('llama 3')
  await expect(page.getByTestId('model-row')).toHaveCount(0)
  await page.getByRole('button', { name: en.discover.clearFilter({ filter: en.discover.licences.permissive }) }).click()
  await expect(page.getByTestId('model-row').first()).toContainText('Llama')

  await ask(page, 'app/setSettings', { language: 'zh-CN' })
  await expect(page.getByRole('combobox', { name: zh.discover.language })).toContainText('中文')
  await expect(page.getByRole('combobox', { name: zh.discover.licence })).toBeVisible()
  await ask(page, 'app/setSettings', { language: 'en' })
})
