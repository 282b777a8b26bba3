import { sourceKind } from '@shared/domain/source'
import { SnugError } from '@shared/errors'
import type { DownloadRow } from '../db/repositories/downloads'
import type { FileGroup, HubListing } from '../platform/hubFiles'
import type { AddressedFile } from '../platform/remoteFile'
import { type Entry, newEntry } from './downloadEntry'
import type { DownloadsDependencies, Here, Started } from './downloadNeeds'
import {
  groupOf,
  hereRow,
  isBelow,
  isOutdated,
  isThere,
  isUnfinished,
  newAddressRow,
  newRow,
  receivedBytes,
  renewRow,
  targetOf,
} from './downloadRows'

interface StartsWork {
  entries: Map<string, Entry>
  now: () => number
  enqueue: (entry: Entry) => void
  resume: (id: string) => Promise<void>
  save: (entry: Entry) => void
}

/** From a name or an address to a row: the one that is there, or a new one. */
export class DownloadStarts {
  readonly #needs: DownloadsDependencies
  readonly #work: StartsWork
  readonly #starting = new Map<string, Promise<Started>>()

  constructor(needs: DownloadsDependencies, work: StartsWork) {
    this.#needs = needs
    this.#work = work
  }

  file(repository: string, file: string): Promise<Started> {
    return this.#once(`${repository}\n${file}`, () => this.#file(repository, file))
  }

  address(address: string): Promise<Started> {
    return this.#once(address, () => this.#address(address))
  }

  /** Asks what is there now; the row goes on with that. */
  async renew(entry: Entry): Promise<void> {
    const { row } = entry
    await renewRow(row, await this.#fresh(row), this.#needs.modelsFolder())
    entry.receivedBytes = receivedBytes(row)
    entry.verifiedBytes = 0
  }

  async #fresh({ repository, file }: DownloadRow): Promise<DownloadRow> {
    if (sourceKind(repository) === 'address')
      return newAddressRow(await this.#lookAt(repository), this.#needs.modelsFolder(), this.#work.now())
    const listing = await this.#needs.hub.listing(repository)
    return newRow(listing, groupIn(listing, file), this.#needs.modelsFolder(), this.#work.now())
  }

  async #lookAt(address: string): Promise<AddressedFile> {
    if (this.#needs.lookAt === undefined) throw new SnugError('internal/bug', 'no addresses here')
    return await this.#needs.lookAt(address)
  }

  #once(key: string, start: () => Promise<Started>): Promise<Started> {
    const starting = this.#starting.get(key) ?? start().finally(() => this.#starting.delete(key))
    this.#starting.set(key, starting)
    return starting
  }

  async #address(address: string): Promise<Started> {
    const found = await this.#lookAt(address)
    const same = ({ row }: Entry) => (row.revision === found.revision && row.state !== 'cancelled') || isOutdated(row)
    const known = this.#of(found.address).find(same)
    if (known !== undefined && isUnfinished(known.row)) return await this.#again(known)
    if (known !== undefined && (await isThere(known.row))) return { id: known.row.id, here: targetOf(known.row) }
    return this.#add(newAddressRow(found, this.#needs.modelsFolder(), this.#work.now()))
  }

  async #file(repository: string, file: string): Promise<Started> {
    const known = this.#unfinished(repository, file)
    if (known !== undefined) return await this.#again(known)
    const listing = await this.#needs.hub.listing(repository)
    const group = groupIn(listing, file)
    const first = this.#unfinished(repository, group.file)
    if (first !== undefined) return await this.#again(first)
    for (const { row } of this.#of(repository)) {
      const same = row.file === group.file && row.state === 'done' && row.revision === listing.revision
      if (same && (await isThere(row))) return { id: row.id, here: targetOf(row) }
    }
    const hashes = group.parts.map((part) => listing.files.find(({ path }) => path === part)?.sha256 ?? null)
    const here = (await this.#needs.here?.(hashes)) ?? null
    if (here !== null) return this.#keepHere(listing, group, here)
    return this.#add(newRow(listing, group, this.#needs.modelsFolder(), this.#work.now()))
  }

  /** It was moved since it came, or came another way: nothing is fetched. */
  #keepHere(listing: HubListing, group: FileGroup, { modelId, path }: Here): Started {
    const done = this.#of(listing.repository).find(({ row }) => row.state === 'done' && row.modelId === modelId)
    if (done !== undefined) return { id: done.row.id, here: path }
    this.#forgetFinished(listing.repository, group.file)
    const entry = newEntry(hereRow(newRow(listing, group, this.#needs.modelsFolder(), this.#work.now()), modelId))
    this.#work.entries.set(entry.row.id, entry)
    this.#work.save(entry)
    return { id: entry.row.id, here: path }
  }

  #add(row: DownloadRow): Started {
    this.#forgetFinished(row.repository, row.file)
    const entry = newEntry(row)
    this.#work.entries.set(row.id, entry)
    this.#work.enqueue(entry)
    return { id: row.id }
  }

  #unfinished(repository: string, file: string): Entry | undefined {
    return this.#of(repository).find(({ row }) => isUnfinished(row) && row.parts.some((part) => part.file === file))
  }

  /** A file for another folder (`--to`) is another download. */
  #of(repository: string): Entry[] {
    const folder = this.#needs.modelsFolder()
    return [...this.#work.entries.values()].filter(({ row }) => row.repository === repository && isBelow(row.folder, folder))
  }

  async #again(entry: Entry): Promise<Started> {
    if (entry.row.state === 'paused' || entry.row.state === 'failed') await this.#work.resume(entry.row.id)
    else if (entry.running === null) this.#work.enqueue(entry)
    return { id: entry.row.id }
  }

  /** Old rows of the same file that are over: the new one takes their place in the list. */
  #forgetFinished(repository: string, file: string): void {
    for (const { row } of this.#of(repository)) {
      if (row.file !== file || isUnfinished(row)) continue
      this.#work.entries.delete(row.id)
      this.#needs.rows.delete(row.id)
    }
  }
}

function groupIn(listing: HubListing, file: string): FileGroup {
  const { repository } = listing
  const group = groupOf(listing, file)
  if (group === undefined) throw new SnugError('hub/not-found', `${repository} has no such model file`, { repository, file })
  return group
}
