import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, test } from '@playwright/test'
import type { Download } from '../src/shared/domain/library'
import { scriptedFile, scriptedRepository, startTestHub } from './fixtures/hub'
import { freshCache, freshFolder, launchSnug } from './fixtures/launch'
import { en } from './fixtures/models'
import { openPage } from './fixtures/pages'
import { startHttpProxy, startSocksProxy } from './fixtures/proxies'
import { ask, call } from './fixtures/rpc'

const without = { HTTPS_PROXY: '', https_proxy: '', http_proxy: '', ALL_PROXY: '', all_proxy: '', NO_PROXY: '', no_proxy: '' }
const portOf = (address: string) => Number(new URL(address).port)

test('what the system is set to is used where the environment names no proxy, and a change counts', async () => {
  const hub = await startTestHub({ storageAddress: () => 'http://storage.snug.test' })
  const places = (host: string, port: number) =>
    port !== 80 ? null : host === 'hub.snug.test' ? portOf(hub.endpoint) : host === 'storage.snug.test' ? portOf(hub.storage) : null
  const [web, socks] = [await startHttpProxy(places), await startSocksProxy(places)]
  const dataDir = freshFolder()
  const env = { ...without, HF_ENDPOINT: 'http://hub.snug.test', HF_HUB_CACHE: freshFolder('empty'), HOME: freshFolder('home') }
  const snug = await launchSnug({ dataDir, cacheDir: freshCache(false), env, args: [`--proxy-server=${web.address}`] })
  const { app, page } = snug
  const system = (rules: string) =>
    app.evaluate(({ session }, proxyRules) => session.defaultSession.setProxy({ mode: 'fixed_servers', proxyRules }), rules)
  const file = join(dataDir, 'models', ...scriptedRepository.split('/'), scriptedFile)
  const hashOf = () => createHash('sha256').update(readFileSync(file)).digest('hex')

  const { id } = await ask<{ id: string }>(page, 'downloads/start', { repository: scriptedRepository, file: scriptedFile })
  const state = async () => (await ask<Download[]>(page, 'downloads/list')).find((download) => download.id === id)?.state
  await expect.poll(state).toBe('done')
  const whole = hashOf()
  expect(web.asked.some((line) => line.startsWith('GET http://hub.snug.test/api/models/'))).toBe(true)
  expect(web.asked.some((line) => line.startsWith('GET http://storage.snug.test/repos/'))).toBe(true)

  // Another network: the system names another proxy, in the middle of things.
  await system(`socks5://127.0.0.1:${socks.port}`)
  await expect
    .poll(
      async () => {
        await call(page, 'discover/files', { repository: scriptedRepository })
        return socks.asked
      },
      { timeout: 30_000 },
    )
    .toContain('SOCKS5 hub.snug.test:80')
  expect(hashOf()).toBe(whole)

  // One that nobody can use here: the page says which one it is.
  await system('socks4://127.0.0.1:9')
  await expect
    .poll(async () => (await call(page, 'discover/files', { repository: scriptedRepository }))?.body, { timeout: 30_000 })
    .toMatchObject({ code: 'network/proxy-kind', data: { proxy: 'socks4://127.0.0.1:9' } })
  await openPage(page, 'discover')
  const field = page.getByRole('searchbox', { name: en.discover.searchLabel })
  await field.fill(scriptedRepository)
  await field.press('Enter')
  const alert = page.getByTestId('repository-files').getByRole('alert')
  await expect(alert).toContainText(en.errors['network/proxy-kind'].title)
  await expect(alert).toContainText('socks4://127.0.0.1:9')
  // A script in the network is not fetched: Chromium opens no connection here, and this setting counts as none.
  let fetched = 0
  const server = http.createServer((_request, response) => {
    fetched++
    response.end(`function FindProxyForURL() { return 'PROXY 127.0.0.1:${web.port}' }`)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const said = await app.evaluate(
    async ({ session }, pacScript) => {
      await session.defaultSession.setProxy({ mode: 'pac_script', pacScript })
      return await session.defaultSession.resolveProxy('http://hub.snug.test/')
    },
    `http://127.0.0.1:${(server.address() as AddressInfo).port}/proxy.pac`,
  )
  expect([said === '' || said === 'DIRECT', fetched]).toEqual([true, 0])
  server.close()
  expect(await snug.close()).toBe(true)
  web.close()
  socks.close()
  await hub.close()
})
