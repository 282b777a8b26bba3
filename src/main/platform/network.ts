import http from 'node:http'
import https from 'node:https'
import type { Readable } from 'node:stream'
import tls from 'node:tls'
import { SnugError } from '@shared/errors'
import type { NetworkEntry, NetworkPurpose } from '@shared/ipc/app'
import { Trust, certificateError } from './networkTrust'
import type { HostToken, NetworkConfig } from './networkConfig'
import { isSocks, proxyFailed, proxyHeaders, requestOf, trustIn, tunnel } from './networkProxy'
import { proxyFor, proxyFromSystem } from './proxy'
import { type Take, readBody } from './readBody'
import { isLoopback, nextAddress } from './redirects'
import { StraightConnection } from './networkStraight'

export interface NetworkRequest {
  /** For the log that the person can read. */
  purpose: NetworkPurpose
  /** The repository or file that it is about. */
  about?: string
  method?: 'GET' | 'HEAD' | 'PUT'
  /** Sent to the address that was asked and to no other: a redirect is not followed with it. */
  body?: string
  headers?: Record<string, string>
  signal?: AbortSignal
  /** Until the headers of the last answer are there. */
  timeoutMs?: number
  /** For bodies of gigabytes, of which `read` gets at most so many bytes at once: `networkStraight.ts`. */
  atOnce?: () => number
}

export interface Hop {
  url: URL
  status: number
  headers: Record<string, string>
}

export interface NetworkResponse extends Hop {
  /** Every answer on the way, this one last: only the hub's own redirect carries the hash. */
  hops: Hop[]
  body: Readable
  /** The body, chunk by chunk; a chunk is what it is only until `take` returns. */
  read(take: Take): Promise<void>
  /** Drops the rest of the body and its connection. */
  close(): void
}

const maxRedirects = 10
/** Received ahead of the reader. Node's 16 KiB would stop and start the socket at each read of 64 KiB. */
const aheadBytes = 512 * 1024
const maxEntries = 500
/** The network changes under a laptop: what the system said of a proxy counts this long. */
const systemProxyMs = 10_000
const userAgent = 'snug/0.1'

/** What the system says of an origin, as a PAC script does: `PROXY host:port; DIRECT`. */
export type SystemProxy = (origin: string) => Promise<string>

type SentOptions = Omit<https.RequestOptions, 'headers'> & {
  headers: Record<string, string>
  highWaterMark: number
  signal: AbortSignal
  secureContext?: tls.SecureContext
}

/** The one place where sockets open. The download worker has an instance of its own, with the same settings. */
export class Network {
  readonly #config: NetworkConfig
  readonly #entries: NetworkEntry[] = []
  readonly #open = new Set<AbortController>()
  readonly #onEntry: (entry: NetworkEntry) => void
  readonly #system: SystemProxy | null
  readonly #trust: Trust
  readonly #said = new Map<string, { until: number; answer: Promise<string> }>()

  constructor(config: NetworkConfig, onEntry: (entry: NetworkEntry) => void = () => {}, system: SystemProxy | null = null) {
    this.#config = { ...config }
    this.#trust = new Trust(config.certificates ?? null)
    this.#onEntry = onEntry
    this.#system = system
  }

