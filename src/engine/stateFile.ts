import { readFile, stat } from 'node:fs/promises'
import type { Bytes } from '@shared/domain/units'
import type { LoadedModel, LoadRequest } from '@shared/engine/protocol'
import { SnugError } from '@shared/errors'

interface StateOwner {
  loaded: LoadedModel
  request: LoadRequest
  modelBytes: Bytes
}

export const stateNotePath = (path: string) => `${path}.json`

/** What a saved state belongs to: loading another model's state can end the process, so a state without this exact note is refused. */
export function stateNote({ loaded, request, modelBytes }: StateOwner): string {
  return JSON.stringify({
    snugState: 1,
    model: request.path,
    modelBytes,
    contextSize: loaded.contextSize,
    kvCacheType: loaded.kvCacheType,
    flashAttention: loaded.flashAttention,
  })
}

export async function readStateNote(path: string, owner: StateOwner): Promise<{ bytes: Bytes }> {
  let note: string
  let bytes: Bytes
  try {
    note = await readFile(stateNotePath(path), 'utf8')
    bytes = (await stat(path)).size
  } catch (error) {
    throw new SnugError('usage/invalid', 'no saved state of ours', { path }, { cause: error })
  }
  if (note !== stateNote(owner)) throw new SnugError('usage/invalid', 'the saved state belongs to another model or context', { path })
  return { bytes }
}
