import { mergeHardware } from '@shared/domain/mergeHardware'
import { exampleMachines } from '@shared/domain/exampleMachines'
import { llama1b } from '@shared/domain/exampleModels'
import type { ModelFacts } from '@shared/domain/gguf'
import type { SearchHit } from '@shared/domain/library'
import { GiB } from '@shared/domain/units'
import { SnugError } from '@shared/errors'
import { defaultFacts } from '../../engine/fakeFacts'
import { expect, test } from 'vitest'
import type { HubListing } from '../platform/hubFiles'
import { loadCatalog } from './catalog'
import { DiscoverService, type DiscoverDependencies, headerGroup } from './discover'
import { RecommendationService } from './recommendation'
import type { RemoteModel } from './remoteModels'

const group = (quantization: string, gib: number, parts = 1) => ({
  quantization,
  file: `m-${quantization}.gguf`,
  parts: Array.from({ length: parts }, (_, index) => `m-${quantization}-${index}.gguf`),
  sizeBytes: gib * GiB,
  sha256: null,
})
const listing = (repository: string): HubListing => ({
  repository,
  revision: 'a'.repeat(40),
  licence: null,
  groups: [group('Q4_K_M', 0.8), group('Q8_0', 1.3), group('BF16', 2.5, 2)],
  files: [],
  projectors: [],
})
const facts: ModelFacts = { ...defaultFacts.inspect({ path: '' }), ...llama1b, headerBytes: 8_000_000, kind: 'model' } as ModelFacts
const remoteModel: RemoteModel = { path: '/cache/m.gguf', facts, source: { address: '', repository: null, revision: null, file: '' } }

function service(remote: DiscoverDependencies['remote'], more: Partial<DiscoverDependencies> = {}) {
  const machine = exampleMachines.find((candidate) => candidate.name.startsWith('RTX 4070'))
  if (machine === undefined) throw new Error('no machine')
  const recommendation = new RecommendationService({ catalog: loadCatalog(), hardware: { report: async () => mergeHardware(machine.raw) } })
  const hub = {
    listing: async (repository: string) => listing(repository),
    async *searchPages() {
      yield []
    },
    status: async () => ({ endpoint: '', reachable: true, error: null }),
  }
  return new DiscoverService({
    hub,
    fitRepository: (repository, files, options, header) => recommendation.fitRepository(repository, files, options, header),
    foundOnDisk: async () => [],
    isCatalogued: (repository) => recommendation.entryOf(repository) !== null,
    fitExactly: (model, options) => recommendation.fitFile(model.facts, options),
    ...(remote === undefined ? {} : { remote }),
    ...more,
  })
}
const kv = (fit: { parts: { kind: string; bytes: number }[] } | undefined) => fit?.parts.find((part) => part.kind === 'kv')?.bytes

test('one header prices all quantizations: the geometry of the file, formula level', async () => {
  const asked: string[] = []
  const remote = {
    known: async () => null,
    ofGroup: async (_: HubListing, { file }: { file: string }) => {
      asked.push(file)
      return remoteModel
    },
  }
  const { fits } = await service(remote).files('someone/else', { contextSize: 4096 })
  expect(asked).toEqual(['m-Q4_K_M.gguf'])
  for (const name of ['Q4_K_M', 'Q8_0', 'BF16']) {
    expect(fits[name]?.level).toBe('formula')
    // 16 layers × 4,096 cells × 2 × 8 heads × 64 × 2 bytes: the same for every quantization.
    expect(kv(fits[name])).toBe(128 * 1024 * 1024)
  }
  expect(fits.Q8_0?.totalBytes).toBeGreaterThan(fits.Q4_K_M?.totalBytes ?? 0)
})

test('without a header all is as before: rule of thumb, no error, no long wait', async () => {
  const broken = {
    known: async () => null,
    ofGroup: async () => {
      throw new SnugError('hub/bad-answer', 'no ranges')
    },
  }
  expect((await service(broken).files('someone/else')).fits.Q4_K_M?.level).toBe('rule')
  expect((await service(undefined).files('someone/else')).fits.Q4_K_M?.level).toBe('rule')
  const slow = { known: async () => null, ofGroup: () => new Promise<RemoteModel>(() => {}) }
  expect((await service(slow, { headerWaitMs: 20 }).files('someone/else')).fits.Q4_K_M?.level).toBe('rule')
  const projector = { known: async () => null, ofGroup: async () => ({ ...remoteModel, facts: { ...facts, kind: 'projector' as const } }) }
  expect((await service(projector).files('someone/else')).fits.Q4_K_M?.level).toBe('rule')
})

test('a repository of the catalogue costs no request for a mere look', async () => {
  const remote = {
    known: async () => null,
    ofGroup: async () => {
      throw new Error('fetched')
    },
  }
  expect((await service(remote).files('unsloth/Qwen3-8B-GGUF')).fits.Q4_K_M?.level).toBe('formula')
})

test('the chosen file is sized by its own header', async () => {
  const remote = { known: async () => null, ofGroup: async () => remoteModel }
  const { fit, facts: said, file } = await service(remote).exact('someone/else', 'm-BF16-1.gguf', { contextSize: 4096 })
  expect(file).toBe('m-BF16.gguf')
  expect(said.parameters).toBe(llama1b.parameters)
  expect(kv(fit)).toBe(128 * 1024 * 1024)
  await expect(service(remote).exact('someone/else', 'none.gguf')).rejects.toMatchObject({ code: 'hub/not-found' })
})

