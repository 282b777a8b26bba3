import { hfMirror, huggingFace } from '@shared/domain/settings'
import type { Network } from './network'

/** Asked again after this long: networks change. */
const freshMs = 10 * 60_000
const probeMs = 6_000

export interface EndpointsOptions {
  network: Pick<Network, 'text'>
  /** What the person chose, where that is one address. */
  fixed: () => string
  /** Whether the fastest may be taken. */
  automatic: () => boolean
  /** The first is the origin. */
  candidates: () => string[]
  now?: () => number
}

/** The origin first, then what has the same files. A hub of one's own has no mirror but the one that is named with it. */
export function candidates(fixed: string, custom: string | null): string[] {
  const known = fixed === huggingFace || fixed === hfMirror ? [huggingFace, hfMirror] : [fixed]
  return [...new Set([...known, ...(custom === null ? [] : [custom.replace(/\/+$/, '')])])]
}

interface Probe {
  at: number
  key: string
  /** Those that answered, fastest first. */
  answered: string[]
  first: Promise<void>
  each: Map<string, Promise<void>>
}

/** Which hub is asked: the chosen one, or the one that answers fastest. What a file must be is asked at its origin while that answers. */
export class Endpoints {
  readonly #options: EndpointsOptions
  #probe: Probe | null = null

  constructor(options: EndpointsOptions) {
    this.#options = options
  }

  get current(): string {
    const { automatic, fixed } = this.#options
    if (!automatic()) return fixed()
    return this.#probe?.answered[0] ?? this.#options.candidates()[0] ?? fixed()
  }

  /** Others that answered: they may go on with a file. */
  mirrors(): string[] {
    if (!this.#options.automatic()) return []
    return (this.#probe?.answered ?? []).filter((endpoint) => endpoint !== this.current)
  }

  /** Until one has answered, or none does. */
  async ready(): Promise<void> {
    if (this.#options.automatic()) await this.#fresh().first
  }

  /** Where names, sizes and hashes are asked: never at a mirror while the origin answers. */
  async origin(): Promise<string> {
    if (!this.#options.automatic()) return this.#options.fixed()
    const probe = this.#fresh()
    const [origin] = this.#options.candidates()
    if (origin === undefined) return this.current
    await probe.each.get(origin)
    if (!probe.answered.includes(origin)) await probe.first
    return probe.answered.includes(origin) ? origin : this.current
  }

  /** The one that was asked did not answer: the next question looks again. */
  failed(): void {
    this.#probe = null
  }

  #fresh(): Probe {
    const now = (this.#options.now ?? Date.now)()
    const all = this.#options.candidates()
    const key = all.join('\n')
    if (this.#probe !== null && this.#probe.key === key && now - this.#probe.at < freshMs) return this.#probe
    const answered: string[] = []
    const each = new Map<string, Promise<void>>()
    let found = () => {}
    const one = new Promise<void>((resolve) => {
      found = resolve
    })
    for (const endpoint of all) {
      const asked = this.#ask(endpoint).then((answers) => {
        if (answers) answered.push(endpoint)
        if (answers) found()
      })
      each.set(endpoint, asked)
    }
    const settled = Promise.all(each.values()).then(() => {
      // Offline now says nothing about the next minute.
      if (answered.length === 0 && this.#probe === probe) this.#probe = null
    })
    const probe: Probe = { at: now, key, answered, first: Promise.race([one, settled]), each }
    this.#probe = probe
    return probe
  }

  async #ask(endpoint: string): Promise<boolean> {
    const request = { purpose: 'fastest' as const, headers: { accept: 'application/json' }, timeoutMs: probeMs }
    try {
      const { status, text } = await this.#options.network.text(`${endpoint}/api/models?limit=1`, request, 1024 * 1024)
      // The sign-in page of a hotel answers 200 as well.
      return status === 200 && Array.isArray(JSON.parse(text))
    } catch {
      // It does not answer, or not as a hub: the others are there for that.
      return false
    }
  }
}
