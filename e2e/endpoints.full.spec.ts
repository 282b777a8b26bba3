import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import net from 'node:net'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { type Locator, type Page, expect, test } from '@playwright/test'
import type { Download } from '../src/shared/domain/library'
import { hubEnv, startTestHub, starterRepository, starterSha256 } from './fixtures/hub'
import type { RunningHub } from './fixtures/hubServer'
import { freshCache, freshFolder, launchSnug } from './fixtures/launch'
import { en } from './fixtures/models'
import { openPage, openRepository } from './fixtures/pages'
import { ask } from './fixtures/rpc'
import { outsidePeers, watchOutsidePeers } from './fixtures/sockets'

const MB = 1_000_000
const arrivedFile = (dataDir: string) => join(dataDir, 'models', ...starterRepository.split('/'), 'SmolLM2-135M-Instruct-Q4_1.gguf')
const hashOf = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex')

const launch = (dataDir: string, endpoint: string) =>
  launchSnug({
    dataDir,
    cacheDir: freshCache(false),
    env: hubEnv(endpoint),
  })

const startDownload = (row: Locator) => row.getByRole('button', { name: /^Download / }).click()
const done = (row: Locator) => row.getByRole('button', { name: /^Load and chat: / })
const download = async (page: Page) => (await ask<Download[]>(page, 'downloads/list')).at(-1)

test('the hub that serves a download dies in the middle: another one goes on, and the bytes are right', async () => {
  test.setTimeout(240_000)
  const origin = await startTestHub({ bytesPerSecond: 10 * MB })
  const mirror = await startTestHub({ bytesPerSecond: 10 * MB, mirror: true })
  const dataDir = freshFolder()
  const snug = await launch(dataDir, origin.endpoint)
  const { page } = snug
  // As in the settings: the address of one's own, then "automatic".
  await openPage(page, 'settings')
  await page.getByRole('textbox', { name: en.settings.endpoint }).fill(mirror.endpoint)
  await page.getByRole('textbox', { name: en.settings.endpoint }).press('Enter')
  await expect.poll(async () => (await ask<{ endpoint: string | null }>(page, 'app/settings')).endpoint).toBe(mirror.endpoint)
  await page.getByRole('combobox', { name: en.settings.hub }).selectOption(en.settings.hubAutomatic)
  await expect.poll(async () => (await ask<{ endpointAutomatic: boolean }>(page, 'app/settings')).endpointAutomatic).toBe(true)

  const row = await openRepository(page, starterRepository)
  // Which of the two is faster is not ours to say; the one that serves is closed.
  const before = new Map([origin, mirror].map((hub) => [hub, hub.stats.storageBytes]))
  const served = (hub: RunningHub) => hub.stats.storageBytes - (before.get(hub) ?? 0)
  await startDownload(row)
  await expect.poll(() => Math.max(served(origin), served(mirror)), { timeout: 60_000 }).toBeGreaterThan(12 * MB)
  const [dying, living] = served(origin) > served(mirror) ? [origin, mirror] : [mirror, origin]
  await dying.close()
  await expect(done(row)).toBeVisible({ timeout: 180_000 })
  expect(hashOf(arrivedFile(dataDir))).toBe(starterSha256)
  expect(await download(page)).toMatchObject({ state: 'done', repository: starterRepository })
  expect(served(living)).toBeGreaterThan(0)
  const log = await ask<{ address: string }[]>(page, 'app/networkLog')
  for (const hub of [origin, mirror]) expect(log.some(({ address }) => address.startsWith(hub.endpoint))).toBe(true)
  expect(await snug.close()).toBe(true)
  await living.close()
})

/** The same service at an address of this machine that is not loopback, which counts as the world outside. */
async function outside(
  address: string,
  port: number,
): Promise<{ url: string; connections: () => number; total: () => number; close: () => void }> {
  const open = new Set<net.Socket>()
  let total = 0
  const server = net.createServer((from) => {
    total++
    open.add(from)
    const to = net.connect(port, '127.0.0.1')
    for (const [socket, other] of [
      [from, to],
      [to, from],
    ] as const) {
      socket.on('error', () => other.destroy())
      socket.on('close', () => other.destroy())
    }
    from.on('close', () => open.delete(from))
    from.pipe(to).pipe(from)
  })
  await new Promise<void>((resolve) => server.listen(0, address, resolve))
  return {
    url: `http://${address}:${(server.address() as net.AddressInfo).port}`,
    connections: () => open.size,
    total: () => total,
    close: () => {
      for (const socket of open) socket.destroy()
      server.close()
    },
  }
}

