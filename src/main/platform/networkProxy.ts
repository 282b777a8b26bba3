import { once } from 'node:events'
import http from 'node:http'
import https from 'node:https'
import net, { type Socket } from 'node:net'
import { SnugError } from '@shared/errors'
import { nameOf } from './proxy'

export const isSocks = (proxy: URL): boolean => proxy.protocol.startsWith('socks')

/** A request to the proxy itself: a plain one has the whole address as its path. */
export function requestOf(proxy: URL, options: https.RequestOptions): http.ClientRequest {
  const host = hostOf(proxy)
  return proxy.protocol === 'https:'
    ? https.request({ ...options, host, port: proxy.port || 443 })
    : http.request({ ...options, host, port: proxy.port || 80 })
}

export function proxyHeaders(proxy: URL): Record<string, string> {
  if (proxy.username === '') return {}
  const credentials = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`
  return { 'proxy-authorization': `Basic ${Buffer.from(credentials).toString('base64')}` }
}

/** A connection to the host of an address, made by the proxy, which also looks up the name. */
export async function tunnel(proxy: URL, target: URL, signal: AbortSignal): Promise<Socket> {
  const port = Number(target.port || (target.protocol === 'https:' ? 443 : 80))
  return isSocks(proxy) ? await socks5(proxy, hostOf(target), port, signal) : await connect(proxy, `${target.hostname}:${port}`, signal)
}

export function proxyFailed(proxy: URL, target: URL, reason: string, cause?: unknown): SnugError {
  const data = { host: target.host, proxy: nameOf(proxy), reason }
  return new SnugError('hub/unreachable', `${target.host} cannot be reached through the proxy ${data.proxy}: ${reason}`, data, { cause })
}

function connect(proxy: URL, place: string, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const headers = { host: place, ...proxyHeaders(proxy) }
    const request = requestOf(proxy, { method: 'CONNECT', path: place, headers, signal })
    request.once('connect', (message, socket) => {
      if (message.statusCode === 200) return resolve(socket)
      socket.destroy()
      reject(new Error(`it answered ${message.statusCode}`))
    })
    request.once('error', reject)
    request.end()
  })
}

/** RFC 1928, with the user and password of RFC 1929. */
async function socks5(proxy: URL, host: string, port: number, signal: AbortSignal): Promise<Socket> {
  const socket = net.connect({ host: hostOf(proxy), port: Number(proxy.port || 1080), signal })
  try {
    await once(socket, 'connect')
    const named = proxy.username !== ''
    socket.write(Buffer.from(named ? [5, 2, 0, 2] : [5, 1, 0]))
    const [version, method] = await take(socket, 2)
    if (version !== 5 || (method !== 0 && !(method === 2 && named))) throw new Error('it is no SOCKS5 proxy, or wants to know who asks')
    if (method === 2) {
      const [user, password] = [proxy.username, proxy.password].map((part) => Buffer.from(decodeURIComponent(part)).subarray(0, 255))
      if (user === undefined || password === undefined) throw new Error('no user')
      socket.write(Buffer.concat([Buffer.from([1, user.length]), user, Buffer.from([password.length]), password]))
      if ((await take(socket, 2))[1] !== 0) throw new Error('it does not take this user and password')
    }
    const name = Buffer.from(host)
    const place = net.isIPv4(host) ? Buffer.from([1, ...host.split('.').map(Number)]) : Buffer.concat([Buffer.from([3, name.length]), name])
    socket.write(Buffer.concat([Buffer.from([5, 1, 0]), place, Buffer.from([port >> 8, port & 255])]))
    const [, code, , kind] = await take(socket, 4)
    if (code !== 0) throw new Error(`it answered ${code}`)
    // Where it connects from: not of interest, but to be read.
    const length = kind === 1 ? 4 : kind === 4 ? 16 : ((await take(socket, 1))[0] ?? 0)
    await take(socket, length + 2)
    return socket
  } catch (error) {
    socket.destroy()
    throw error
  }
}

async function take(socket: Socket, count: number): Promise<Buffer> {
  for (;;) {
    const bytes = socket.read(count) as Buffer | null
    if (bytes !== null && bytes.length === count) return bytes
    if (bytes !== null || socket.readableEnded || socket.destroyed) throw new Error('it ended the connection')
    const stop = new AbortController()
    const ways = ['readable', 'close'].map((event) => once(socket, event, { signal: stop.signal }))
    await Promise.race(ways).finally(() => stop.abort())
  }
}

/** Without the brackets of an IPv6 address. */
function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '')
}