  get config(): NetworkConfig {
    return { ...this.#config }
  }

  /** Switching offline also ends what is under way. */
  setOffline(offline: boolean): void {
    this.#config.offline = offline
    if (offline) for (const controller of this.#open) controller.abort(offlineError())
  }

  /** For the workers as well, which cannot ask. */
  systemProxy(origin: string, now = performance.now()): Promise<string> {
    const known = this.#said.get(origin)
    if (known !== undefined && now < known.until) return known.answer
    // A system that does not answer has no proxy to name.
    const answer = this.#system?.(origin).catch(() => 'DIRECT') ?? Promise.resolve('DIRECT')
    for (const [other, { until }] of this.#said) if (until <= now) this.#said.delete(other)
    this.#said.set(origin, { until: now + systemProxyMs, answer })
    return answer
  }

  /** Counts from the next request on. */
  setTokens(tokens: readonly HostToken[]): void {
    this.#config.tokens = [...tokens]
  }

  /** Newest last. */
  entries(): NetworkEntry[] {
    return [...this.#entries]
  }

  /** Also takes the entries of the download workers. */
  record(entry: NetworkEntry): void {
    const before = entry.purpose === 'download' ? this.#entries.findIndex((known) => isSameFile(known, entry)) : -1
    // The ranges of one large file would push out all the rest.
    const [known] = before < 0 ? [] : this.#entries.splice(before, 1)
    this.#entries.push(known === undefined ? entry : { ...entry, count: (known.count ?? 1) + 1 })
    if (this.#entries.length > maxEntries) this.#entries.splice(0, this.#entries.length - maxEntries)
    this.#onEntry(entry)
  }

  /** Follows redirects by hand: no downgrade to http, no hop from the internet to this machine, no token to another host. */
  async request(address: string | URL, request: NetworkRequest): Promise<NetworkResponse> {
    let url = typeof address === 'string' ? parse(address) : address
    const controller = new AbortController()
    const onAbort = () => controller.abort(request.signal?.reason)
    if (request.signal?.aborted) onAbort()
    request.signal?.addEventListener('abort', onAbort, { once: true })
    const timer = setTimeout(() => controller.abort(unreachable(url, 'no answer in time')), request.timeoutMs ?? 30_000)
    const release = () => {
      clearTimeout(timer)
      request.signal?.removeEventListener('abort', onAbort)
      this.#open.delete(controller)
    }
    const hops: Hop[] = []
    try {
      for (;;) {
        const straight = request.atOnce === undefined ? null : new StraightConnection(url.protocol, request.atOnce)
        const message = await this.#send(url, request, controller, straight?.agent)
        const hop: Hop = { url, status: message.statusCode ?? 0, headers: plainHeaders(message.headers) }
        hops.push(hop)
        const location = hop.headers.location
        if (![301, 302, 303, 307, 308].includes(hop.status) || location === undefined) {
          clearTimeout(timer)
          const stop = () => message.destroy(reasonOf(controller.signal))
          controller.signal.addEventListener('abort', stop, { once: true })
          message.once('close', () => {
            controller.signal.removeEventListener('abort', stop)
            release()
          })
          const read = (take: Take) => straight?.read(message, take) ?? readBody(message, take)
          return { ...hop, hops, body: message, read, close: () => message.destroy() }
        }
        if (request.body !== undefined) {
          message.destroy()
          throw new SnugError('hub/bad-answer', 'an answer that leads elsewhere', { address: plain(url), redirect: true })
        }
        message.resume()
        message.destroy()
        if (hops.length > maxRedirects) throw new SnugError('hub/bad-answer', 'too many redirects', { address: plain(url), redirect: true })
        url = nextAddress(url, location)
      }
    } catch (error) {
      release()
      if (controller.signal.aborted) throw reasonOf(controller.signal)
      throw error instanceof SnugError ? error : unreachable(url, error instanceof Error ? error.message : String(error), error)
    }
  }

  /** The body as text, bounded in size and time. */
  async text(address: string | URL, request: NetworkRequest, limitBytes = 32 * 1024 * 1024): Promise<NetworkResponse & { text: string }> {
    const url = typeof address === 'string' ? parse(address) : address
    const limit = new AbortController()
    const timer = setTimeout(() => limit.abort(unreachable(url, 'no answer in time')), request.timeoutMs ?? 30_000)
    const signal = request.signal === undefined ? limit.signal : AbortSignal.any([request.signal, limit.signal])
    try {
      return await this.#text(url, { ...request, signal }, limitBytes)
    } finally {
      clearTimeout(timer)
    }
  }

  async #text(url: URL, request: NetworkRequest, limitBytes: number): Promise<NetworkResponse & { text: string }> {
    const response = await this.request(url, request)
    const chunks: Buffer[] = []
    let bytes = 0
    try {
      for await (const chunk of response.body as AsyncIterable<Buffer>) {
        bytes += chunk.length
        if (bytes > limitBytes) throw new SnugError('hub/bad-answer', 'the answer is too long', { address: plain(response.url) })
        chunks.push(chunk)
      }
    } catch (error) {
      if (error instanceof SnugError) throw error
      throw unreachable(response.url, error instanceof Error ? error.message : String(error), error)
    } finally {
      response.close()
    }
    return { ...response, text: Buffer.concat(chunks).toString('utf8') }
  }

  async #send(
    url: URL,
    request: NetworkRequest,
    controller: AbortController,
    agent: http.Agent | undefined,
  ): Promise<http.IncomingMessage> {
    const entry: NetworkEntry = {
      at: Date.now(),
      method: request.method ?? 'GET',
      address: plain(url),
      purpose: request.purpose,
      about: request.about ?? null,
      outcome: '',
    }
    const finish = (outcome: string) => this.record({ ...entry, outcome })
    if (this.#config.offline && !isLoopback(url.hostname)) {
      finish('refused: offline')
      throw offlineError()
    }
    // Offline ends what leads out of this machine; loopback goes on.
    if (!isLoopback(url.hostname)) this.#open.add(controller)
    try {
      const message = await this.#connect(url, request, controller.signal, agent)
      finish(String(message.statusCode ?? 0))
      return message
    } catch (error) {
      finish(error instanceof Error ? error.message : String(error))
      throw error
    }
  }

  async #connect(url: URL, request: NetworkRequest, signal: AbortSignal, agent: http.Agent | undefined): Promise<http.IncomingMessage> {
    const headers: Record<string, string> = {
      'user-agent': userAgent,
      // A length and a range count the bytes of the file only when nothing is packed on the way.
      'accept-encoding': 'identity',
      ...request.headers,
    }
    const token = [this.#config.token, ...(this.#config.tokens ?? [])].find((known) => known?.origin === url.origin)
    if (token) headers.authorization = `Bearer ${token.token}`
    if (token?.cookie !== undefined) headers.cookie = `${token.cookie}=${token.token}`
    const options: SentOptions = {
      method: request.method ?? 'GET',
      headers,
      signal,
      highWaterMark: aheadBytes,
    }
    const by = { body: request.body, agent }
    const tried = this.#trust.context
    try {
      return await this.#attempt(url, options, by, tried)
    } catch (error) {
      // Nothing of the request was sent yet.
      if (!(error instanceof SnugError) || error.data.trouble !== 'issuer') throw error
      const wider = this.#trust.widen()
      if (wider === undefined || wider === tried) throw error
      return await this.#attempt(url, options, by, wider)
    }
  }

  async #attempt(
    url: URL,
    rest: SentOptions,
    { body, agent }: { body: string | undefined; agent: http.Agent | undefined },
    trusted?: tls.SecureContext,
  ): Promise<http.IncomingMessage> {
    const options = trusted === undefined ? rest : { ...rest, secureContext: trusted }
    const proxy = await this.#proxyOf(url)
    try {
      if (proxy !== null) return await answer(await throughTo(proxy, url, options), body)
      const straight = { ...options, agent }
      return await answer(url.protocol === 'https:' ? https.request(url, straight) : http.request(url, straight), body)
    } catch (error) {
      const refused = certificateError(url.protocol === 'https:' ? url.host : (proxy?.host ?? url.host), error)
      if (refused !== null || proxy === null) throw refused ?? error
      if (error instanceof SnugError && error.code === 'network/certificate') throw error
      throw proxyFailed(proxy, url, error instanceof Error ? error.message : String(error), error)
    }
  }

  /** The environment first, then the system. null: straight there. */
  async #proxyOf(url: URL): Promise<URL | null> {
    if (isLoopback(url.hostname)) return null
    const named = proxyFor(this.#config.proxy, url)
    return named === undefined ? proxyFromSystem(await this.systemProxy(url.origin)) : named
  }
}

async function throughTo(proxy: URL, url: URL, options: SentOptions): Promise<http.ClientRequest> {
  if (url.protocol === 'https:' || isSocks(proxy)) {
    const socket = await tunnel(proxy, url, options)
    // Without an agent: one connects by itself and leaves the tunnel unused. It is also who would know the port that needs no naming.
    const defaultPort = url.protocol === 'https:' ? 443 : 80
    const secure = () => tls.connect({ ...trustIn(options), socket, servername: url.hostname })
    return url.protocol === 'https:'
      ? https.request(url, { ...options, defaultPort, createConnection: secure })
      : http.request(url, { ...options, defaultPort, createConnection: () => socket })
  }
  const headers = { ...options.headers, host: url.host, ...proxyHeaders(proxy) }
  return requestOf(proxy, { ...options, path: url.href, headers })
}

function answer(request: http.ClientRequest, body: string | undefined): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.once('response', resolve)
    request.on('error', reject)
    request.end(body)
  })
}

function plainHeaders(headers: http.IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])))
}

function parse(address: string): URL {
  if (!URL.canParse(address)) throw new SnugError('usage/invalid', 'not an address', { address })
  const url = new URL(address)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw new SnugError('usage/invalid', 'only http and https', { address })
  return url
}

function isSameFile(a: NetworkEntry, b: NetworkEntry): boolean {
  return a.purpose === b.purpose && a.method === b.method && a.address === b.address && a.about === b.about && a.outcome === b.outcome
}

/** Signed addresses carry secrets in their query. */
function plain(url: URL): string {
  return `${url.origin}${url.pathname}`
}

function offlineError(): SnugError {
  return new SnugError('network/offline', 'offline: only this machine may be reached')
}

function unreachable(url: URL, reason: string, cause?: unknown): SnugError {
  return new SnugError('hub/unreachable', `${url.host} does not answer: ${reason}`, { host: url.host, reason }, { cause })
}

function reasonOf(signal: AbortSignal): SnugError {
  return signal.reason instanceof SnugError ? signal.reason : new SnugError('cancelled', 'cancelled')
}
