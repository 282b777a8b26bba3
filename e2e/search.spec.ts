import { type Page, expect, test } from '@playwright/test'
import { messages } from '../src/shared/i18n'
import { hubEnv, scriptedFile, scriptedRepository, startTestHub } from './fixtures/hub'
import type { RunningHub } from './fixtures/hubServer'
import { type Launched, launchSnug } from './fixtures/launch'
import { en, lastAnswer, send } from './fixtures/models'
import { openPage } from './fixtures/pages'
import { ask, beginChat } from './fixtures/rpc'

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
  snug = await launchSnug({ env: { ...hubEnv(hub.endpoint), MODELSCOPE_DOMAIN: hub.endpoint } })
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

  // The same words elsewhere, by keyboard; what is found there opens there.
  const places = page.getByRole('radiogroup', { name: en.discover.searchAt })
  await places.getByRole('radio', { checked: true }).press('ArrowRight')
  await expect(places.getByRole('radio', { name: 'ModelScope' })).toBeFocused()
  await expect(found).toHaveAccessibleName(en.discover.hitsModelScope({ query: 'shelf' }))
  await page.getByRole('combobox', { name: en.discover.language }).selectOption('')
  await found.locator('[data-repository="ms:shelf/late-3B-GGUF"]').getByRole('button', { name: en.discover.showFiles }).click()
  await expect(page.getByTestId('repository-files')).toHaveAccessibleName(en.discover.filesOf({ repository: 'ms:shelf/late-3B-GGUF' }))
  // A name is looked for there too. It is graded as a row of the catalogue, but nobody rated it.
  await field.fill(scriptedRepository)
  await field.press('Enter')
  await expect(page.getByTestId('repository-files')).toHaveAccessibleName(en.discover.filesOf({ repository: `ms:${scriptedRepository}` }))
  const file = page.getByTestId('repository-files').getByTestId('quantization-row')
  await expect(page.getByTestId('repository-files')).toContainText(en.discover.notRated)
  await expect(file.locator('.outcome')).toContainText(new RegExp([en.common.fast, en.common.comfortable, en.common.slow].join('|')))
  await places.getByRole('radio', { checked: true }).press('ArrowLeft')
  await expect(places.getByRole('radio', { name: 'ModelScope' })).not.toBeChecked()

  // The catalogue below obeys as well, and says which filter hides all of it.
  await page.getByRole('combobox', { name: en.discover.language }).selectOption('')
  await field.fill('llama 3')
  await expect(page.getByTestId('model-row')).toHaveCount(0)
  await page.getByRole('button', { name: en.discover.clearFilter({ filter: en.discover.licences.permissive }) }).click()
  await expect(page.getByTestId('model-row').first()).toContainText('Llama')

  // A rating names its test and date behind the click, and where it was published.
  await field.fill('qwen3.5 4b')
  await page.getByRole('button', { name: en.discover.use.reasoning, exact: true }).click()
  await page
    .getByTestId('model-row')
    .getByRole('button', { name: /^Qwen3.5 4B takes / })
    .click()
  const source = page.getByTestId('rating').getByRole('button', { name: en.discover.ratedAt({ host: 'huggingface.co' }) })
  await expect(source).toHaveAttribute('title', 'https://huggingface.co/Qwen/Qwen3.5-4B')
  await page.keyboard.press('Escape')

  await ask(page, 'app/setSettings', { language: 'zh-CN' })
  await expect(page.getByRole('combobox', { name: zh.discover.language })).toContainText('中文')
  await expect(page.getByRole('combobox', { name: zh.discover.licence })).toBeVisible()
  await ask(page, 'app/setSettings', { language: 'en' })
})

