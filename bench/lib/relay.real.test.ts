import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Relay, startRelay } from './relay'

const link = { delayMs: 20, bytesPerSecond: 450_000 }
const bytes = 225_000
let server: http.Server
let relay: Relay

beforeAll(async () => {
  const body = Buffer.alloc(bytes, 7)
  server = http.createServer((request, response) => response.end(request.url === '/small' ? 'x' : body))
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  relay = await startRelay(() => `http://127.0.0.1:${(server.address() as AddressInfo).port}`, link)
})
afterAll(async () => {
  await relay.close()
  server.closeAllConnections()
  server.close()
})

/** Milliseconds for one request on a connection of its own. */
function take(path: string, expected: number): Promise<number> {
  const began = performance.now()
  return new Promise((resolve, reject) => {
    http
      .get(`${relay.address}${path}`, { agent: false }, (response) => {
        let got = 0
        response.on('data', (chunk: Buffer) => (got += chunk.length))
        response.on('end', () => (got === expected ? resolve(performance.now() - began) : reject(new Error(`${got} bytes`))))
        response.on('error', reject)
      })
      .on('error', reject)
  })
}

test('each connection gets its bytes per second and no more, also beside others', async () => {
  const alone = await take('/', bytes)
  const together = await Promise.all([take('/', bytes), take('/', bytes), take('/', bytes)])
  for (const ms of [alone, ...together]) {
    const rate = bytes / (ms / 1_000)
    // What is late comes later on a busy machine; what is early would be a better link than it claims to be.
    expect(rate).toBeLessThan(link.bytesPerSecond * 1.02)
    expect(rate).toBeGreaterThan(link.bytesPerSecond * 0.6)
  }
})

test('every byte comes late, both ways', async () => {
  const ms = await take('/small', 1)
  expect(ms).toBeGreaterThan(2 * link.delayMs - 2)
  expect(ms).toBeLessThan(2 * link.delayMs + 500)
})
