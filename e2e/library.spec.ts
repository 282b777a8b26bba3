import { mkdirSync, renameSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Locator, expect, test } from '@playwright/test'
import { writeScriptedModel } from '../src/engine/scriptedModel'
import { formatBytes } from '../src/shared/domain/format'
import type { LibraryModel } from '../src/shared/domain/library'
import { type Launched, freshCache, freshFolder, launchSnug } from './fixtures/launch'
import { type RunningHub, startHub } from './fixtures/hubServer'
import { en } from './fixtures/models'
import { openPage } from './fixtures/pages'
import { ask } from './fixtures/rpc'

/** Each name is a file of a scripted model; what they say is the same, what they are called is not. */
const folder = freshFolder('我的 模型 folder')
const inside = (name: string) => join(folder, name)
const rows = () => snug.page.getByTestId('library-row')
const row = (name: string): Locator => rows().filter({ hasText: name })
const models = () => ask<LibraryModel[]>(snug.page, 'library/list')

let snug: Launched
let cache: string
let hub: RunningHub

/** Old enough that a look at its folder takes it at once. */
async function put(path: string, content?: Buffer): Promise<number> {
  const bytes = content === undefined ? (await writeScriptedModel(path)).bytes : content.length
  if (content !== undefined) writeFileSync(path, content)
  const old = new Date(Date.now() - 60_000)
  utimesSync(path, old, old)
  return bytes
}

/** The next file or folder dialog is answered with these. */
const answerDialog = (paths: string[]) =>
  snug.app.evaluate(({ dialog }, filePaths) => {
    dialog.showOpenDialog = () => Promise.resolve({ canceled: filePaths.length === 0, filePaths })
  }, paths)

/** The person comes back from the file manager. */
const comeBack = () => snug.app.evaluate(({ app }) => app.emit('browser-window-focus'))

async function menu(name: string, entry: string): Promise<void> {
  await row(name)
    .getByRole('button', { name: /^More: / })
    .click()
  await snug.page.getByRole('menuitem', { name: entry }).click()
}

test.describe.configure({ mode: 'serial' })

test.beforeAll(async () => {
  cache = freshFolder('huggingface 缓存')
  const repository = join(cache, 'models--snug-test--scripted-GGUF')
  const snapshot = join(repository, 'snapshots', '0123456789abcdef0123456789abcdef01234567')
  mkdirSync(join(repository, 'blobs'), { recursive: true })
  mkdirSync(snapshot, { recursive: true })
  await put(join(repository, 'blobs', 'a'.repeat(64)))
  symlinkSync(join('..', '..', 'blobs', 'a'.repeat(64)), join(snapshot, 'hub-F32.gguf'))
  // A locale that is installed everywhere: without one, the protocol that makes the drop below turns Chinese letters into nothing.
  const env = { HOME: freshFolder('home'), HF_HUB_CACHE: cache, LC_ALL: 'C.UTF-8' }
  const newer = join(freshFolder('newer'), 'hub-F32.gguf')
  await writeScriptedModel(newer, { words: 7 })
  hub = await startHub({ repositories: { 'snug-test/scripted-GGUF': { files: { 'hub-F32.gguf': newer } } } })
  snug = await launchSnug({ cacheDir: freshCache(false), env: { ...env, HF_ENDPOINT: hub.endpoint } })
})
test.afterAll(async () => {
  expect(await snug.close()).toBe(true)
  await hub.close()
})

test('the models of another program are found at the first start and read where they lie', async () => {
  const { page } = snug
  const choice = page.getByTestId('choice-disk')
  await expect(choice).toContainText(en.welcome.source.huggingface)
  // A file out of another program, which has no path: the page is ready for it here, too, and no more once it is dropped.
  const drag = (type: 'dragover' | 'drop') =>
    page.evaluate((name) => {
      const dataTransfer = new DataTransfer()
      dataTransfer.items.add(new File(['x'], 'picture.png'))
      document.body.dispatchEvent(new DragEvent(name, { dataTransfer, bubbles: true, cancelable: true }))
    }, type)
  await drag('dragover')
  await expect(page.getByText(en.library.dropNow)).toBeVisible()
  await drag('drop')
  await expect(page.getByText(en.library.dropNow)).toHaveCount(0)
  await choice.getByRole('button', { name: en.welcome.use({ source: en.welcome.source.huggingface }) }).click()
  await expect(choice).toContainText(en.welcome.used)
  await openPage(page, 'library')
  await expect(rows()).toHaveCount(1)
  await expect(rows()).toContainText(en.library.inPlace)
  await expect(rows()).toContainText(en.common.demonstrationScripted)
  const [model] = await models()
  expect(model?.path.startsWith(cache)).toBe(true)
  await expect(page.getByRole('region', { name: en.library.watched })).toContainText(cache)
})

