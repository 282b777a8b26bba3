import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { catalogModel, headerGeometry } from '@shared/domain/catalog'
import { type MemoryPart, memoryParts, totalBytes } from '@shared/domain/memory'
import { SnugError } from '@shared/errors'
import { MiB } from '@shared/domain/units'
import { silentLog } from '@shared/log'
import { afterAll, beforeAll, beforeEach, describe, expect, it, test } from 'vitest'
import { type RunningHub, startHub } from '../../../e2e/fixtures/hubServer'
import { forkNode } from '../../engine/forkNode'
import { type GgufContent, type WriteTensor, type WriteValue, encodeGguf } from '../../engine/ggufWriter'
import { scriptedContent, writeScriptedModel } from '../../engine/scriptedModel'
import { cpuFeatures } from '../../engine/cpuFeatures'
import { writeShapeModel } from '../../engine/shapeModel'
import { engineEntry, starterModel } from '../../engine/testEngine'
import { EngineHost } from '../engine/engineHost'
import { Hub } from '../platform/hub'
import { Network } from '../platform/network'
import { DryRuns } from './dryRun'
import { type RemoteModel, RemoteModels, type RemoteModelsDependencies } from './remoteModels'

const folder = mkdtempSync(join(tmpdir(), 'snug 头 '))
const file = (name: string) => join(folder, name)
const shapes = [
  ['llama-1b', 'Q4_K_M', 2],
  ['gemma3-4b', 'Q4_K_M', 2],
] as const
const shapeFile = (shape: string) => `${shape}-Q4_K_M.gguf`
const splitFile = (number: number) => `Q8/scripted-Q8_0-0000${number}-of-00003.gguf`
let server: RunningHub
let host: EngineHost
let network: Network
let hub: Hub

/** The scripted model in three parts, as gguf-split writes them: metadata in the first, tensors in a row. */
function splitScripted(): Buffer[] {
  const { metadata, tensors } = scriptedContent()
  const third = Math.ceil(tensors.length / 3)
  return [0, 1, 2].map((number) => {
    const own: [string, WriteValue][] = [
      ['split.no', { type: 'u16', value: number }],
      ['split.count', { type: 'u16', value: 3 }],
      ['split.tensors.count', { type: 'i32', value: tensors.length }],
    ]
    const some: WriteTensor[] = tensors.slice(number * third, (number + 1) * third)
    const content: GgufContent = { metadata: number === 0 ? [...metadata, ...own] : own, tensors: some }
    return encodeGguf(content)
  })
}

beforeAll(async () => {
  host = new EngineHost({ fork: forkNode(engineEntry()), log: silentLog })
  await writeScriptedModel(file('scripted-F32.gguf'))
  for (const [shape, quantization, layers] of shapes) await writeShapeModel(file(shapeFile(shape)), { shape, quantization, layers })
  const scripted = readFileSync(file('scripted-F32.gguf'))
  const parts = splitScripted()
  parts.forEach((part, index) => writeFileSync(file(splitFile(index + 1).slice(3)), part))
  server = await startHub({
    token: 'hf_right',
    repositories: {
      'maker/models': {
        files: {
          'scripted-F32.gguf': file('scripted-F32.gguf'),
          ...Object.fromEntries(shapes.map(([shape]) => [shapeFile(shape), file(shapeFile(shape))])),
          ...(starterModel === null ? {} : { 'starter-Q4_1.gguf': starterModel }),
          ...Object.fromEntries(parts.map((part, index) => [splitFile(index + 1), part])),
          'cut-Q2_K.gguf': scripted.subarray(0, 5_000),
          'text-Q3_K_M.gguf': Buffer.from('# no model'),
        },
      },
      'maker/gated': { gated: true, files: { 'scripted-F32.gguf': file('scripted-F32.gguf') } },
    },
  })
  network = new Network({ offline: false, token: null, proxy: null })
  hub = new Hub({ network, endpoint: () => server.endpoint })
})

afterAll(async () => {
  await host.dispose()
  await server.close()
  rmSync(folder, { recursive: true, force: true })
})

beforeEach(() => {
  server.faults.clear()
  server.requests.length = 0
  server.stats.storageBytes = 0
})

let caches = 0
function remoteModels(more: Partial<RemoteModelsDependencies> = {}): RemoteModels & { folder: string } {
  const cache = file(`cache-${caches++}`)
  const models = new RemoteModels({
    network,
    hub,
    folder: cache,
    check: (path, size) => host.tools('header', { path, size }),
    inspect: (path) => host.tools('inspect', { path }),
    log: silentLog,
    ...more,
  })
  return Object.assign(models, { folder: more.folder ?? cache })
}

async function fromHub(models: RemoteModels, name: string, repository = 'maker/models'): Promise<RemoteModel> {
  const listing = await hub.listing(repository)
  const group = listing.groups.find((candidate) => candidate.parts.includes(name))
  if (group === undefined) throw new Error(`${name} is not there`)
  server.requests.length = 0
  return await models.ofGroup(listing, group)
}

