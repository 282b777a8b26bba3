import { sep } from 'node:path'
import type { FolderSpace } from '@shared/domain/library'
import type { ModelRow } from '../db/repositories/models'

type Placed = Pick<ModelRow, 'path' | 'sizeBytes' | 'state'>

/** Models that are there, by the folder that they lie in; one folder may lie in another. */
export async function folderSpace(
  folders: readonly string[],
  rows: readonly Placed[],
  disk: (folder: string) => Promise<{ total: number; free: number } | null>,
): Promise<FolderSpace[]> {
  const spaces: FolderSpace[] = []
  for (const path of folders) {
    const found = await disk(path)
    if (found === null) continue
    const inside = path.endsWith(sep) ? path : path + sep
    const models = rows.filter((row) => row.state !== 'missing' && row.path.startsWith(inside))
    const modelBytes = models.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
    spaces.push({ path, models: models.length, modelBytes, totalBytes: found.total, freeBytes: found.free })
  }
  return spaces
}