test('a folder is watched: what is in it, what is damaged, what comes later', async () => {
  const { page } = snug
  await put(inside('第一 model.gguf'))
  await put(inside('broken.gguf'), Buffer.from('GGUF this is none'))
  await answerDialog([folder])
  await page.getByRole('button', { name: en.library.addFolder }).click()
  await expect(rows()).toHaveCount(3)
  await expect(row('broken')).toHaveAttribute('data-state', 'damaged')
  await expect(row('broken').getByRole('alert')).toContainText(en.errors['model/corrupt-file'].title)
  await expect(row('broken').getByRole('button', { name: /^Load and chat/ })).toBeDisabled()
  await put(inside('后来.gguf'))
  await comeBack()
  await expect(rows()).toHaveCount(4)
  expect((await models()).map(({ fileName }) => fileName)).toEqual(expect.arrayContaining(['第一 model.gguf', '后来.gguf', 'broken.gguf']))
})

test('what is chosen in the dialog and is no model is refused by its name', async () => {
  const { page } = snug
  const path = join(freshFolder('chosen'), 'notes 笔记.txt')
  writeFileSync(path, 'no model')
  await answerDialog([path])
  await page.getByRole('button', { name: en.library.addFile }).click()
  await expect(page.getByText(en.library.refused({ name: 'notes 笔记.txt', reason: en.errors['model/corrupt-file'].title }))).toBeVisible()
  await expect(rows()).toHaveCount(4)
})

test('a file that is gone is missing, not forgotten, and comes back', async () => {
  const { page } = snug
  const name = '后来.gguf'
  const state = async () => (await models()).find(({ fileName }) => fileName === name)?.state
  renameSync(inside(name), inside('away'))
  await comeBack()
  await expect.poll(state).toBe('missing')
  const missing = page.locator('[data-testid=library-row][data-state=missing]')
  await expect(missing).toContainText(en.library.missingHint({ path: inside(name) }))
  await expect(page.getByRole('region', { name: en.library.models, exact: true })).toContainText(en.library.missingCount({ count: 1 }))
  renameSync(inside('away'), inside(name))
  await comeBack()
  await expect(missing).toHaveCount(0)
  expect(await state()).toBe('own')
})

test('a file that is dropped on the window is added, and what is no model is refused by its name', async () => {
  const { page } = snug
  const path = join(freshFolder('dropped 拖放'), '拖来的 one.gguf')
  await put(path)
  await openPage(page, 'chat')
  const session = await page.context().newCDPSession(page)
  const layer = page.getByText(en.library.dropNow)
  // A real drag and drop for page and preload. The drop follows its drag without a pause: in between, a look at the page ends the drag.
  const drag = async (file: string, ...types: ('dragEnter' | 'dragOver' | 'drop')[]) => {
    const data = { items: [], files: [file], dragOperationsMask: 1 }
    for (const type of types) await session.send('Input.dispatchDragEvent', { type, x: 500, y: 300, data })
  }
  const dropped = async (file: string, answer: string) => {
    await drag(file, 'dragEnter', 'dragOver')
    await expect(layer).toBeVisible()
    await expect(async () => {
      await drag(file, 'dragEnter', 'dragOver', 'dragOver', 'drop')
      await expect(page.getByText(answer).first()).toBeVisible({ timeout: 3_000 })
    }).toPass({ timeout: 30_000 })
  }
  await expect(layer).toHaveCount(0)
  await dropped(path, en.library.added({ count: 1 }))
  await expect(layer).toHaveCount(0)
  expect((await models()).map((model) => model.path)).toContain(path)

  const other = join(freshFolder('dropped other'), '照片 holiday.jpg')
  writeFileSync(other, 'no model')
  await dropped(other, en.library.refused({ name: '照片 holiday.jpg', reason: en.errors['model/corrupt-file'].title }))
  await expect(layer).toHaveCount(0)
  await openPage(page, 'library')
  await expect(rows()).toHaveCount(5)
})