const addressOf = (name: string) => `${server.endpoint}/maker/models/resolve/main/${name}`
const ranged = () => server.requests.filter((request) => request.at !== 'api')

async function code(work: Promise<unknown>): Promise<string> {
  try {
    await work
  } catch (error) {
    if (error instanceof SnugError) return error.code
    throw error
  }
  return 'no error'
}

describe('a header by ranges', () => {
  const names = ['scripted-F32.gguf', ...shapes.map(([shape]) => shapeFile(shape)), ...(starterModel === null ? [] : ['starter-Q4_1.gguf'])]
  it.each(names)('%s: the facts of the whole file, in few requests and bytes', async (name) => {
    const models = remoteModels()
    const { path, facts } = await fromHub(models, name)
    const local = await host.tools('inspect', { path: name.startsWith('starter') ? (starterModel ?? '') : file(name) })
    expect({ ...facts, parts: local.parts }).toEqual(local)
    expect(facts.parts).toEqual([name])
    expect(ranged().length).toBeLessThanOrEqual(4)
    expect(ranged().every((request) => request.headers.range?.startsWith('bytes='))).toBe(true)
    // One step of growth is what can be too much.
    expect(server.stats.storageBytes).toBeLessThanOrEqual(Math.min(local.sizeBytes, Math.max(2 * MiB, 4 * facts.headerBytes)))
    const { size, blocks } = statSync(path)
    expect(size).toBe(local.sizeBytes)
    expect(blocks * 512).toBeLessThan(facts.headerBytes + MiB)

    server.requests.length = 0
    expect((await fromHub(models, name)).facts).toEqual(facts)
    expect(ranged()).toEqual([])
  })

  it('two that ask at once share one fetch, and another process finds what is kept', async () => {
    const models = remoteModels()
    const listing = await hub.listing('maker/models')
    const group = listing.groups.find(({ file: name }) => name === 'scripted-F32.gguf')
    if (group === undefined) throw new Error('not there')
    server.requests.length = 0
    const [one, other] = await Promise.all([models.ofGroup(listing, group), models.ofGroup(listing, group)])
    expect(one).toBe(other)
    expect(ranged()).toHaveLength(2)
    expect((await remoteModels({ folder: models.folder }).known(listing, group))?.path).toBe(one.path)
    expect(ranged()).toHaveLength(2)
  })

  it('a kept header that was damaged is fetched again', async () => {
    const models = remoteModels()
    const { path } = await fromHub(models, 'scripted-F32.gguf')
    truncateSync(path, 100)
    expect((await fromHub(models, 'scripted-F32.gguf')).facts.scripted).toBe(true)
    expect(statSync(path).size).toBeGreaterThan(100)
  })

  it('an address that is no hub of ours: known by its validator, so the second time costs one answer and no body', async () => {
    const models = remoteModels()
    const address = addressOf(shapeFile('llama-1b'))
    const first = await models.ofAddress(address.replace('/resolve/', '/blob/'))
    server.requests.length = 0
    const second = await models.ofAddress(address)
    expect(second.path).toBe(first.path)
    expect(ranged()).toHaveLength(2)
  })

  it('of a split model every part, whichever was named', async () => {
    const local = await host.tools('inspect', { path: file(splitFile(1).slice(3)) })
    const { path, facts } = await fromHub(remoteModels(), splitFile(2))
    expect(facts).toEqual(local)
    expect(path.endsWith('-00001-of-00003.gguf')).toBe(true)
    expect(ranged()).toHaveLength(6)
    expect((await remoteModels().ofAddress(addressOf(splitFile(3)))).facts).toEqual(local)
  })

  it('a signed address that expired between two ranges is asked for again', async () => {
    server.faults.add({ at: 'storage', do: 'status', status: 403, skip: 1 })
    const { facts } = await fromHub(remoteModels(), shapeFile('llama-1b'))
    expect(facts.geometry.vocabularySize).toBe(128_256)
  })

  it('the least recently used go first', async () => {
    const models = remoteModels({ limits: { entries: 2 } })
    for (const name of ['scripted-F32.gguf', splitFile(1), shapeFile('llama-1b')]) await fromHub(models, name)
    expect(readdirSync(models.folder)).toHaveLength(2)
    expect((await models.known(await hub.listing('maker/models'), { file: '', parts: ['scripted-F32.gguf'] }))?.path).toBeUndefined()
  })
})

test("the header of one quantization prices another's file: KV cache exact, all within 0.5 %", async () => {
  const other = file('llama-1b-Q8_0.gguf')
  const { bytes } = await writeShapeModel(other, { shape: 'llama-1b', quantization: 'Q8_0', layers: 2 })
  const [exact, { facts }] = [await host.tools('inspect', { path: other }), await fromHub(remoteModels(), shapeFile('llama-1b'))]
  const row = { name: 'Q8_0', bitsPerWeight: 8.5, sizeBytes: bytes - facts.headerBytes }
  const options = {
    gpuLayers: 0,
    contextSize: 8192,
    batchSize: 256,
    kvCacheType: 'f16' as const,
    flashAttention: true,
    useMmap: false,
    gpus: [],
  }
  const [said, really] = [memoryParts(catalogModel(headerGeometry(facts), row, cpuFeatures().amx), options), memoryParts(exact, options)]
  const kv = (parts: MemoryPart[]) => totalBytes(parts.filter((part) => part.kind === 'kv'))
  expect(kv(said)).toBe(kv(really))
  // The merges come with the header: guessed from the vocabulary, they alone would be several percent of so small a model.
  expect(Math.abs(totalBytes(said) / totalBytes(really) - 1)).toBeLessThan(0.005)
})

