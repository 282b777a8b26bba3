import { expect, test } from 'vitest'
import { SnugError } from '@shared/errors'
import type { HubListing } from '../platform/hubFiles'
import { newModelRow } from './libraryRows'
import { findUpdates } from './updates'

const listing = (sha256: string): HubListing => ({
  repository: 'maker/model',
  revision: 'b'.repeat(40),
  licence: null,
  groups: [{ quantization: 'Q4_0', file: 'sub/m.gguf', parts: ['sub/m.gguf'], sizeBytes: 9, sha256 }],
  files: [{ path: 'sub/m.gguf', sizeBytes: 9, sha256, gitSha1: null }],
  projectors: [],
})
const row = (id: string, repository: string | null, sha256: string | null) => ({
  ...newModelRow(id, `/models/${id}/m.gguf`, 1),
  repository,
  sha256,
})

test('another hash at the hub is an update; what has no hash or no hub is not asked about', async () => {
  const asked: string[] = []
  const hub = { listing: async (repository: string) => (asked.push(repository), listing('new')) }
  const rows = [
    row('a', 'maker/model', 'old'),
    row('b', 'maker/model', 'new'),
    row('c', null, 'x'),
    row('d', 'ollama/x:1', 'y'),
    row('e', 'maker/other', null),
  ]
  const found = await findUpdates(rows, hub)
  expect(asked).toEqual(['maker/model'])
  expect(found).toEqual({
    checked: 2,
    updates: [{ modelId: 'a', repository: 'maker/model', revision: 'b'.repeat(40), file: 'sub/m.gguf', sizeBytes: 9 }],
    error: null,
  })
})

test('a repository that cannot be asked does not hide the others', async () => {
  const hub = {
    listing: async (repository: string) => {
      if (repository === 'maker/gone') throw new SnugError('hub/not-found', 'gone')
      return listing('new')
    },
  }
  const found = await findUpdates([row('g', 'maker/gone', 'z'), row('a', 'maker/model', 'old')], hub)
  expect(found).toMatchObject({ checked: 1, updates: [{ modelId: 'a' }], error: { code: 'hub/not-found' } })
})
