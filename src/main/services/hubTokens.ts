import { originIn } from '@shared/domain/endpoint'
import { SnugError } from '@shared/errors'
import type { HubToken, HubTokens } from '@shared/ipc/app'
import { type Log, silentLog } from '@shared/log'
import type { HostToken } from '../platform/networkConfig'
import type { SealedFile, SecretBox } from '../platform/sealedFile'
import { isLoopback } from '../platform/redirects'

/** A hub for which a token can be given. */
export interface TokenPlace {
  address: string
  hub: HubToken['hub']
  /** The cookie by which that hub takes it as well. */
  cookie?: string
}

export interface HubTokensDependencies {
  /** The hubs that the settings name now. */
  places: () => TokenPlace[]
  /** What the environment gives; it wins. */
  environment: readonly (HostToken & { variable: string })[]
  box: SecretBox
  file: Pick<SealedFile, 'read' | 'write'>
  /** All tokens, those of the environment first. */
  apply: (tokens: HostToken[]) => void
  log?: Log
}

/** Fewer letters than this are not shown at all: they would be half of the token. */
const shownFrom = 12

/** Access tokens, one for each origin. What leaves this class for the page is their last four characters. */
export class HubTokensService {
  readonly #needs: HubTokensDependencies
  readonly #log: Log
  readonly #tokens = new Map<string, { token: string; kept: boolean }>()
  /** Sealed by another user, machine or key store. */
  readonly #unreadable = new Map<string, string>()

  constructor(needs: HubTokensDependencies) {
    this.#needs = needs
    this.#log = needs.log ?? silentLog
    this.#load()
    this.#apply()
  }

  list(): HubTokens {
    const places = new Map<string, TokenPlace>()
    for (const { origin, ...place } of this.#places()) places.set(origin, places.get(origin) ?? place)
    // A hub that the settings no longer name: its token can still be removed.
    for (const origin of [...this.#tokens.keys(), ...this.#unreadable.keys()])
      if (!places.has(origin)) places.set(origin, { address: origin, hub: 'other' })
    return {
      keeps: this.#needs.box.available(),
      hubs: [...places].map(([origin, { hub }]) => ({
        origin,
        host: new URL(origin).host,
        hub,
        safe: isSafe(origin),
        ...this.#known(origin),
      })),
    }
  }

  set(address: string, text: string): HubTokens {
    const origin = this.#place(address)
    const token = text.trim()
    // Never in the message: this error is written down.
    if (!/^[\x21-\x7e]{4,500}$/.test(token)) throw new SnugError('usage/invalid', 'this is no token', { origin })
    if (!isSafe(origin)) throw new SnugError('usage/invalid', 'a token is not sent without encryption to another machine', { origin })
    this.#unreadable.delete(origin)
    this.#tokens.set(origin, { token, kept: this.#needs.box.available() })
    this.#save()
    this.#apply()
    return this.list()
  }

  remove(address: string): HubTokens {
    const origin = originOf(address)
    this.#tokens.delete(origin)
    this.#unreadable.delete(origin)
    this.#save()
    this.#apply()
    return this.list()
  }

  #known(origin: string): Pick<HubToken, 'end' | 'from' | 'variable'> {
    const given = this.#needs.environment.find((token) => token.origin === origin)
    if (given !== undefined) return { end: endOf(given.token), from: 'environment', variable: given.variable }
    const stored = this.#tokens.get(origin)
    if (stored !== undefined) return { end: endOf(stored.token), from: stored.kept ? 'stored' : 'this-run', variable: null }
    return { end: null, from: this.#unreadable.has(origin) ? 'unreadable' : null, variable: null }
  }

  /** What is no address takes no token; whoever asks there says what is wrong with it. */
  #places(): (TokenPlace & { origin: string })[] {
    return this.#needs.places().flatMap((place) => {
      const origin = originIn(place.address)
      return origin === null ? [] : [{ ...place, origin }]
    })
  }

  #place(address: string): string {
    const origin = originOf(address)
    const known = this.#places().some((place) => place.origin === origin)
    if (!known) throw new SnugError('usage/invalid', 'the settings name no such hub', { origin })
    return origin
  }

  #load(): void {
    const { file, box } = this.#needs
    let sealed: Record<string, string>
    try {
      sealed = file.read()
    } catch (error) {
      this.#log.warn('the file of the access tokens cannot be read', { error: error instanceof Error ? error.name : 'unknown' })
      return
    }
    const entries = Object.entries(sealed).filter(([origin]) => originIn(origin) === origin)
    // Asking the key store may ask the person: not without a reason.
    if (entries.length === 0) return
    const available = box.available()
    for (const [origin, text] of entries) {
      const token = available ? this.#open(text) : null
      if (token === null) this.#unreadable.set(origin, text)
      else this.#tokens.set(origin, { token, kept: true })
    }
    if (this.#unreadable.size > 0) this.#log.warn('access tokens that the key store does not open', { count: this.#unreadable.size })
  }

  #open(sealed: string): string | null {
    try {
      return this.#needs.box.open(sealed)
    } catch {
      // Sealed by another key: told as unreadable, and asked for again.
      return null
    }
  }

  #save(): void {
    const { box, file } = this.#needs
    const kept = [...this.#tokens].filter(([, { kept: keeps }]) => keeps).map(([origin, { token }]) => [origin, box.seal(token)])
    file.write(Object.fromEntries([...this.#unreadable, ...kept]))
  }

  #apply(): void {
    const stored = [...this.#tokens].map(([origin, { token }]): HostToken => {
      const cookie = this.#places().find((place) => place.origin === origin)?.cookie
      return { origin, token, ...(cookie === undefined ? {} : { cookie }) }
    })
    const given = this.#needs.environment.map(({ variable: _variable, ...token }) => token)
    this.#needs.apply([...given, ...stored])
  }
}

/** Whoever listens on the way could read it: only over TLS, or inside this machine. */
function isSafe(origin: string): boolean {
  const { protocol, hostname } = new URL(origin)
  return protocol === 'https:' || isLoopback(hostname)
}

function originOf(address: string): string {
  const origin = originIn(address)
  if (origin === null) throw new SnugError('usage/invalid', 'not an address')
  return origin
}

function endOf(token: string): string {
  return token.length < shownFrom ? '' : token.slice(-4)
}