describe('a server that does otherwise', () => {
  it('knows no ranges: read to the end of the header, then cut', async () => {
    server.faults.add({ at: 'storage', do: 'ignore-range', times: 9 })
    const { facts } = await fromHub(remoteModels(), shapeFile('llama-1b'))
    expect(facts.geometry.vocabularySize).toBe(128_256)
    expect(ranged()).toHaveLength(2)
    expect(server.stats.storageBytes).toBeLessThan(facts.sizeBytes / 4)
  })

  const cases = [
    ['tells another size', { do: 'wrong-total', by: 5 }, 'hub/bad-answer'],
    ['begins elsewhere', { do: 'wrong-range', shift: 7 }, 'hub/bad-answer'],
    ['lies about its length', { do: 'length', by: -10 }, 'hub/bad-answer'],
    ['packs the bytes', { do: 'gzip' }, 'hub/bad-answer'],
    ['sends a page', { do: 'html' }, 'hub/bad-answer'],
    ['breaks off', { do: 'cut', afterBytes: 70_000 }, 'hub/unreachable'],
    ['falls silent', { do: 'stall', afterBytes: 70_000 }, 'hub/unreachable'],
    ['fails', { do: 'status', status: 500 }, 'hub/unreachable'],
    ['goes in circles', { do: 'redirect-loop', times: 99 }, 'hub/bad-answer'],
  ] as const
  it.each(cases)('%s', async (_, fault, expected) => {
    server.faults.add({ at: 'storage', ...fault })
    const models = remoteModels({ idleMs: 200 })
    expect(await code(fromHub(models, shapeFile('llama-1b')))).toBe(expected)
    expect(readdirSync(models.folder)).toEqual([])
  })

  it('has another file now', async () => {
    server.faults.add({ at: 'storage', do: 'new-etag', etag: 'other', skip: 1 })
    expect(await code(fromHub(remoteModels(), shapeFile('llama-1b')))).toBe('download/changed')
    server.faults.add({ at: 'resolve', do: 'linked-etag', etag: '0'.repeat(64) })
    expect(await code(fromHub(remoteModels(), 'scripted-F32.gguf'))).toBe('download/changed')
  })

  it('has what is no model, or only its beginning', async () => {
    const models = remoteModels()
    expect(await code(fromHub(models, 'text-Q3_K_M.gguf'))).toBe('model/corrupt-file')
    expect(await code(fromHub(models, 'cut-Q2_K.gguf'))).toBe('model/corrupt-file')
    expect(await code(models.ofAddress(addressOf('none.gguf')))).toBe('hub/not-found')
    expect(await code(fromHub(models, 'scripted-F32.gguf', 'maker/gated'))).toBe('hub/gated')
    expect(await code(models.ofAddress('ftp://models.example/x.gguf'))).toBe('usage/invalid')
    expect(readdirSync(models.folder)).toEqual([])
  })

  it('is not asked at all when offline', async () => {
    const models = remoteModels({ network: new Network({ offline: true, token: null, proxy: null }) })
    expect(await code(models.ofAddress('https://models.example/x.gguf'))).toBe('network/offline')
  })
})

describe('the dry run on a header', () => {
  const plan = {
    backend: 'cpu' as const,
    gpuLayers: 0,
    totalLayers: 3,
    contextSize: 2048,
    batchSize: 512,
    kvCacheType: 'f16' as const,
    flashAttention: true,
    useMmap: false,
  }
  const dryRuns = (name: string) => new DryRuns({ host, file: file(name), surroundings: async () => 'here', log: silentLog })

  test.each([shapeFile('llama-1b'), splitFile(1)])('%s: as on the whole file, and asked once', async (name) => {
    const { path, facts } = await fromHub(remoteModels(), name)
    const local = file(name.split('/').at(-1) ?? '')
    const remote = await dryRuns('remote.json').of(path, facts)(plan)
    expect(remote?.parts?.map((part) => part.kind)).toEqual(expect.arrayContaining(['weights', 'kv', 'compute', 'output', 'overhead']))
    // The other's file is empty: this one is worked out.
    expect(await dryRuns(`local-${name.length}.json`).of(local, facts)(plan)).toEqual(remote)
    const silent = {
      tools: (call: string, ...rest: unknown[]) =>
        call === 'estimate' ? Promise.reject(new Error('asked')) : host.tools('header', ...(rest as [never])),
    }
    const again = new DryRuns({ host: silent as EngineHost, file: file('remote.json'), surroundings: async () => 'here', log: silentLog })
    expect(await again.of(path, facts)(plan)).toEqual(remote)
  })
})