test('offline: what is under way ends, and nothing opens a connection out of this machine', async () => {
  test.setTimeout(240_000)
  const address = Object.values(networkInterfaces())
    .flat()
    .find((one) => one !== undefined && one.family === 'IPv4' && !one.internal)?.address
  test.skip(address === undefined, 'this machine has no interface but loopback')
  if (address === undefined) return
  let storageAddress = ''
  const hub = await startTestHub({ bytesPerSecond: 5 * MB, storageAddress: () => storageAddress })
  const api = await outside(address, Number(new URL(hub.endpoint).port))
  const storage = await outside(address, Number(new URL(hub.storage).port))
  storageAddress = storage.url
  const dataDir = freshFolder()
  const snug = await launch(dataDir, api.url)
  const { page } = snug

  const row = await openRepository(page, starterRepository)
  await startDownload(row)
  await expect.poll(() => hub.stats.storageBytes, { timeout: 60_000 }).toBeGreaterThan(8 * MB)
  expect(storage.connections()).toBeGreaterThan(0)
  // The same look that finds nothing below finds this.
  const root = snug.app.process().pid ?? 0
  const linux = process.platform === 'linux'
  if (linux) await expect.poll(() => outsidePeers(root)).toContain(`tcp ${address}`)
  await openPage(page, 'settings')
  await page.getByRole('switch', { name: en.settings.offline }).click()
  await expect.poll(() => storage.connections() + api.connections()).toBe(0)
  if (linux) await expect.poll(() => outsidePeers(root)).toEqual([])
  const watch = linux ? watchOutsidePeers(root) : null
  const before = api.total() + storage.total()

  // Everything that asks the hub says why it does not; the person may press what they like.
  await page.getByRole('button', { name: en.settings.hubTest }).click()
  await expect(page.getByText(`${api.url}: ${en.settings.hubSilent}`)).toBeVisible()
  await openPage(page, 'discover')
  await expect(page.getByText(en.discover.hubOffline)).toBeVisible()
  const field = page.getByRole('searchbox', { name: en.discover.searchLabel })
  await field.fill('words')
  await field.press('Enter')
  await expect(page.getByTestId('hub-hits').getByRole('alert')).toContainText(en.errors['network/offline'].title)
  await field.fill('ms:maker/model')
  await field.press('Enter')
  await expect(page.getByTestId('repository-files').getByRole('alert')).toContainText(en.errors['network/offline'].title)
  const stopped = await download(page)
  if (stopped?.state === 'paused' || stopped?.state === 'failed') await ask(page, 'downloads/resume', { id: stopped.id })
  const log = await ask<{ outcome: string }[]>(page, 'app/networkLog')
  expect(log.filter(({ outcome }) => outcome === 'refused: offline').length).toBeGreaterThan(1)
  expect(api.total() + storage.total()).toBe(before)
  // Not only to these two: to no other machine, from no process of the app.
  const seen = watch?.stop()
  if (seen !== undefined) expect(seen).toMatchObject({ peers: [] })
  if (seen !== undefined) expect(seen.looks).toBeGreaterThan(5)
  expect(await download(page)).not.toMatchObject({ state: 'done' })

  // Back: it goes on by itself to the end, and the bytes are right.
  await page.locator('.hub-banner').getByRole('button', { name: en.discover.goOnline }).click()
  await expect(page.locator('.side')).not.toContainText(en.common.offline)
  await expect.poll(async () => (await download(page))?.state, { timeout: 180_000 }).toBe('done')
  expect(hashOf(arrivedFile(dataDir))).toBe(starterSha256)
  expect(await snug.close()).toBe(true)
  api.close()
  storage.close()
  await hub.close()
})
