import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { networkInterfaces } from 'node:os'
import { expect, it } from 'vitest'
import { outsidePeers, watchOutsidePeers } from '../../../e2e/fixtures/sockets'
import { Network } from './network'

/** An address of this machine that is not loopback stands for the world outside. */
const address = Object.values(networkInterfaces())
  .flat()
  .find((one) => one !== undefined && one.family === 'IPv4' && !one.internal)?.address

it.skipIf(process.platform !== 'linux' || address === undefined)(
  'offline, no socket of this process has another machine at its other end; online the same look finds one',
  async () => {
    const server = http.createServer((_request, response) => {
      // Held for a while: a socket that is gone at once is not seen.
      setTimeout(() => response.end('hello'), 300)
    })
    await new Promise<void>((done) => server.listen(0, '0.0.0.0', done))
    const { port } = server.address() as AddressInfo
    const seenBy = async (offline: boolean) => {
      const network = new Network({ offline, token: null, proxy: null })
      const watch = watchOutsidePeers(process.pid)
      const inside = network.text(`http://127.0.0.1:${port}/`, { purpose: 'search' })
      const outside = network.text(`http://${address}:${port}/`, { purpose: 'search' })
      const code = await outside.then(
        () => null,
        (error: { code: string }) => error.code,
      )
      await inside
      const { peers, looks } = watch.stop()
      expect(looks).toBeGreaterThan(2)
      return { peers, code }
    }
    try {
      expect(await seenBy(true)).toEqual({ peers: [], code: 'network/offline' })
      expect(await seenBy(false)).toEqual({ peers: [`tcp ${address}`], code: null })
    } finally {
      server.closeAllConnections()
      server.close()
    }
    await expect.poll(() => outsidePeers(process.pid)).toEqual([])
  },
)
