import { createHash } from 'node:crypto'
import type { Migration } from '../migrate'

interface Model {
  id: string
  path: string
  sha256: string | null
  fileSha256: string | null
  checkedAt: number | null
  origin: string
  state: string
}

/**
 * What a source promised of each file stays with the model. It was in the row of the download alone, which goes; the model kept the hash of
 * the first part and called that the whole. A split model whose parts nobody remembers is not verified, and what was read of it may have
 * been the first part only.
 */
export const promisedHashes: Migration = {
  version: 10,
  up: (db) => {
    db.exec('ALTER TABLE models ADD COLUMN promisedSha256s TEXT')
    const downloaded = db.prepare<[string], { parts: string }>(
      "SELECT parts FROM downloads WHERE modelId = ? AND state = 'done' ORDER BY updatedAt DESC, id",
    )
    const save = db.prepare('UPDATE models SET promisedSha256s = ?, sha256 = ?, fileSha256 = ?, checkedAt = ?, state = ? WHERE id = ?')
    for (const row of db.prepare<[], Model>('SELECT id, path, sha256, fileSha256, checkedAt, origin, state FROM models').all()) {
      const count = partsIn(row.path)
      const promised =
        downloaded
          .all(row.id)
          .map(({ parts }) => hashesIn(parts))
          .find((hashes) => hashes.length === count && (row.sha256 === null || hashes[0] === row.sha256)) ??
        (count === 1 && row.sha256 !== null ? [row.sha256] : null)
      const sha256 = row.sha256 === null || promised === null ? null : wholeOf(promised)
      const doubtful = count > 1 && (row.origin === 'download' || row.sha256 !== null)
      const { fileSha256, checkedAt } = doubtful ? { fileSha256: null, checkedAt: null } : row
      const state = row.state === 'verified' && sha256 === null ? 'own' : row.state
      save.run(promised === null ? null : JSON.stringify(promised), sha256, fileSha256, checkedAt, state, row.id)
    }
  },
}

function partsIn(path: string): number {
  const count = Number(/-\d{5}-of-(\d{5})\.gguf$/i.exec(path)?.[1] ?? 1)
  return count < 2 || count > 999 ? 1 : count
}

/** Of all parts, or none. */
function hashesIn(parts: string): string[] {
  const rows = JSON.parse(parts) as { sha256?: string | null }[]
  const hashes = rows.flatMap(({ sha256 }) => sha256 ?? [])
  return hashes.length === rows.length ? hashes : []
}

function wholeOf(hashes: readonly string[]): string | null {
  if (hashes.length <= 1) return hashes[0] ?? null
  return createHash('sha256').update(hashes.join('\n')).digest('hex')
}
