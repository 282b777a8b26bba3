import { createHash, randomBytes } from 'node:crypto'
import http from 'node:http'
import https from 'node:https'
import { mkdtempSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasOpenssl, makeCertificate } from '../../../e2e/fixtures/proxies'
import { Network, type NetworkResponse } from './network'
import type { Take } from './readBody'

const body = randomBytes(9_000_000)
const hashOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
const root = mkdtempSync(join(tmpdir(), 'snug-straight-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

function answer(request: http.IncomingMessage, response: http.ServerResponse): void {
  const length = { 'content-length': body.length }
  if (request.url === '/whole') response.writeHead(200, length).end(body)
  if (request.url === '/unknown-length') response.writeHead(200).end(body)
  if (request.url === '/empty') response.writeHead(200, { 'content-length': 0 }).end()
  if (request.url === '/small') response.writeHead(200, { 'content-length': 5 }).end('hello')
  if (request.url === '/moved') response.writeHead(302, { location: '/whole', 'content-length': 5 }).end('there')
  if (request.url === '/cut')
    response.writeHead(200, length).write(body.subarray(0, 3_000_000), () => setTimeout(() => response.destroy(), 50))
  if (request.url === '/quiet') response.writeHead(200, length).write(body.subarray(0, 100_000))
  // More than was said, as no server of this library would send it.
  if (request.url === '/longer')
    response.socket?.end(Buffer.concat([Buffer.from('HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n'), body]))
}

describe.each(['http', 'https'] as const)('the body of an answer over %s', (scheme) => {
  const skipped = scheme === 'https' && !hasOpenssl()
  let server: http.Server
  let origin = ''
  let certificates: string | null = null
  beforeAll(async () => {
    if (skipped) return
    const certificate = scheme === 'https' ? makeCertificate(root, ['localhost']) : null
    certificates = certificate?.file ?? null
    server = certificate === null ? http.createServer(answer) : https.createServer(certificate, answer)
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    origin = `${scheme}://localhost:${(server.address() as AddressInfo).port}`
  })
  afterAll(() => {
    if (skipped) return
    server.closeAllConnections()
    server.close()
  })

  const ask = (path: string, atOnce = 1024 * 1024, signal?: AbortSignal): Promise<NetworkResponse> =>
    new Network({ offline: false, token: null, proxy: null, certificates }).request(origin + path, {
      purpose: 'download',
      atOnce: () => atOnce,
      ...(signal && { signal }),
    })
  /** All that comes, as it was when it came; `slow` waits after so many chunks. */
  const collect = async (response: NetworkResponse, slow = 0, enough = Infinity): Promise<Buffer> => {
    const chunks: Buffer[] = []
    let [size, count, busy] = [0, 0, false]
    const take: Take = (chunk) => {
      expect(busy).toBe(false)
      chunks.push(Buffer.from(chunk))
      size += chunk.length
      if (slow === 0 || ++count % slow !== 0) return size < enough
      busy = true
      return sleep(2).then(() => {
        busy = false
        return size < enough
      })
    }
    try {
      await response.read(take)
    } finally {
      response.close()
    }
    return Buffer.concat(chunks)
  }

  it.skipIf(skipped)('is what was sent, told length or not, in whatever pieces and however slow it is taken', async () => {
    for (const path of ['/whole', '/unknown-length', '/moved'])
      for (const slow of [0, 1, 7]) {
        const response = await ask(path, 100_000)
        // What comes before anybody reads waits.
        await sleep(slow * 5)
        expect(hashOf(await collect(response, slow)), `${path} ${slow}`).toBe(hashOf(body))
      }
    expect((await collect(await ask('/small'))).toString()).toBe('hello')
    expect((await collect(await ask('/empty'))).length).toBe(0)
  })

  it.skipIf(skipped)('comes in no larger pieces than were asked for', async () => {
    const sizes: number[] = []
    const response = await ask('/whole', 10_000)
    let first = true
    await response.read((chunk) => {
      // What came together with the headers was read before.
      if (!first) sizes.push(chunk.length)
      first = false
      return true
    })
    response.close()
    expect(sizes.length).toBeGreaterThan(100)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(10_000)
  })

  it.skipIf(skipped)('ends where the length says, and where it is enough', async () => {
    expect(hashOf(await collect(await ask('/longer')))).toBe(hashOf(body.subarray(0, 1_000_000)))
    const some = await collect(await ask('/whole', 50_000), 0, 2_000_000)
    expect(some.length).toBeGreaterThanOrEqual(2_000_000)
    expect(some.length).toBeLessThan(3_000_000)
  })

  it.skipIf(skipped)('that is cut is an error, after what came of it', async () => {
    let size = 0
    const response = await ask('/cut')
    await expect(
      response.read((chunk) => {
        size += chunk.length
        return true
      }),
    ).rejects.toThrow(/ended early|aborted/)
    response.close()
    expect(size).toBe(3_000_000)
  })

  it.skipIf(skipped)('is given up with the signal, also while nothing comes', async () => {
    const stop = new AbortController()
    const response = await ask('/quiet', 50_000, stop.signal)
    const reading = collect(response)
    setTimeout(() => stop.abort(), 50)
    await expect(reading).rejects.toThrow()
  })

  it.skipIf(skipped)('what taking it throws is what reading it throws, and nothing else is taken, from whichever chunk on', async () => {
    for (const last of [1, 3, 40])
      for (const how of ['throws', 'rejects', 'enough'] as const) {
        const response = await ask('/whole', 10_000)
        let count = 0
        const reading = response.read(() => {
          if (++count < last) return true
          if (how === 'enough') return false
          if (how === 'rejects') return sleep(5).then(() => Promise.reject(new Error('the disk is gone')))
          throw new Error('the disk is gone')
        })
        await (how === 'enough' ? reading : expect(reading).rejects.toThrow('the disk is gone'))
        await sleep(20)
        response.close()
        expect(count, `${how} at ${last}`).toBe(last)
      }
  })
})
