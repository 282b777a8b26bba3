import { createHash } from 'node:crypto'
import { basename } from 'node:path'
import type { LibraryModel } from '@shared/domain/library'
import { type RecommendedSampling, recommendedSampling } from '@shared/domain/preset'
import { isStarterModel, recommendedSystem, samplingOf } from '@shared/domain/starter'
import { saidActiveParameters } from '@shared/domain/gguf'
import type { ModelRow } from '../db/repositories/models'
import { partPaths } from '../platform/modelFolders'

/** Short, stable, and says nothing about the path. */
export function modelId(realPath: string): string {
  return createHash('sha256').update(realPath).digest('hex').slice(0, 16)
}

type Named = Pick<ModelRow, 'facts' | 'path' | 'repository'>

/** Ollama's blobs have no name of their own, so they go by the name that Ollama gives them. */
function fileNameOf({ path, repository }: Named): string {
  const file = basename(path)
  return repository?.startsWith('ollama/') && /^sha256-[0-9a-f]{64}$/.test(file) ? repository.slice('ollama/'.length) : file
}

/** What a person calls it. The starter's own header names it after a training run. */
export function nameOf(row: Named): string {
  if (row.facts !== null && isStarterModel(row.facts)) return 'SmolLM2 135M Instruct'
  return row.facts?.name ?? fileNameOf(row).replace(/(-\d{5}-of-\d{5})?\.gguf$/i, '')
}

export function newModelRow(id: string, path: string, at: number): ModelRow {
  return {
    id,
    path,
    sizeBytes: 0,
    mtimeMs: 0,
    headerSha: null,
    sha256: null,
    origin: 'added',
    state: 'own',
    facts: null,
    thinking: null,
    repository: null,
    revision: null,
    problem: null,
    measuredTokensPerSecond: null,
    addedAt: at,
    removedAt: null,
  }
}

/** Of a file's bytes, as far as it is known; a split one has the hash of its parts' hashes. */
export function hashOfParts(hashes: readonly string[]): string | null {
  if (hashes.length <= 1) return hashes[0] ?? null
  return createHash('sha256').update(hashes.join('\n')).digest('hex')
}

/** What tells these bytes from others: as they were read here, else as they came. Both are of all parts. null: not known, or not to be relied on. */
function identityOf({ state, fileSha256, sha256 }: ModelRow): string | null {
  return state === 'verified' || state === 'own' ? (fileSha256 ?? sha256) : null
}

/** What its source promised of each file; null where that is not known, or is of files that were split otherwise. */
export function promisedOf({ path, promisedSha256s }: Pick<ModelRow, 'path' | 'promisedSha256s'>): readonly string[] | null {
  return promisedSha256s?.length === partPaths(path).length ? promisedSha256s : null
}

/** Whose files have these hashes, as far as they were checked. */
export function rowsWithFiles(rows: readonly ModelRow[], hashes: readonly (string | null)[]): ModelRow[] {
  const known = hashes.flatMap((hash) => (hash === null ? [] : [hash]))
  if (known.length === 0 || known.length < hashes.length) return []
  const whole = hashOfParts(known)
  return rows.filter((row) => {
    if (row.removedAt !== null || partPaths(row.path).length !== known.length) return false
    return identityOf(row) === whole
  })
}

/** By hash: the ids of the other rows with the same bytes. `identity` tells two names of one file from two files. */
export function sameFiles(rows: readonly ModelRow[], identity: (id: string) => string): Map<string, string[]> {
  const byHash = new Map<string, ModelRow[]>()
  for (const row of rows) {
    const hash = identityOf(row)
    if (hash === null) continue
    const known = byHash.get(hash) ?? []
    if (!known.some((other) => identity(other.id) === identity(row.id))) byHash.set(hash, [...known, row])
  }
  const same = new Map<string, string[]>()
  for (const group of byHash.values())
    if (group.length > 1)
      for (const { id } of group)
        same.set(
          id,
          group.map((row) => row.id).filter((other) => other !== id),
        )
  return same
}

/** What the page sees. `catalogue`: what the catalogue recommends for its repository. */
export function viewOf(row: ModelRow, catalogue: RecommendedSampling | null = null): LibraryModel {
  const { facts } = row
  const recommended = recommendedSampling(facts?.sampling, catalogue ?? samplingOf(facts))
  const starter = facts !== null && isStarterModel(facts)
  return {
    id: row.id,
    path: row.path,
    fileName: fileNameOf(row),
    state: row.state,
    origin: row.origin,
    name: nameOf(row),
    architecture: facts?.architecture ?? '',
    parameters: facts?.parameters ?? 0,
    activeParameters: facts === null ? 0 : saidActiveParameters(facts),
    quantization: facts?.quantization ?? '',
    sizeBytes: row.sizeBytes,
    trainContextSize: facts?.trainContextSize ?? 0,
    thinking: row.thinking ?? { kind: 'none' },
    licence: facts?.licence ?? null,
    repository: row.repository,
    problem: row.problem,
    addedAt: row.addedAt,
    measuredTokensPerSecond: row.measuredTokensPerSecond,
    sampling: recommended?.values ?? null,
    samplingFrom: recommended?.from ?? null,
    preset: row.preset ?? null,
    checkedAt: row.checkedAt ?? null,
    recommendedSystem: recommendedSystem(facts),
    demonstration: facts?.scripted === true ? 'scripted' : starter ? 'starter' : null,
  }
}

/** The state of a file that is there. */
export function settled(row: ModelRow): ModelRow {
  if (row.problem !== null) return { ...row, state: 'damaged' }
  return { ...row, state: row.sha256 === null ? 'own' : 'verified' }
}
