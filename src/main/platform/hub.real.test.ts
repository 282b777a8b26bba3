import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { downloadFile, downloadFileToCacheDir, fileDownloadInfo, listFiles, listModels } from '@huggingface/hub'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RunningHub, startHub } from '../../../e2e/fixtures/hubServer'
import { hubEndpoint } from './environment'
import { Hub } from './hub'
import { hubError } from './hubError'
import { Network } from './network'
import { networkConfigFromEnv } from './networkConfig'

const content = randomBytes(300_000)
const sha256 = createHash('sha256').update(content).digest('hex')
const id = 'maker/model-GGUF'
let server: RunningHub
let network: Network
let hub: Hub

beforeAll(async () => {
  const part = (index: number) => `Q8_0/model-Q8_0-0000${index}-of-00003.gguf`
  server = await startHub({
    treePageSize: 2,
    repositories: {
      [id]: {
        licence: 'apache-2.0',
        downloads: 9,
        files: {
          'README.md': Buffer.from('# model'),
          'model-Q4_K_M.gguf': content,
          'model-BF16.gguf': Buffer.alloc(200),
          'mmproj-model-F16.gguf': Buffer.alloc(50),
          'MTP/mtp-model-Q4_K_M.gguf': Buffer.alloc(7),
          'imatrix_maker.gguf': Buffer.alloc(7),
          [part(1)]: Buffer.alloc(10),
          [part(2)]: Buffer.alloc(20),
          [part(3)]: Buffer.alloc(30),
          'model-Q2_K-00001-of-00002.gguf': Buffer.alloc(5),
        },
      },
      'maker/other': { files: { 'x.gguf': Buffer.alloc(1) }, downloads: 99 },
      'maker/gated': { files: { 'x.gguf': Buffer.alloc(1) }, gated: true },
    },
  })
  network = new Network({ offline: false, token: null, proxy: null })
  hub = new Hub({ network, endpoint: () => server.endpoint })
})
afterAll(() => server.close())

describe('a listing', () => {
  it('groups by quantization, split parts together, pinned to the commit, over pages', async () => {
    const listing = await hub.listing(id)
    expect(listing.revision).toBe(server.commit(id))
    expect(listing.licence).toBe('apache-2.0')
    expect(listing.groups.map((group) => [group.quantization, group.parts.length, group.sizeBytes])).toEqual([
      ['Q4_K_M', 1, 300_000],
      ['Q8_0', 3, 60],
      ['BF16', 1, 200],
    ])
    expect(listing.groups[0]).toMatchObject({ file: 'model-Q4_K_M.gguf', sha256 })
    expect(listing.projectors.map((file) => file.path)).toEqual(['mmproj-model-F16.gguf'])
    expect(listing.files.find((file) => file.path === 'README.md')).toMatchObject({
      sha256: null,
      gitSha1: expect.stringMatching(/^[0-9a-f]{40}$/),
    })
    expect(server.requests.filter((request) => request.path.includes('/tree/')).length).toBe(5)
  })

  it('says what is wrong', async () => {
    await expect(hub.listing('nobody/nothing')).rejects.toMatchObject({ code: 'hub/not-found' })
    await expect(hub.listing(id, { revision: 'no-such' })).rejects.toMatchObject({ code: 'hub/not-found' })
    const cases = [
      [{ do: 'status', status: 429 }, 'hub/rate-limited'],
      [{ do: 'status', status: 503 }, 'hub/unreachable'],
      [{ do: 'html' }, 'hub/bad-answer'],
      [{ do: 'status', status: 200, body: '{"id": 3}' }, 'hub/bad-answer'],
      [{ do: 'redirect-loop', times: 20 }, 'hub/bad-answer'],
    ] as const
    for (const [fault, code] of cases) {
      server.faults.add({ at: 'api', ...fault })
      await expect(hub.listing(id)).rejects.toMatchObject({ code })
      server.faults.clear()
    }
    const nobody = new Hub({ network, endpoint: () => 'http://127.0.0.1:9' })
    await expect(nobody.listing(id)).rejects.toMatchObject({ code: 'hub/unreachable' })
    expect(await nobody.status()).toMatchObject({ reachable: false, error: { code: 'hub/unreachable' } })
  })
})

it('searches, most downloaded first', async () => {
  expect((await hub.search('maker')).map((hit) => hit.repository)).toEqual(['maker/other', id, 'maker/gated'])
  expect(await hub.search('GGUF model')).toMatchObject([{ repository: id, licence: 'apache-2.0', downloads: 9 }])
  expect(await hub.status()).toEqual({ endpoint: server.endpoint, reachable: true, error: null })
})

