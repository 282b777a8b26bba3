import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type CliPlace, cliFile, snug } from '../../e2e/fixtures/cli'
import { type RunningHub, startHub } from '../../e2e/fixtures/hubServer'
import { type RunningProxy, hasOpenssl, makeCertificate, startHttpProxy, startSocksProxy, startTls } from '../../e2e/fixtures/proxies'
import { writeScriptedModel } from '../engine/scriptedModel'

/** A hub over TLS that is reached through a proxy only: its names mean nothing to this machine. */
const full = process.env.SNUG_TEST_FULL === '1'
const root = mkdtempSync(join(tmpdir(), 'snug-proxy-'))
const repository = 'maker/model-GGUF'
const portOf = (address: string) => Number(new URL(address).port)

describe.skipIf(!hasOpenssl())('through a proxy', () => {
  let hub: RunningHub
  let sha256: string
  let certificate: ReturnType<typeof makeCertificate>
  /** What a storage of the world outside must not lead to. */
  let inside: http.Server
  const seenInside: string[] = []
  let location: string | null = null
  const open: { close: () => void }[] = []
  const ports = { hub: 0, storage: 0 }

  beforeAll(async () => {
    if (!existsSync(cliFile)) throw new Error('The command line is not built: run `npm run build` first.')
    const model = join(root, 'model-F32.gguf')
    await writeScriptedModel(model)
    sha256 = createHash('sha256').update(readFileSync(model)).digest('hex')
    hub = await startHub({
      repositories: { [repository]: { files: { 'model-F32.gguf': model } } },
      storageAddress: () => location ?? 'https://storage.snug.test',
    })
    certificate = makeCertificate(root, ['hub.snug.test', 'storage.snug.test', 'localhost'])
    const [api, storage] = [await startTls(certificate, () => portOf(hub.endpoint)), await startTls(certificate, () => portOf(hub.storage))]
    open.push(api, storage)
    Object.assign(ports, { hub: api.port, storage: storage.port })
    inside = http.createServer((request, response) => {
      seenInside.push(request.url ?? '')
      response.end('x')
    })
    await new Promise<void>((done) => inside.listen(0, '127.0.0.1', done))
  })
  afterEach(() => {
    location = null
    hub.faults.clear()
    hub.requests.length = 0
  })
  afterAll(async () => {
    for (const server of open) server.close()
    inside.closeAllConnections()
    inside.close()
    await hub.close()
    rmSync(root, { recursive: true, force: true })
  })

  const places = (host: string, port: number) =>
    port !== 443 ? null : host === 'hub.snug.test' ? ports.hub : host === 'storage.snug.test' ? ports.storage : null
  const place = (env: Record<string, string>): CliPlace => ({
    folder: mkdtempSync(join(root, 'p-')),
    endpoint: 'https://hub.snug.test',
    env: { NODE_EXTRA_CA_CERTS: certificate.file, HTTPS_PROXY: '', ALL_PROXY: '', NO_PROXY: '', ...env },
  })
  const started = <P extends RunningProxy>(proxy: P): P => {
    open.push(proxy)
    return proxy
  }
  const withUser = (proxy: RunningProxy) => proxy.address.replace('://', '://me:s%3Acret@')

  const kinds: [string, () => Promise<{ proxy: RunningProxy; variable: string; value: string }>][] = [
    [
      'an HTTP proxy that wants to know who asks',
      async () => {
        const proxy = started(await startHttpProxy(places, { user: 'me:s:cret' }))
        return { proxy, variable: 'HTTPS_PROXY', value: withUser(proxy) }
      },
    ],
    [
      'a SOCKS5 proxy that wants to know who asks',
      async () => {
        const proxy = started(await startSocksProxy(places, 'me:s:cret'))
        return { proxy, variable: 'ALL_PROXY', value: withUser(proxy) }
      },
    ],
    [
      'a proxy that is asked over TLS',
      async () => {
        const proxy = started(await startHttpProxy(places, { certificate }))
        return { proxy, variable: 'https_proxy', value: proxy.address }
      },
    ],
    [
      'a SOCKS5 proxy for everybody',
      async () => {
        const proxy = started(await startSocksProxy(places))
        return { proxy, variable: 'HTTPS_PROXY', value: proxy.address }
      },
    ],
  ]
  test.each(full ? kinds : kinds.slice(0, 1))('%s: the file arrives, and both hosts were asked for by name', async (_kind, start) => {
    const { proxy, variable, value } = await start()
    const where = place({ [variable]: value })
    const { code, err, out } = await snug(where, 'pull', repository)
    expect(code, err).toBe(0)
    expect(
      createHash('sha256')
        .update(readFileSync((out as { path: string }).path))
        .digest('hex'),
    ).toBe(sha256)
    for (const host of ['hub', 'storage']) expect(proxy.asked.some((line) => line.endsWith(`${host}.snug.test:443`))).toBe(true)
    // A signed address holds for the name alone, without a port.
    expect(new Set(hub.requests.map(({ headers }) => headers.host))).toEqual(new Set(['hub.snug.test', 'storage.snug.test']))
  })

  test('what a proxy cannot do is said with its name, and with no secret', async () => {
    const socks = started(await startSocksProxy(places, 'me:other'))
    const refused = await snug(place({ HTTPS_PROXY: withUser(socks) }), 'search', 'x')
    expect([refused.code, refused.error]).toMatchObject([1, { code: 'hub/unreachable', data: { proxy: socks.address } }])
    const gone = await snug(place({ HTTPS_PROXY: 'http://127.0.0.1:9' }), 'search', 'x')
    expect([gone.code, gone.error]).toMatchObject([1, { code: 'hub/unreachable', data: { proxy: 'http://127.0.0.1:9' } }])
    const old = await snug(place({ HTTPS_PROXY: 'socks4://me:s%3Acret@127.0.0.1:9' }), 'search', 'x')
    expect([old.code, old.error]).toMatchObject([1, { code: 'network/proxy-kind', data: { proxy: 'socks4://127.0.0.1:9' } }])
    const through = started(await startHttpProxy(places))
    const unknown = await snug(place({ HTTPS_PROXY: through.address, NODE_EXTRA_CA_CERTS: '' }), 'pull', repository)
    const data = { host: 'hub.snug.test', trouble: 'issuer' }
    expect([unknown.code, unknown.error]).toMatchObject([1, { code: 'network/certificate', data }])
    for (const { err } of [refused, gone, old]) expect(err).not.toMatch(/cret/)
  })

  /** Row L2 of the fault matrix, the redirects that only the world outside can send. */
  const count = full ? 10 : 1
  test(`an answer that leads from https to http, or into this machine, is never followed (${count} each)`, async () => {
    const proxy = started(await startHttpProxy(places))
    const where = place({ HTTPS_PROXY: proxy.address, HTTP_PROXY: proxy.address, http_proxy: proxy.address })
    const { port } = inside.address() as AddressInfo
    for (const to of ['http://storage.snug.test', `https://127.0.0.1:${port}`, `http://127.0.0.1:${port}`]) {
      location = to
      for (let round = 0; round < count; round++) {
        const { code, error } = await snug(where, 'pull', repository)
        expect([code, error?.code, error?.data.redirect], to).toEqual([1, 'hub/bad-answer', true])
      }
    }
    expect(seenInside).toEqual([])
    expect(proxy.asked.filter((line) => !line.startsWith('CONNECT hub.snug.test:443'))).toEqual([])
  })
})
