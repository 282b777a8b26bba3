import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Page, expect, test } from '@playwright/test'
import { writeScriptedModel } from '../src/engine/scriptedModel'
import type { Download, LibraryModel } from '../src/shared/domain/library'
import { startCli } from './fixtures/cli'
import { type Fault, cut, status } from './fixtures/hubFaults'
import { type RunningHub, startHub } from './fixtures/hubServer'
import { freshCache, freshFolder, launchSnug } from './fixtures/launch'
import { lastAnswer, newChat, send, useModel } from './fixtures/models'
import { canMountSmallDisk } from './fixtures/mounting'
import { openPage } from './fixtures/pages'
import { ask } from './fixtures/rpc'

/** Rows L1 to L7 and P3 of the fault matrix in the app. `docs/faults.md` says where else each is tested. */
const MB = 1_000_000
const folder = freshFolder('models')
const hashes = new Map<string, string>()
let hub: RunningHub

const hashOf = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex')
const nameOf = (index: number) => `kill-${index}-F32.gguf`
const repositoryOf = (index: number) => `maker/kill-${index}-GGUF`
const placed = (dataDir: string, index: number) => join(dataDir, 'models', ...repositoryOf(index).split('/'), nameOf(index))
const downloads = (page: Page) => ask<Download[]>(page, 'downloads/list')
const start = (page: Page, index: number) =>
  ask<{ id: string }>(page, 'downloads/start', { repository: repositoryOf(index), file: nameOf(index) })

/** 0 is the large one; the others end soon. All have other words, so other bytes. */
const small = 10
test.beforeAll(async () => {
  const repositories: Parameters<typeof startHub>[0]['repositories'] = {}
  for (let index = 0; index <= small; index++) {
    const path = join(folder, nameOf(index))
    await writeScriptedModel(path, { words: 20 + index, layers: index === 0 ? 4 : 2, feedForwardLength: index === 0 ? 3072 : 1024 })
    hashes.set(nameOf(index), hashOf(path))
    repositories[repositoryOf(index)] = { files: { [nameOf(index)]: path } }
  }
  hub = await startHub({ repositories })
})
test.afterEach(() => {
  hub.faults.clear()
  hub.requests.length = 0
  hub.stats.storageBytes = 0
})
test.afterAll(() => hub.close())

const options = (dataDir: string) => ({
  dataDir,
  cacheDir: freshCache(false),
  env: { HF_ENDPOINT: hub.endpoint, HF_HUB_CACHE: freshFolder('empty'), HOME: freshFolder('home') },
})

/** Every model that the app lists is verified, and is the file. */
async function expectNothingCorrupt(page: Page): Promise<number> {
  const models = await ask<LibraryModel[]>(page, 'library/list')
  for (const { path, fileName, state } of models)
    expect([fileName, state, hashOf(path)]).toEqual([fileName, 'verified', hashes.get(fileName)])
  return models.length
}

test('25 kills of the app, while bytes come and while the end is near: no corrupt model is ever listed', async () => {
  test.setTimeout(900_000)
  const dataDir = freshFolder()
  const launch = options(dataDir)
  const size = statSync(join(folder, nameOf(0))).size
  const random = 25 - small
  // So slow that even fifteen starts of the app on a busy machine do not bring the whole.
  hub.faults.add({ at: 'storage', do: 'throttle', bytesPerSecond: size / 150, times: 9_999 })
  for (let round = 0; round < random; round++) {
    const snug = await launchSnug(launch)
    if (round === 0) await start(snug.page, 0)
    await expectNothingCorrupt(snug.page)
    const had = hub.stats.storageBytes
    const moment = (size / (random + 1)) * (0.4 + Math.random() * 0.5)
    await expect.poll(() => hub.stats.storageBytes - had, { intervals: [20], timeout: 60_000 }).toBeGreaterThan(moment)
    process.kill(snug.pid, 'SIGKILL')
    await snug.close()
    expect(existsSync(placed(dataDir, 0))).toBe(false)
  }
  hub.faults.clear()
  let snug = await launchSnug(launch)
  for (let index = 1; index <= small; index++) {
    await expectNothingCorrupt(snug.page)
    const target = placed(dataDir, index)
    await start(snug.page, index)
    // From the first byte to the rename it takes some ten milliseconds: written, hashed, synced, named, listed.
    while (!existsSync(dirname(target)) || !readdirSync(dirname(target)).length) await sleep(1)
    await sleep(Math.random() * 60)
    process.kill(snug.pid, 'SIGKILL')
    await snug.close()
    if (existsSync(target)) expect(hashOf(target)).toBe(hashes.get(nameOf(index)))
    snug = await launchSnug(launch)
  }
  await expect.poll(async () => (await downloads(snug.page)).every(({ state }) => state === 'done'), { timeout: 60_000 }).toBe(true)
  expect(await expectNothingCorrupt(snug.page)).toBe(small + 1)
  for (let index = 0; index <= small; index++) expect(readdirSync(dirname(placed(dataDir, index)))).toEqual([nameOf(index)])
  // Each kill costs what was not synced, the blocks under way, and what lay in the sockets.
  expect(hub.stats.storageBytes).toBeLessThan(
    [...hashes.keys()].reduce((sum, name) => sum + statSync(join(folder, name)).size, 25 * 6 * MB),
  )
  expect(await snug.close()).toBe(true)
})