it('offline, opens nothing but loopback, also for what is under way', async () => {
  const offline = new Network({ offline: true, token: null, proxy: null })
  await expect(new Hub({ network: offline, endpoint: () => 'https://huggingface.co' }).listing(id)).rejects.toMatchObject({
    code: 'network/offline',
  })
  expect(offline.entries()).toMatchObject([{ address: 'https://huggingface.co/api/models/maker/model-GGUF', outcome: 'refused: offline' }])
  await expect(new Hub({ network: offline, endpoint: () => server.endpoint }).status()).resolves.toMatchObject({ reachable: true })
})

it('asks nobody where the address of the hub is none', async () => {
  const asked = new Network({ offline: false, token: null, proxy: null })
  const broken = new Hub({ network: asked, endpoint: () => hubEndpoint(null, { HF_ENDPOINT: 'two words' }) })
  for (const run of [() => broken.listing(id), () => broken.search('x'), () => broken.card(id, server.commit(id))])
    await expect(run()).rejects.toMatchObject({ code: 'hub/bad-address', data: { address: 'two words' } })
  expect(await broken.status()).toMatchObject({ endpoint: 'two words', reachable: false, error: { code: 'hub/bad-address' } })
  expect(asked.entries()).toEqual([])
})

it('gives the token to the host it was meant for only', async () => {
  expect(networkConfigFromEnv({ HF_TOKEN: 't' }, false).tokens).toEqual([{ origin: 'https://huggingface.co', token: 't' }])
  const env = { HF_TOKEN: 't', HF_ENDPOINT: 'https://mirror.example/sub' }
  expect(networkConfigFromEnv(env, false).tokens?.[0]?.origin).toBe('https://mirror.example')
  expect([hubEndpoint(null, env), hubEndpoint('http://x/', env), hubEndpoint(null, {})]).toEqual([
    'https://mirror.example/sub',
    'http://x',
    'https://huggingface.co',
  ])
  const other = new Network({ offline: false, token: { origin: 'http://127.0.0.1:1', token: 'secret' }, proxy: null })
  server.requests.length = 0
  await new Hub({ network: other, endpoint: () => server.endpoint }).listing(id)
  expect(server.requests.every((request) => request.headers.authorization === undefined)).toBe(true)
})

it('searches page by page, with the filters that the hub knows', async () => {
  const model = (more: object) => ({ files: { 'a-Q8_0.gguf': Buffer.alloc(10) }, ...more })
  const shelf = await startHub({
    searchPageSize: 2,
    repositories: {
      'maker/one-8B-GGUF': model({ downloads: 5, licence: 'mit', languages: ['zh', 'en'], parameters: 8_190_000_000 }),
      'maker/two-70B-GGUF': model({ downloads: 4, licence: 'llama3.1', languages: ['en'] }),
      'maker/three-GGUF': model({ downloads: 3, licence: 'mit', languages: ['en'], gated: true }),
      'maker/four-GGUF': model({ downloads: 2, licence: 'mit', languages: ['zh'] }),
      'maker/five-GGUF': model({ downloads: 1 }),
    },
  })
  const asking = new Hub({ network, endpoint: () => shelf.endpoint })
  const pages = async (options: Parameters<Hub['searchPages']>[1] = {}) => {
    const all: string[][] = []
    for await (const page of asking.searchPages('maker', options)) all.push(page.map(({ repository }) => repository.split(/[/-]/)[1] ?? ''))
    return all
  }
  expect(await pages()).toEqual([['one', 'two'], ['three', 'four'], ['five']])
  expect(await pages({ licence: 'mit' })).toEqual([['one', 'three'], ['four']])
  expect(await pages({ licence: 'mit', language: 'zh' })).toEqual([['one', 'four']])
  expect(await asking.search('maker')).toMatchObject([
    { repository: 'maker/one-8B-GGUF', parameters: 8_190_000_000, languages: ['zh', 'en'], gated: false },
    { repository: 'maker/two-70B-GGUF', parameters: 70e9, languages: ['en'] },
  ])
  expect((await asking.search('three'))[0]).toMatchObject({ gated: true, parameters: null })
  await shelf.close()
})

it('tells an agreement that is missing from a token that is unknown, and where the terms are', () => {
  const answer = (status: number, address: string, headers: Record<string, string> = {}) => {
    const { code, data } = hubError({ status, url: new URL(address), headers })
    return { code, status: data.status, page: data.page }
  }
  const gated = { 'x-error-code': 'GatedRepo' }
  const page = 'https://huggingface.co/maker/model'
  const file = `${page}/resolve/main/model.gguf`
  expect(answer(401, file, gated)).toEqual({ code: 'hub/gated', status: 401, page })
  expect(answer(403, file, gated)).toEqual({ code: 'hub/gated', status: 403, page })
  expect(answer(403, 'https://huggingface.co/api/models/maker/model/revision/main', gated).page).toBe(page)
  // Accounts and terms are at the origin, whatever mirror was asked.
  expect(answer(401, file.replace('huggingface.co', 'hf-mirror.com'), gated).page).toBe(page)
  expect(answer(401, file, { 'x-error-message': 'Invalid credentials in Authorization header' }).code).toBe('hub/token-refused')
  expect(answer(401, file, { 'x-error-code': 'RepoNotFound' }).code).toBe('hub/not-found')
  expect(answer(403, 'https://modelscope.cn/api/v1/models/maker/model/repo?FilePath=a.gguf')).toEqual({
    code: 'hub/gated',
    status: 403,
    page: 'https://modelscope.cn/models/maker/model',
  })
})