test('settings are kept for one model, count at its next load, and can be taken back', async () => {
  const { page } = snug
  const words = en.library.preset
  const id = (await models()).find(({ fileName }) => fileName === '第一 model.gguf')?.id ?? ''
  const place = (await models()).findIndex((model) => model.id === id)
  await rows()
    .nth(place)
    .getByRole('button', { name: /^More: / })
    .click()
  await page.getByRole('menuitem', { name: words.open }).click()
  const dialog = page.getByTestId('preset')
  await dialog.getByLabel(words.contextSize).fill('99999999')
  await expect(dialog).toContainText(words.outOfRange)
  await dialog.getByLabel(words.contextSize).fill('1024')
  await dialog.getByLabel(words.threads, { exact: false }).fill('1')
  await dialog.getByLabel(en.chat.temperature.name).fill('0.25')
  await dialog.getByLabel(en.chat.temperature.name).press('Enter')
  await dialog.getByLabel(words.kvCacheType).selectOption('q8_0')
  const kept = async () => (await models()).find((model) => model.id === id)?.preset ?? null
  await expect.poll(kept).toMatchObject({ load: { contextSize: 1024, threads: 1, kvCacheType: 'q8_0' }, sampling: { temperature: 0.25 } })
  await expect(rows().nth(place)).toContainText(words.kept)
  await ask(page, 'engine/load', { modelId: id })
  await expect(dialog.getByRole('button', { name: words.loadAgain })).toBeVisible()
  await page.keyboard.press('Escape')
  await openPage(page, 'chat')
  await expect(page.getByRole('button', { name: new RegExp(`^${en.chat.temperature.name}: `) })).toContainText('0.25')
  await openPage(page, 'library')
  await rows()
    .nth(place)
    .getByRole('button', { name: /^More: / })
    .click()
  await page.getByRole('menuitem', { name: words.open }).click()
  await dialog.getByRole('button', { name: words.reset }).click()
  await expect.poll(kept).toBeNull()
  await page.keyboard.press('Escape')
  await ask(page, 'engine/unload')
})

test('copies are found by hash, every byte is read again, and a model moves to another folder', async () => {
  const { page } = snug
  const words = en.library.care
  const work = (kind: string) => page.locator(`[data-testid=library-work][data-kind=${kind}]`)
  await page.getByRole('button', { name: words.compare }).click()
  await expect(work('compare')).toHaveAttribute('data-state', 'done')
  // All of these files hold the same script, whatever they are called.
  await expect(rows().filter({ hasText: /The same file as .*could be freed/ })).not.toHaveCount(0)
  const copies = (await models()).filter(({ sameAs }) => (sameAs?.length ?? 0) > 0)
  expect(copies.length).toBeGreaterThanOrEqual(3)
  await expect(work('compare')).toContainText('could be freed')
  await work('compare').getByRole('button', { name: words.dismiss }).click()
  await expect(work('compare')).toHaveCount(0)

  await page.screenshot({ path: 'e2e/out/library-copies.png' })
  const target = copies.find(({ fileName }) => fileName === '后来.gguf')
  if (target === undefined) throw new Error('the model is not there')
  const place = (await models()).findIndex(({ id }) => id === target.id)
  const choose = async (entry: string) => {
    await rows()
      .nth(place)
      .getByRole('button', { name: /^More: / })
      .click()
    await page.getByRole('menuitem', { name: entry }).click()
  }
  await choose(words.verify)
  await expect(work('verify')).toHaveAttribute('data-outcome', 'same')
  await expect(work('verify')).toContainText(words.outcome.same)
  await work('verify').getByRole('button', { name: words.dismiss }).click()

  const folder = freshFolder('moved 移动')
  await answerDialog([])
  await choose(words.move)
  await expect(work('move')).toHaveCount(0)
  await answerDialog([folder])
  await choose(words.move)
  await expect(work('move')).toHaveAttribute('data-outcome', 'moved')
  const path = async () => (await models()).find(({ id }) => id === target.id)?.path
  expect(await path()).toBe(join(folder, '后来.gguf'))
  await work('move').getByRole('button', { name: words.dismiss }).click()
  // Back, where the tests that follow look for it.
  await answerDialog([dirname(target.path)])
  await choose(words.move)
  await expect.poll(path).toBe(target.path)
  await work('move').getByRole('button', { name: words.dismiss }).click()
})