test('what a bad line does to a download in the app, and what will not get better', async () => {
  test.setTimeout(300_000)
  const dataDir = freshFolder()
  const snug = await launchSnug(options(dataDir))
  const { page } = snug
  const state = async (id: string) => (await downloads(page)).find((download) => download.id === id)
  const passing: Fault[] = [
    cut(),
    status('storage', 416),
    { at: 'storage', do: 'cut', afterBytes: 900_000, reset: true },
    status('resolve', 502),
    cut(),
    { at: 'resolve', do: 'html' },
    cut(),
    status('storage', 403),
    cut(),
    status('storage', 429, { 'Retry-After': '1' }),
    cut(),
    { at: 'storage', do: 'wrong-range', shift: -1_000 },
    cut(),
    { at: 'storage', do: 'wrong-total', by: 1 },
    cut(),
    { at: 'storage', do: 'length', by: 1 },
    cut(),
    { at: 'storage', do: 'gzip' },
    // The watchdog of the product waits for 30 s.
    { at: 'storage', do: 'stall', afterBytes: 400_000 },
    { at: 'storage', do: 'new-etag', etag: 'e'.repeat(64) },
  ]
  for (const fault of passing) hub.faults.add(fault)
  const { id } = await start(page, 0)
  await expect.poll(async () => (await state(id))?.state, { timeout: 200_000 }).toBe('done')
  expect(hub.requests.filter(({ fault }) => fault !== null)).toHaveLength(passing.length)
  expect(hashOf(placed(dataDir, 0))).toBe(hashes.get(nameOf(0)))

  const final: [Fault, string][] = [
    [status('resolve', 401), 'hub/not-found'],
    [status('resolve', 403, { 'X-Error-Code': 'GatedRepo' }), 'hub/gated'],
    [status('resolve', 404), 'hub/not-found'],
    [{ at: 'resolve', do: 'linked-etag', etag: 'a'.repeat(64) }, 'download/changed'],
    [{ at: 'resolve', do: 'redirect-loop' }, 'hub/bad-answer'],
    [{ at: 'resolve', do: 'redirect', to: 'file:///etc/passwd' }, 'hub/bad-answer'],
    [{ at: 'storage', do: 'garble' }, 'download/hash-mismatch'],
    [{ at: 'storage', do: 'flip', offset: 12_345 }, 'download/hash-mismatch'],
  ]
  for (const [index, [fault, code]] of final.entries()) {
    hub.faults.add({ ...fault, times: 99 })
    const started = await start(page, index + 1)
    await expect.poll(async () => (await state(started.id))?.error?.code, { timeout: 30_000 }).toBe(code)
    expect(existsSync(placed(dataDir, index + 1))).toBe(false)
    hub.faults.clear()
  }
  expect(await expectNothingCorrupt(page)).toBe(1)
  expect(await snug.close()).toBe(true)
})