test('which header to read: the usual middle, and one part rather than many', () => {
  expect(headerGroup([])).toBeNull()
  expect(headerGroup([group('BF16', 20, 5), group('Q8_0', 9), group('Q6_K', 8)])?.quantization).toBe('Q6_K')
  expect(headerGroup([group('BF16', 20, 5)])?.quantization).toBe('BF16')
})

const found = (repository: string, more: Partial<SearchHit> = {}): SearchHit => ({
  repository,
  downloads: 1,
  likes: 0,
  licence: 'mit',
  updatedAt: null,
  parameters: 8e9,
  languages: ['en'],
  gated: false,
  fits: null,
  ...more,
})

test('a search goes through the pages for what passes, and counts what the hub does not tell', async () => {
  const asked: unknown[] = []
  let pages = 0
  const hub = {
    listing: async (repository: string) => listing(repository),
    status: async () => ({ endpoint: '', reachable: true, error: null }),
    async *searchPages(query: string, options: unknown) {
      asked.push([query, options])
      for (;;) {
        const page = ++pages
        yield [
          found(`a/light-${page}`),
          found(`a/heavy-${page}`, { parameters: 400e9 }),
          found(`a/silent-${page}`, { parameters: null }),
          found(`a/llama-${page}`, { licence: 'llama3.1' }),
        ]
      }
    },
  }
  const { hits, unknown, more } = await service(undefined, { hub }).search(' words ', { size: 'light', licence: 'permissive' })
  expect(hits.map(({ repository }) => repository)).toEqual([1, 2, 3, 4, 5].map((page) => `a/light-${page}`))
  expect({ unknown, more, pages }).toEqual({ unknown: 5, more: true, pages: 5 })
  expect(asked).toEqual([['words', { limit: 100, licence: null, language: null }]])

  pages = 0
  const fitting = await service(undefined, { hub }).search('words', { fitsOnly: true, licence: 'mit' })
  expect(fitting.hits.every(({ fits, repository }) => fits === true && repository.includes('light'))).toBe(true)
  expect(fitting.unknown).toBe(5)
  // Without filters one page is enough, and what is too big says so.
  pages = 0
  const all = await service(undefined, { hub }).search('words', { priced: true })
  expect(all.hits.map(({ fits }) => fits)).toEqual([true, false, null, true])
  expect({ pages, more: all.more }).toEqual({ pages: 1, more: false })
})

const hubs = () => ({ hub: ['https://hub.example'], modelScope: ['https://scope.example'] })
const remoteOf = (more: Partial<ModelFacts> = {}): DiscoverDependencies['remote'] => {
  const model = (address: string, repository: string | null) => ({
    ...remoteModel,
    facts: { ...facts, ...more },
    source: { ...remoteModel.source, address, repository },
  })
  return {
    known: async () => null,
    ofGroup: async ({ repository }) => model('https://hub.example/x', repository),
    ofAddress: async (address) => model(address, null),
  }
}

test('an address of a file at a hub: its repository, whose hash counts', async () => {
  const file = { path: 'm-Q8_0-0.gguf', sizeBytes: 1.3 * GiB, sha256: 'a'.repeat(64), gitSha1: null }
  const hub = {
    ...service(undefined).needs.hub,
    listing: async (repository: string) => ({ ...listing(repository), files: [file], gated: 'auto' as const }),
  }
  const discover = service(remoteOf(), { hub, hubs })
  expect(await discover.address('https://hub.example/someone/else/blob/main/m-Q8_0.gguf')).toMatchObject({
    kind: 'file',
    repository: 'someone/else',
    file: 'm-Q8_0.gguf',
    hash: 'sha256',
    way: 'encrypted',
    host: 'hub.example',
    gated: 'auto',
    resumable: true,
    facts: { architecture: facts.architecture },
  })
  // One part without a hash, and nobody says what the whole should be.
  expect(await discover.address('https://hub.example/someone/else/resolve/main/m-BF16.gguf')).toMatchObject({ parts: 2, hash: null })
  await expect(discover.address('https://hub.example/someone/else/blob/main/none.gguf')).rejects.toMatchObject({ code: 'hub/not-found' })
  expect(await discover.address('https://scope.example/models/someone/else')).toEqual({ kind: 'repository', repository: 'ms:someone/else' })
  await expect(discover.address('https://elsewhere.example/page')).rejects.toMatchObject({ code: 'usage/invalid' })
})

test('any other address: what the server says of the file, and no hash; errors tell the address', async () => {
  const lookAt = async (address: string) => {
    if (address.includes('none')) throw new SnugError('hub/not-found', 'not there', { status: 404 })
    const part = (name: string) => ({ name, sizeBytes: GiB, etag: null })
    return { address, name: 'x-00001-of-00002.gguf', parts: [part('x'), part('y')], revision: '1', resumable: false }
  }
  const discover = service(remoteOf(), { lookAt, hubs })
  expect(await discover.address('http://models.example/x-00002-of-00002.gguf')).toMatchObject({
    repository: 'http://models.example/x-00001-of-00002.gguf',
    file: 'x-00001-of-00002.gguf',
    parts: 2,
    sizeBytes: 2 * GiB,
    hash: null,
    way: 'plain',
    resumable: false,
  })
  expect(await discover.address('http://localhost:8080/x.gguf')).toMatchObject({ way: 'this-machine' })
  // What signs an address stays out of what is shown and written down.
  await expect(discover.address('https://models.example/none.gguf?key=secret')).rejects.toMatchObject({
    code: 'hub/not-found',
    data: { status: 404, address: 'https://models.example/none.gguf' },
  })
  await expect(service(remoteOf({ kind: 'projector' }), { lookAt, hubs }).address('https://models.example/x.gguf')).rejects.toMatchObject({
    code: 'model/unsupported',
  })
})