test('a pasted address: its one file with its verdict, then download, load and chat; any other says what is wrong and what to do', async () => {
  const { app, page } = snug
  await openPage(page, 'discover')
  const field = page.getByRole('searchbox', { name: en.discover.searchLabel })
  const panel = page.getByTestId('address-file')
  const show = async (text: string) => {
    await field.fill(text)
    await field.press('Enter')
  }
  const { trouble, trust } = en.discover.address
  const plain = (name: string) => `${hub.endpoint}/plain/${name}`
  hub.faults.add({ at: 'api', do: 'html', path: 'page.gguf' })
  for (const [address, words] of [
    [plain('none.gguf'), trouble.missing],
    [plain('page.gguf'), trouble.webPage],
    [plain('a-Q4_K_M.gguf'), trouble.noGguf],
    ['http://127.0.0.1:9/x.gguf', trouble.silent],
    ['https://models.example/about', trouble.noModel],
  ] as const) {
    await show(address)
    await expect(panel.getByRole('alert')).toContainText(words.title)
    await expect(panel.getByRole('alert')).toContainText(words.action)
  }
  await ask(page, 'app/setSettings', { offline: true })
  await show('https://models.example/x.gguf')
  await expect(panel.getByRole('alert')).toContainText(en.errors['network/offline'].title)
  await expect(panel.getByRole('button', { name: en.discover.goOnline })).toBeVisible()

  // The page of a file at the hub: there a hash is told.
  await show(`${hub.endpoint}/${scriptedRepository}/blob/main/${scriptedFile}`)
  await expect(panel.getByTestId('address-trust')).toHaveText(trust.sha256({ source: new URL(hub.endpoint).host }))
  await ask(page, 'app/setSettings', { offline: false })

  // Pasted, it is shown without another key, and hides nothing of the catalogue.
  await app.evaluate(({ clipboard }, text) => clipboard.writeText(text), plain(scriptedFile))
  await field.fill('')
  await field.press('Control+V')
  const facts = panel.getByTestId('address-facts')
  await expect(facts).toContainText('F32')
  await expect(facts).toContainText(scriptedFile)
  await expect(panel).toContainText(en.common.level['dry-run'])
  await expect(panel.getByRole('img')).toHaveAccessibleName(new RegExp(en.common.cpuOnly))
  await expect(panel.getByTestId('address-trust')).toContainText(trust.unknown)
  expect(await page.getByTestId('model-row').count()).toBeGreaterThan(3)
  await ask(page, 'app/setSettings', { language: 'zh-CN' })
  await expect(panel.getByTestId('address-trust')).toContainText(zh.discover.address.trust.unknown)
  await ask(page, 'app/setSettings', { language: 'en' })

  await panel.getByRole('button', { name: /^Download (?!and )/ }).click()
  await panel.getByRole('button', { name: /^Load and chat: / }).click({ timeout: 60_000 })
  await expect(page.getByTestId('model-button')).toHaveAttribute('data-state', 'ready', { timeout: 60_000 })
  await send(page, 'Which side does the coin show?')
  expect(await lastAnswer(page)).not.toBe('')
})

test('words of messages are found in every chat and branch; a hit opens there', async () => {
  const { page } = snug
  const { id, messageId } = await beginChat(page, 'The lighthouse 旧灯塔 stands')
  // So long that its beginning is not drawn, and left for another branch.
  for (let index = 0; index < 120; index++)
    await ask(page, 'chat/add', { id, role: index % 2 ? 'user' : 'assistant', text: `word ${index}` })
  await ask(page, 'chat/edit', { id, messageId, text: 'The harbour', reply: false })
  await openPage(page, 'chat')
  const field = page.getByRole('searchbox', { name: en.common.searchChats })
  await field.fill('nothing like it')
  await expect(page.getByText(en.common.noChatFound)).toBeVisible()
  const hit = page.getByTestId('message-hit')
  await field.fill('灯塔')
  await expect(hit.locator('mark')).toHaveText(['灯塔'])
  await field.fill('stands light')
  await expect(hit.locator('mark')).toHaveText(['light', 'stands'])
  await expect(page.getByText(en.common.inMessages)).toBeVisible()
  await hit.focus()
  await page.keyboard.press('Enter')
  const message = page.getByTestId('message-user').filter({ hasText: 'lighthouse' })
  await expect(message).toBeFocused()
  await expect(message).toBeInViewport()
  await field.fill('')
  await expect(hit).toHaveCount(0)
})