test('the app and the command line at once fetch one file once', async () => {
  const dataDir = join(freshFolder(), 'data')
  const snug = await launchSnug(options(dataDir))
  const size = statSync(join(folder, nameOf(1))).size
  hub.faults.add({ at: 'storage', do: 'throttle', bytesPerSecond: size / 4, times: 99 })
  const { id } = await start(snug.page, 1)
  await expect.poll(() => hub.stats.storageBytes).toBeGreaterThan(0)
  const other = startCli({ folder: dirname(dataDir), endpoint: hub.endpoint }, 'pull', repositoryOf(1))
  const { code, error } = await other.ended
  expect([code, error?.code]).toEqual([1, 'download/busy'])
  await expect.poll(async () => (await downloads(snug.page)).find((download) => download.id === id)?.state).toBe('done')
  expect(hashOf(placed(dataDir, 1))).toBe(hashes.get(nameOf(1)))
  expect(hub.stats.storageBytes).toBeLessThan(size * 1.1)
  expect(await expectNothingCorrupt(snug.page)).toBe(1)
  expect(await snug.close()).toBe(true)
})

test('the app starts on a disk without a free byte, shows what is there, and goes on when there is room', async () => {
  test.skip(!canMountSmallDisk(), 'this system lets no test mount a small disk')
  const base = freshFolder()
  const before = join(base, 'before')
  const dataDir = join(base, 'data')
  for (const made of [before, dataDir]) mkdirSync(made)
  const first = await launchSnug(options(before))
  const { id } = await start(first.page, 1)
  await expect.poll(async () => (await downloads(first.page)).find((download) => download.id === id)?.state).toBe('done')
  expect(await first.close()).toBe(true)

  const wrapper = join(base, 'on-a-full-disk.sh')
  const script = `#!/bin/sh
exec unshare -rm sh -c 'mount -t tmpfs -o size=200m none "$SNUG_DATA" && cp -a "$SNUG_TEST_BEFORE/." "$SNUG_DATA" &&
dd if=/dev/zero bs=64k status=none 2>/dev/null >>"$SNUG_DATA/filler"; dd if=/dev/zero bs=1 status=none 2>/dev/null >>"$SNUG_DATA/filler"
exec "$SNUG_TEST_ELECTRON" "$@"' sh "$@"
`
  writeFileSync(wrapper, script, { mode: 0o755 })
  const launch = options(dataDir)
  // In a namespace of its own everybody is root, and root opens a window only without the sandbox.
  const snug = await launchSnug({ ...launch, env: { ...launch.env, SNUG_TEST_BEFORE: before }, wrapper, sandbox: false })
  const { app, page } = snug
  const free = () =>
    app.evaluate(async (_electron, folder) => {
      const { bavail } = process.getBuiltinModule('node:fs').statfsSync(folder)
      return bavail
    }, dataDir)
  expect(await free()).toBe(0)
  await openPage(page, 'library')
  await expect(page.getByTestId('library-row')).toHaveCount(1)
  expect((await ask<LibraryModel[]>(page, 'library/list')).map(({ state }) => state)).toEqual(['verified'])
  const wanted = await start(page, 2)
  const found = async () => (await downloads(page)).find((download) => download.id === wanted.id)
  await expect.poll(async () => (await found())?.error?.code).toBe('download/disk-full')
  expect(hub.stats.storageBytes).toBe(statSync(join(folder, nameOf(1))).size)
  await app.evaluate((_electron, path) => process.getBuiltinModule('node:fs').rmSync(path), join(dataDir, 'filler'))
  await newChat(page)
  expect(await snug.close()).toBe(true)
})

test('home and data in folders with Chinese, a full-width space and accents: download, load, chat, and again after a new start', async () => {
  const place = freshFolder('张 庭 綱　ñ é')
  const long = join(place, '模'.repeat(60))
  mkdirSync(long)
  const launch = { ...options(join(long, '数据 ñ')), cacheDir: join(long, 'cache é') }
  launch.env.HOME = place
  let snug = await launchSnug(launch)
  const { id } = await start(snug.page, 3)
  await expect.poll(async () => (await downloads(snug.page)).find((download) => download.id === id)?.state).toBe('done')
  for (const run of ['first', 'second']) {
    const [model] = await ask<LibraryModel[]>(snug.page, 'library/list')
    expect(model, run).toMatchObject({ state: 'verified', path: placed(launch.dataDir, 3) })
    await newChat(snug.page)
    await useModel(snug.page, model?.name ?? '')
    await send(snug.page, 'hello')
    expect((await lastAnswer(snug.page)).length).toBeGreaterThan(0)
    expect(await snug.close()).toBe(true)
    if (run === 'first') snug = await launchSnug(launch)
  }
})
