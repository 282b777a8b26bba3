import { createHash } from 'node:crypto'
import { basename } from 'node:path'
import type { LibraryModel } from '@shared/domain/library'
import { type RecommendedSampling, recommendedSampling } from '@shared/domain/preset'
import { isStarterModel, recommendedSystem } from '@shared/domain/starter'
import type { ModelRow } from '../db/repositories/models'

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

/** What the page sees. `catalogue`: what the catalogue recommends for its repository. */
export function viewOf(row: ModelRow, catalogue: RecommendedSampling | null = null): LibraryModel {
  const { facts } = row
  const recommended = recommendedSampling(facts?.sampling, catalogue)
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
    activeParameters: facts?.activeParameters ?? 0,
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
    recommendedSystem: recommendedSystem(facts),
    demonstration: facts?.scripted === true ? 'scripted' : starter ? 'starter' : null,
  }
}
