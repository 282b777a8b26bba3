import { once } from 'node:events'
import http from 'node:http'
import https from 'node:https'
import net, { type Socket } from 'node:net'
import type { SecureContext } from 'node:tls'
import { SnugError } from '@shared/errors'
import { SocksClient } from 'socks'
import { certificateError } from './networkTrust'
import { nameOf } from './proxy'

/** The library would end the talk after 30 s; the signal of the request ends it already. */
const noTimeoutMs = 2 ** 31 - 1

export interface TunnelOptions {
  signal: AbortSignal
  /** Whose certificates are accepted; without it the built-in authorities'. */
  secureContext?: SecureContext
}

export const trustIn = ({ secureContext }: Pick<TunnelOptions, 'secureContext'>) => (secureContext === undefined ? {} : { secureContext })

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
export async function tunnel(proxy: URL, target: URL, sent: TunnelOptions): Promise<Socket> {
  const port = Number(target.port || (target.protocol === 'https:' ? 443 : 80))
  return isSocks(proxy)
    ? await socksTunnel(proxy, hostOf(target), port, sent.signal)
    : await connect(proxy, `${target.hostname}:${port}`, sent)
}

export function proxyFailed(proxy: URL, target: URL, reason: string, cause?: unknown): SnugError {
  const data = { host: target.host, proxy: nameOf(proxy), reason }
  return new SnugError('hub/unreachable', `${target.host} cannot be reached through the proxy ${data.proxy}: ${reason}`, data, { cause })
}

function connect(proxy: URL, place: string, { signal, ...sent }: TunnelOptions): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const headers = { host: place, ...proxyHeaders(proxy) }
    const request = requestOf(proxy, { ...trustIn(sent), method: 'CONNECT', path: place, headers, signal })
    request.once('connect', (message, socket) => {
      if (message.statusCode === 200) return resolve(socket)
      socket.destroy()
      reject(new Error(`it answered ${message.statusCode}`))
    })
    request.once('error', (error) => reject(certificateError(proxy.host, error) ?? error))
    request.end()
  })
}

/** The proxy looks up the name; SOCKS4, which cannot, is refused before. */
async function socksTunnel(proxy: URL, host: string, port: number, signal: AbortSignal): Promise<Socket> {
  const at = { host: hostOf(proxy), port: Number(proxy.port || 1080) }
  const socket = net.connect({ ...at, signal })
  try {
    await once(socket, 'connect')
    const named = proxy.username === '' ? {} : { userId: decodeURIComponent(proxy.username), password: decodeURIComponent(proxy.password) }
    await SocksClient.createConnection({
      proxy: { ...at, ...named, type: 5 },
      command: 'connect',
      destination: { host, port },
      existing_socket: socket,
      timeout: noTimeoutMs,
    })
    return socket
  } catch (error) {
    socket.destroy()
    throw error
  }
}

/** Without the brackets of an IPv6 address. */
function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '')
}