it('says that the hub does not know a token, also for what needs none', async () => {
  const guarded = await startHub({ repositories: { [id]: { files: { 'a-Q8_0.gguf': Buffer.alloc(10) } } }, token: 'right' })
  const asking = (token: string) =>
    new Hub({
      network: new Network({ offline: false, token: null, tokens: [{ origin: guarded.endpoint, token }], proxy: null }),
      endpoint: () => guarded.endpoint,
    })
  await expect(asking('wrong').listing(id)).rejects.toMatchObject({ code: 'hub/token-refused' })
  await expect(asking('right').listing(id)).resolves.toMatchObject({ repository: id })
  await guarded.close()
})

/** The official client judges the fixture, so that it is not shaped to ours. */
describe('@huggingface/hub', () => {
  it('lists, searches and asks for facts', async () => {
    const files: string[] = []
    for await (const entry of listFiles({ repo: id, hubUrl: server.endpoint, recursive: true })) files.push(`${entry.path} ${entry.size}`)
    expect(files).toHaveLength(10)
    expect(files).toContain('model-Q4_K_M.gguf 300000')
    const found: string[] = []
    for await (const model of listModels({ search: { query: 'maker' }, hubUrl: server.endpoint, limit: 2 })) found.push(model.name)
    expect(found).toEqual(['maker/other', id])
    const info = await fileDownloadInfo({ repo: id, path: 'model-Q4_K_M.gguf', hubUrl: server.endpoint })
    // It follows the redirect, and so takes the storage's ETag for the file's (its known bug): only the size can be compared.
    expect(info?.size).toBe(300_000)
    await expect(fileDownloadInfo({ repo: 'maker/gated', path: 'x.gguf', hubUrl: server.endpoint })).rejects.toMatchObject({
      statusCode: 401,
    })
    expect(await fileDownloadInfo({ repo: id, path: 'none.gguf', hubUrl: server.endpoint })).toBeNull()
  })

  it('downloads the same bytes', async () => {
    const blob = await downloadFile({ repo: id, path: 'model-Q4_K_M.gguf', hubUrl: server.endpoint, xet: false })
    expect(Buffer.from((await blob?.arrayBuffer()) ?? new ArrayBuffer(0)).equals(content)).toBe(true)
    const cacheDir = mkdtempSync(join(tmpdir(), 'snug-official-'))
    try {
      const path = await downloadFileToCacheDir({ repo: id, path: 'model-Q4_K_M.gguf', hubUrl: server.endpoint, cacheDir })
      expect(createHash('sha256').update(readFileSync(path)).digest('hex')).toBe(sha256)
    } finally {
      rmSync(cacheDir, { recursive: true, force: true })
    }
  })

  // The two failing cases of ADR 10. When one of these tests fails, the library has learnt it.
  it('begins anew after a cut', async () => {
    const cacheDir = mkdtempSync(join(tmpdir(), 'snug-official-'))
    const get = () => downloadFileToCacheDir({ repo: id, path: 'model-Q4_K_M.gguf', hubUrl: server.endpoint, cacheDir })
    try {
      // The first request for the storage asks for one byte only.
      server.faults.add({ at: 'storage', do: 'cut', afterBytes: 200_000, skip: 1 })
      await expect(get()).rejects.toThrow('terminated')
      server.requests.length = 0
      await get()
      const body = server.requests.filter(({ at, bodyBytes }) => at === 'storage' && bodyBytes > 1)
      expect(body.map(({ headers, bodyBytes }) => [headers.range, headers['if-range'], bodyBytes])).toEqual([
        [undefined, undefined, 300_000],
      ])
    } finally {
      rmSync(cacheDir, { recursive: true, force: true })
    }
  })

  it('takes wrong bytes of the right length for the file', async () => {
    const cacheDir = mkdtempSync(join(tmpdir(), 'snug-official-'))
    try {
      server.faults.add({ at: 'storage', do: 'flip', offset: 5_000, skip: 1 })
      const path = await downloadFileToCacheDir({ repo: id, path: 'model-Q4_K_M.gguf', hubUrl: server.endpoint, cacheDir })
      expect(createHash('sha256').update(readFileSync(path)).digest('hex')).not.toBe(sha256)
    } finally {
      server.faults.clear()
      rmSync(cacheDir, { recursive: true, force: true })
    }
  })
})