test('the hub is asked for newer files only when the person asks', async () => {
  const { page } = snug
  const words = en.library.care
  expect(hub.stats.apiRequests).toBe(0)
  await page.getByRole('button', { name: words.checkUpdates }).click()
  await expect(page.getByTestId('updates')).toContainText(words.updates({ count: 1 }))
  expect(hub.stats.apiRequests).toBeGreaterThan(0)
  const updated = rows().filter({ hasText: 'snug-test/scripted-GGUF has another file of this name' })
  await expect(updated).toHaveCount(1)
  await expect(updated.getByRole('button', { name: words.download })).toBeVisible()
})

test('each folder shows what its models take and what its disk has left', async () => {
  const bars = snug.page.getByTestId('folder-space')
  await expect(bars).toHaveCount(2)
  await expect(bars.nth(1)).toContainText(/models?, .* free/)
  await snug.page.screenshot({ path: 'e2e/out/library-space.png', fullPage: true })
})

test('a row is taken off the list, and its file stays', async () => {
  await menu('broken', en.library.forget)
  await expect(row('broken')).toHaveCount(0)
  await comeBack()
  await expect(rows()).toHaveCount(4)
})

test('the trash is asked for with name, path and size, and only the person decides', async () => {
  const { page, app } = snug
  const target = (await models()).find(({ fileName }) => fileName === '第一 model.gguf')
  if (target === undefined) throw new Error('the model is not there')
  await app.evaluate(({ dialog, shell }) => {
    const seen: { detail: string; trashed: string[]; answer: number } = { detail: '', trashed: [], answer: 1 }
    Object.assign(globalThis, { seen })
    Object.assign(dialog, {
      showMessageBox: (_window: unknown, options: { message: string; detail: string }) => {
        seen.detail = `${options.message}\n${options.detail}`
        return Promise.resolve({ response: seen.answer, checkboxChecked: false })
      },
    })
    shell.trashItem = (path) => {
      seen.trashed.push(path)
      return Promise.resolve()
    }
  })
  const seen = () => app.evaluate(() => (globalThis as unknown as { seen: { detail: string; trashed: string[] } }).seen)
  const answer = (value: number) =>
    app.evaluate((_electron, to) => {
      ;(globalThis as unknown as { seen: { answer: number } }).seen.answer = to
    }, value)
  const place = (await models()).findIndex(({ id }) => id === target.id)
  const trash = async () => {
    await rows()
      .nth(place)
      .getByRole('button', { name: /^More: / })
      .click()
    await page.getByRole('menuitem', { name: en.library.trash }).click()
  }
  await trash()
  await expect.poll(async () => (await seen()).detail).toContain(target.path)
  expect((await seen()).detail).toContain(target.name)
  expect((await seen()).detail).toContain(formatBytes(target.sizeBytes, 'en'))
  expect((await seen()).trashed).toEqual([])
  await expect(rows()).toHaveCount(4)

  await answer(0)
  await trash()
  await expect(rows()).toHaveCount(3)
  expect((await seen()).trashed).toEqual([target.path])
})

test('a search finds a model by its name or its file, and a folder is no longer watched', async () => {
  const { page } = snug
  const search = page.getByRole('searchbox', { name: en.library.search })
  await search.fill('拖来的')
  await expect(rows()).toHaveCount(1)
  await search.fill('nothing of that name')
  await page.getByRole('button', { name: en.library.clearSearch }).click()
  await expect(rows()).toHaveCount(3)
  await page.getByRole('button', { name: `${en.library.stopWatching}: ${folder}` }).click()
  await expect(rows()).toHaveCount(2)
})
