import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Network } from './network'

let server: http.Server
let origin: string
const seen: string[] = []

beforeAll(async () => {
  server = http.createServer((request, response) => {
    seen.push(`${request.method} ${request.url} ${request.headers.host}`)
    if (request.url === '/slow') return
    if (request.url === '/drip') {
      response.write('a')
      return
    }
    if (request.url === '/big') response.end('x'.repeat(10_000))
    else response.end('hello')
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

const plain = () => new Network({ offline: false, token: null, proxy: null })

describe('a request', () => {
  it('is written down with its purpose and without its query', async () => {
    const network = plain()
    expect((await network.text(`${origin}/x?signature=secret`, { purpose: 'search', about: 'words' })).text).toBe('hello')
    expect(network.entries()).toMatchObject([{ method: 'GET', address: `${origin}/x`, purpose: 'search', about: 'words', outcome: '200' }])
    expect(JSON.stringify(network.entries())).not.toContain('secret')
  })

  it('for a range of a file is one line with the others of that file, and pushes nothing out', () => {
    const network = plain()
    const entry = { at: 1, method: 'GET', address: `${origin}/x`, about: 'maker/model/a.gguf', outcome: '206' }
    network.record({ ...entry, purpose: 'search', outcome: '200' })
    for (let at = 1; at <= 600; at++) network.record({ ...entry, at, purpose: 'download' })
    network.record({ ...entry, at: 601, purpose: 'download', outcome: '429' })
    network.record({ ...entry, at: 602, purpose: 'download' })
    expect(network.entries().map(({ at, outcome, count }) => [at, outcome, count])).toEqual([
      [1, '200', undefined],
      [601, '429', undefined],
      [602, '206', 601],
    ])
    // What is no download stays a line each.
    network.record({ ...entry, purpose: 'search', outcome: '200' })
    expect(network.entries()).toHaveLength(4)
  })

  it('ends in time, before or after the headers', async () => {
    for (const path of ['/slow', '/drip'])
      await expect(plain().text(origin + path, { purpose: 'search', timeoutMs: 150 })).rejects.toMatchObject({ code: 'hub/unreachable' })
  })

  it('ends when it is no longer wanted', async () => {
    const stop = new AbortController()
    setTimeout(() => stop.abort(), 50)
    await expect(plain().text(`${origin}/drip`, { purpose: 'search', signal: stop.signal })).rejects.toMatchObject({ code: 'cancelled' })
  })

  it('takes no more than it was told to', async () => {
    await expect(plain().text(`${origin}/big`, { purpose: 'search' }, 5_000)).rejects.toMatchObject({ code: 'hub/bad-answer' })
  })

  it('goes to web addresses only', async () => {
    for (const address of ['file:///etc/passwd', 'ftp://x/y', 'not an address'])
      await expect(plain().text(address, { purpose: 'search' })).rejects.toMatchObject({ code: 'usage/invalid' })
  })
})

it('switching offline ends what leads out, and lets loopback go on', async () => {
  const network = plain()
  const inside = network.text(`${origin}/x`, { purpose: 'search' })
  // TEST-NET-1 (RFC 5737): an address that nobody answers at.
  const outside = network.text('http://192.0.2.1/x', { purpose: 'search' })
  network.setOffline(true)
  await expect(outside).rejects.toMatchObject({ code: expect.stringMatching(/^(network\/offline|hub\/unreachable)$/) })
  expect((await inside).text).toBe('hello')
  await expect(network.text('http://192.0.2.1/y', { purpose: 'search' })).rejects.toMatchObject({ code: 'network/offline' })
})

it('a proxy carries what leads out, and never loopback', async () => {
  const network = new Network({ offline: false, token: null, proxy: { http: origin, https: null, except: [] } })
  seen.length = 0
  expect((await network.text('http://hub.invalid/x', { purpose: 'search' })).text).toBe('hello')
  await network.text(`${origin}/direct`, { purpose: 'search' })
  expect(seen).toEqual(['GET http://hub.invalid/x hub.invalid', `GET /direct ${new URL(origin).host}`])
})
