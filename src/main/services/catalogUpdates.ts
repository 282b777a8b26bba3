import { readFileSync, rmSync, statSync } from 'node:fs'
import { z } from 'zod'
import type { Catalog } from '@shared/domain/catalog'
import { hubAddress } from '@shared/domain/endpoint'
import { SnugError } from '@shared/errors'
import type { CatalogTrouble } from '@shared/i18n/errorWords'
import type { CatalogInfo } from '@shared/ipc/discover'
import { type Log, silentLog } from '@shared/log'
import type { Network } from '../platform/network'
import { writeWhole } from '../platform/wholeFile'
import { loadCatalog, parseCatalog } from './catalog'
import type { SettingsService } from './settings'

/** Twenty times the one that is shipped. */
const maxBytes = 4 * 1024 * 1024
const dayMs = 86_400_000

const stored = z.object({ address: z.string().max(2_048), fetchedAt: z.number(), catalog: z.unknown() })

export interface CatalogUpdatesDependencies {
  network: Pick<Network, 'text'>
  /** They say where a catalogue lies: the project has no place of its own. An address that gave one is remembered. */
  settings: Pick<SettingsService, 'get' | 'set'>
  /** In the data folder. */
  file: string
  shipped?: () => Catalog
  now?: () => number
  log?: Log
}

/** The shipped catalogue, or a newer one that the person asked for. Nothing is asked by itself. */
export class CatalogUpdates {
  readonly #needs: CatalogUpdatesDependencies
  readonly #log: Log
  #shipped: Catalog | undefined
  #fetched: { catalog: Catalog; address: string; fetchedAt: number } | null | undefined

  constructor(needs: CatalogUpdatesDependencies) {
    this.#needs = needs
    this.#log = needs.log ?? silentLog
  }

  /** Read and checked when it is first needed. */
  get current(): Catalog {
    this.#shipped ??= (this.#needs.shipped ?? loadCatalog)()
    this.#fetched ??= this.#read()
    // A newer Snug may bring a newer one.
    return this.#fetched !== null && this.#fetched.catalog.updated > this.#shipped.updated ? this.#fetched.catalog : this.#shipped
  }

  info(): CatalogInfo {
    const { updated, entries } = this.current
    const fetched = this.#fetched != null && this.#fetched.catalog === this.current ? this.#fetched : null
    return {
      updated,
      models: entries.length,
      fetched: fetched === null ? null : { address: fetched.address, at: fetched.fetchedAt },
      address: this.#needs.settings.get().catalogAddress,
    }
  }

  /** Asks one address once. What is wrong or older is refused as a whole, and what was there stays. */
  async update(given: string | null, signal?: AbortSignal): Promise<CatalogInfo> {
    const named = given ?? this.#needs.settings.get().catalogAddress
    if (named === null) throw new SnugError('catalog/no-address', 'no address of a catalogue is known')
    const address = catalogAddress(named)
    if (address === null) throw new SnugError('catalog/no-address', 'this is no address of a catalogue', { address: named })
    const raw = await this.#ask(address, signal)
    const catalog = this.#checked(raw, address)
    const fetchedAt = (this.#needs.now ?? Date.now)()
    writeWhole(this.#needs.file, JSON.stringify({ address, fetchedAt, catalog: raw }))
    this.#fetched = { catalog, address, fetchedAt }
    this.#needs.settings.set({ catalogAddress: address })
    return this.info()
  }

  /** Back to the one that came with Snug. */
  revert(): CatalogInfo {
    rmSync(this.#needs.file, { force: true })
    this.#fetched = null
    return this.info()
  }

  async #ask(address: string, signal: AbortSignal | undefined): Promise<unknown> {
    const headers = { accept: 'application/json' }
    const request = { purpose: 'catalogue' as const, headers, ...(signal === undefined ? {} : { signal }) }
    const answer = await this.#needs.network.text(address, request, maxBytes).catch((error: unknown) => {
      // Of the answers that a hub may give wrongly, a catalogue can only be too long or lead elsewhere.
      if (error instanceof SnugError && error.code === 'hub/bad-answer') throw refused(address, 'answer', error.message, error)
      throw error
    })
    if (answer.status !== 200) throw refused(address, 'answer', String(answer.status))
    try {
      return JSON.parse(answer.text)
    } catch (cause) {
      throw refused(address, 'json', '', cause)
    }
  }

  #checked(raw: unknown, address: string): Catalog {
    let catalog: Catalog
    try {
      catalog = parseCatalog(raw)
    } catch (cause) {
      throw refused(address, 'shape', placeOf(cause), cause)
    }
    const { updated } = catalog
    const tomorrow = new Date((this.#needs.now ?? Date.now)() + dayMs).toISOString().slice(0, 10)
    // It would stand before every catalogue that is shipped from then on.
    if (updated > tomorrow) throw refused(address, 'date', updated)
    const here = this.current.updated
    if (updated < here) throw new SnugError('catalog/older', `it is of ${updated}, this one of ${here}`, { address, there: updated, here })
    return catalog
  }

  #read(): { catalog: Catalog; address: string; fetchedAt: number } | null {
    const { file } = this.#needs
    try {
      if (statSync(file).size > maxBytes * 2) throw new RangeError('too long')
      const { address, fetchedAt, catalog } = stored.parse(JSON.parse(readFileSync(file, 'utf8')))
      return { address, fetchedAt, catalog: parseCatalog(catalog) }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
        this.#log.warn('the fetched catalogue cannot be used; the shipped one is', error)
      return null
    }
  }
}

/** null: none of the web. The query stays: it may name a version. */
function catalogAddress(text: string): string | null {
  const base = hubAddress(text)
  if (base === null) return null
  return /^https?:\/\//i.test(text.trim()) ? new URL(text.trim()).href : base
}

function refused(address: string, trouble: CatalogTrouble, detail: string, cause?: unknown): SnugError {
  return new SnugError('catalog/refused', `no catalogue that can be used: ${trouble} ${detail}`, { address, trouble, detail }, { cause })
}

/** Where the first thing is wrong, such as `entries.3.layers.blocks`. */
function placeOf(cause: unknown): string {
  const [issue] = cause instanceof z.ZodError ? cause.issues : []
  if (issue === undefined) return cause instanceof Error ? cause.message : 'another shape'
  return issue.path.length === 0 ? 'another shape' : issue.path.join('.').slice(0, 200)
}
