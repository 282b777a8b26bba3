import { basename } from 'node:path'
import { z } from 'zod'
import type { ModelUpdate, UpdateCheck } from '@shared/domain/library'
import { toErrorValue } from '@shared/errors'
import type { ModelRow } from '../db/repositories/models'
import type { Hub } from '../platform/hub'
import type { HubListing } from '../platform/hubFiles'
import { partPaths } from '../platform/modelFolders'
import { hashOfParts, promisedOf } from './libraryRows'

export interface UpdatesDependencies {
  models: () => readonly ModelRow[]
  hub: Pick<Hub, 'listing'>
  /** Kept over a quit: asking again costs requests. */
  rows: { all(): Map<string, string>; put(values: Record<string, unknown>): void }
  now?: () => number
}

const key = 'updateCheck'
const update = z.object({ modelId: z.string(), repository: z.string(), revision: z.string(), file: z.string(), sizeBytes: z.number() })
const kept = z.object({ at: z.number(), checked: z.number(), updates: z.array(update) })

/** Only where a person asked: are the files of the same names at the hub other ones by now? What cannot be compared is not counted. */
export class UpdatesService {
  readonly #needs: UpdatesDependencies

  constructor(needs: UpdatesDependencies) {
    this.#needs = needs
  }

  /** What the hub said when it was asked last, less what is gone or was replaced since; null: it was never asked. */
  last(): UpdateCheck | null {
    const text = this.#needs.rows.all().get(key)
    const found = text === undefined ? null : kept.safeParse(parsed(text))
    if (found?.success !== true) return null
    const rows = new Map(this.#needs.models().map((row) => [row.id, row]))
    const updates = found.data.updates.filter(({ modelId, revision }) => {
      const row = rows.get(modelId)
      return row !== undefined && row.removedAt === null && row.revision !== revision
    })
    return { ...found.data, updates, error: null }
  }

  async check(signal?: AbortSignal): Promise<UpdateCheck> {
    const known = this.#needs.models().filter((row) => isAsked(row.repository) && hasHash(row))
    const updates: ModelUpdate[] = []
    let checked = 0
    let error: UpdateCheck['error'] = null
    for (const [repository, models] of grouped(known)) {
      try {
        const listing = await this.#needs.hub.listing(repository, { signal })
        for (const row of models) {
          const found = this.#compare(row, listing)
          if (found === null) continue
          checked++
          if (found.update !== null) updates.push(found.update)
        }
      } catch (caught) {
        const { code, message, data } = toErrorValue(caught)
        if (code === 'cancelled' || signal?.aborted === true) throw caught
        error = { code, message, data: data ?? {} }
      }
    }
    const at = (this.#needs.now ?? Date.now)()
    this.#needs.rows.put({ [key]: { at, checked, updates } })
    return { at, checked, updates, error }
  }

  /** Every part counts: a maker may have changed the last one alone. null: nothing to compare. */
  #compare(row: ModelRow, { repository, revision, files, groups }: HubListing): { update: ModelUpdate | null } | null {
    const names = partPaths(row.path).map((path) => basename(path))
    const own = promisedOf(row)
    const theirs = names.map((name) => files.find(({ path }) => basename(path) === name))
    const there = theirs[0]
    if (there === undefined) return null
    const hashes = theirs.flatMap((file) => (file?.sha256 == null ? [] : [file.sha256]))
    const whole = hashes.length === names.length ? hashOfParts(hashes) : null
    const pairs = own === null ? [] : theirs.flatMap((file, at) => (file?.sha256 == null ? [] : [own[at] === file.sha256]))
    if (own === null && whole !== null) pairs.push(row.fileSha256 === whole)
    // Files that were split otherwise are other files.
    if (theirs.includes(undefined)) pairs.push(false)
    if (pairs.length === 0) return null
    if (!pairs.includes(false)) return { update: null }
    const group = groups.find(({ parts }) => parts.includes(there.path))
    return {
      update: { modelId: row.id, repository, revision, file: group?.file ?? there.path, sizeBytes: group?.sizeBytes ?? there.sizeBytes },
    }
  }
}

/** At a hub: Ollama's registry names no file, and an address is no repository. */
function isAsked(repository: string | null): boolean {
  return /^(ms:)?(?!ollama\/)[\w.-]+\/[\w.-]+$/.test(repository ?? '')
}

function hasHash(row: ModelRow): boolean {
  return promisedOf(row) !== null || row.fileSha256 != null
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Written by another hand: it counts as never asked.
    return null
  }
}

function grouped(rows: readonly ModelRow[]): Map<string, ModelRow[]> {
  const groups = new Map<string, ModelRow[]>()
  for (const row of rows) groups.set(row.repository ?? '', [...(groups.get(row.repository ?? '') ?? []), row])
  return groups
}
