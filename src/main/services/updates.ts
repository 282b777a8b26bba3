import { basename } from 'node:path'
import type { ModelUpdate, UpdateCheck } from '@shared/domain/library'
import { toErrorValue } from '@shared/errors'
import type { ModelRow } from '../db/repositories/models'
import type { Hub } from '../platform/hub'

/** Only where a person asked: is the file of the same name at the hub another one by now? What cannot be compared is not counted. */
export async function findUpdates(rows: readonly ModelRow[], hub: Pick<Hub, 'listing'>, signal?: AbortSignal): Promise<UpdateCheck> {
  const known = rows.filter((row) => /^(?!ollama\/)[\w.-]+\/[\w.-]+$/.test(row.repository ?? '') && (row.sha256 ?? row.fileSha256) != null)
  const byRepository = grouped(known)
  const updates: ModelUpdate[] = []
  let checked = 0
  let error: UpdateCheck['error'] = null
  for (const [repository, models] of byRepository) {
    try {
      const { groups, files, revision } = await hub.listing(repository, { signal })
      for (const row of models) {
        const file = files.find(({ path }) => basename(path) === basename(row.path))
        if (file === undefined || file.sha256 === null) continue
        checked++
        if (file.sha256 === (row.sha256 ?? row.fileSha256)) continue
        const group = groups.find(({ parts }) => parts.includes(file.path))
        updates.push({
          modelId: row.id,
          repository,
          revision,
          file: group?.file ?? file.path,
          sizeBytes: group?.sizeBytes ?? file.sizeBytes,
        })
      }
    } catch (caught) {
      const { code, message, data } = toErrorValue(caught)
      if (code === 'cancelled' || signal?.aborted === true) throw caught
      error = { code, message, data: data ?? {} }
    }
  }
  return { checked, updates, error }
}

function grouped(rows: readonly ModelRow[]): Map<string, ModelRow[]> {
  const groups = new Map<string, ModelRow[]>()
  for (const row of rows) groups.set(row.repository ?? '', [...(groups.get(row.repository ?? '') ?? []), row])
  return groups
}
