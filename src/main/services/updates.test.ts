import { expect, test } from 'vitest'
import { SnugError } from '@shared/errors'
import type { HubListing } from '../platform/hubFiles'
import { hashOfParts, newModelRow } from './libraryRows'
import { type UpdatesDependencies, UpdatesService } from './updates'

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
  promisedSha256s: sha256 === null ? null : [sha256],
})

function service(needs: Partial<UpdatesDependencies> & Pick<UpdatesDependencies, 'hub'>, rows: ReturnType<typeof row>[]): UpdatesService {
  const stored = new Map<string, string>()
  const put = (values: Record<string, unknown>) => {
    for (const [name, value] of Object.entries(values)) stored.set(name, JSON.stringify(value))
  }
  return new UpdatesService({ models: () => rows, rows: { all: () => stored, put }, now: () => 7, ...needs })
}

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
  const updates = service({ hub }, rows)
  expect(updates.last()).toBe(null)
  const found = await updates.check()
  expect(asked).toEqual(['maker/model'])
  expect(found).toEqual({
    at: 7,
    checked: 2,
    updates: [{ modelId: 'a', repository: 'maker/model', revision: 'b'.repeat(40), file: 'sub/m.gguf', sizeBytes: 9 }],
    error: null,
  })
  expect(updates.last()).toEqual(found)
  rows[0] = { ...row('a', 'maker/model', 'new'), revision: 'b'.repeat(40) }
  expect(updates.last()?.updates).toEqual([])
})

test('every part of a split file is compared, by what was promised of it or by the bytes of the whole', async () => {
  const name = (part: number) => `m-0000${part}-of-00003.gguf`
  const split = (hashes: string[]): HubListing => ({
    ...listing('x'),
    groups: [{ quantization: 'Q4_0', file: name(1), parts: [1, 2, 3].map(name), sizeBytes: 27, sha256: hashes[0] ?? null }],
    files: hashes.map((sha256, at) => ({ path: name(at + 1), sizeBytes: 9, sha256, gitSha1: null })),
  })
  const model = { ...row('s', 'maker/model', null), path: `/models/${name(1)}` }
  const mine = ['a', 'b', 'c']
  const ask = async (hashes: string[], of: ReturnType<typeof row>) =>
    await service({ hub: { listing: async () => split(hashes) } }, [of]).check()
  const files = async (hashes: string[], of: ReturnType<typeof row>) => (await ask(hashes, of)).updates.map(({ file }) => file)
  const arrived = { ...model, sha256: hashOfParts(mine), promisedSha256s: mine }
  expect(await ask(mine, arrived)).toMatchObject({ checked: 1, updates: [] })
  expect(await files(['a', 'b', 'z'], arrived)).toEqual([name(1)])
  expect(await files(['a', 'b'], arrived)).toEqual([name(1)])
  const read = { ...model, fileSha256: hashOfParts(mine) }
  expect(await ask(mine, read)).toMatchObject({ checked: 1, updates: [] })
  expect(await files(['a', 'b', 'z'], read)).toEqual([name(1)])
  // Of nothing but its first part nothing can be said.
  expect(await ask(['a', 'b', 'z'], { ...model, promisedSha256s: ['a'] })).toMatchObject({ checked: 0, updates: [] })
})

test('a repository that cannot be asked does not hide the others', async () => {
  const hub = {
    listing: async (repository: string) => {
      if (repository === 'maker/gone') throw new SnugError('hub/not-found', 'gone')
      return listing('new')
    },
  }
  const found = await service({ hub }, [row('g', 'maker/gone', 'z'), row('a', 'maker/model', 'old')]).check()
  expect(found).toMatchObject({ checked: 1, updates: [{ modelId: 'a' }], error: { code: 'hub/not-found' } })
})
