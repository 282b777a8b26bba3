import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { downloadsIn } from '../../../e2e/fixtures/downloadsService'
import { type HubOptions, type RunningHub, startHub } from '../../../e2e/fixtures/hubServer'
import { InProcessRunner } from '../platform/downloadRunner'
import { modelScopeCookie } from '../platform/environment'
import { Hub } from '../platform/hub'
import { ModelScope } from '../platform/modelScope'
import { Network } from '../platform/network'
import { lookAtAddress } from '../platform/remoteFile'
import type { DownloadsService } from './downloads'
import { newModelRow } from './libraryRows'
import { UpdatesService } from './updates'

const MiB = 1024 * 1024
const content = randomBytes(6 * MiB + 99)
const sha256 = createHash('sha256').update(content).digest('hex')
const file = 'q4/model-Q4_K_M.gguf'
const parts = [content.subarray(0, MiB), content.subarray(MiB, 3 * MiB), content.subarray(3 * MiB)]
const partName = (number: number) => `a-0000${number}-of-00003.gguf`
const limits = { stallMs: 800, maxTries: 5, backoffMs: 5, maxBackoffMs: 20, maxRetryAfterMs: 500, manyFromBytes: MiB }

let hub: RunningHub
let folder: string
const services: DownloadsService[] = []

async function setUp(options: Partial<HubOptions> = {}, token?: string) {
  hub = await startHub({
    repositories: {
      'maker/model-GGUF': { files: { [file]: content, 'README.md': Buffer.from('hello') }, licence: 'mit', downloads: 7, likes: 2 },
      'maker/secret-GGUF': { files: { 's-Q4_0.gguf': content.subarray(0, 1_000) }, gated: true },
      'maker/plain': { files: { 'plain-Q4_0.gguf': content, ...Object.fromEntries(parts.map((part, at) => [partName(at + 1), part])) } },
    },
    ...options,
  })
  const tokens = token === undefined ? [] : [{ origin: hub.endpoint, token, cookie: modelScopeCookie }]
  const network = new Network({ offline: false, token: null, tokens, proxy: null })
  const hubs = new Hub({ network, endpoint: () => 'http://127.0.0.1:1', modelScope: new ModelScope(network, hub.endpoint) })
  const { service, arrived } = downloadsIn(folder, {
    hub: hubs,
    lookAt: (address) => lookAtAddress(network, address),
    runner: new InProcessRunner(network, limits),
  })
  services.push(service)
  return { service, hubs, arrived, network }
}
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'snug-sources-'))
})
afterEach(async () => {
  await Promise.all(services.splice(0).map((service) => service.dispose()))
  await hub.close()
  rmSync(folder, { recursive: true, force: true })
})
const hashOf = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex')

describe('ModelScope', () => {
  it('lists a repository with hashes and revisions, and finds it by words', async () => {
    const { hubs } = await setUp()
    const listing = await hubs.listing('ms:maker/model-GGUF')
    expect(listing).toMatchObject({ repository: 'ms:maker/model-GGUF', licence: 'mit' })
    expect(listing.groups).toEqual([{ quantization: 'Q4_K_M', file, parts: [file], sizeBytes: content.length, sha256 }])
    expect(listing.files.find(({ path }) => path === file)?.revision).toMatch(/^[0-9a-f]{40}$/)
    expect(await hubs.search('ms:model')).toMatchObject([
      { repository: 'ms:maker/model-GGUF', downloads: 7, likes: 2, licence: 'mit', updatedAt: '2026-01-01T00:00:00.000Z' },
    ])
    expect(hub.requests.at(-1)).toMatchObject({ method: 'PUT', path: '/api/v1/dolphin/models' })
    await expect(hubs.listing('ms:maker/none')).rejects.toMatchObject({ code: 'hub/not-found' })
  })

  it('gives a file that is verified, on several connections, over a cut', async () => {
    const { service, arrived } = await setUp({ bytesPerSecond: 6 * MiB, faults: [{ at: 'storage', do: 'cut', afterBytes: MiB }] })
    const { id } = await service.start({ repository: 'ms:maker/model-GGUF', file })
    expect(await service.waitFor(id)).toMatchObject({ state: 'done', verifiedBytes: content.length })
    const path = join(folder, 'models', 'modelscope', 'maker', 'model-GGUF', 'q4', 'model-Q4_K_M.gguf')
    expect(service.pathOf(id)).toBe(path)
    expect(hashOf(path)).toBe(sha256)
    expect(arrived).toMatchObject([{ path, repository: 'ms:maker/model-GGUF', sha256s: [sha256] }])
  })

  it('is asked for updates like any hub, and what it has is compared', async () => {
    const { hubs } = await setUp()
    const repository = 'ms:maker/model-GGUF'
    const row = (id: string, hash: string) => ({
      ...newModelRow(id, join(folder, id, 'model-Q4_K_M.gguf'), 1),
      repository,
      sha256: hash,
      promisedSha256s: [hash],
    })
    const models = [row('new', sha256), row('old', 'a'.repeat(64))]
    const updates = new UpdatesService({ models: () => models, hub: hubs, rows: { all: () => new Map(), put: () => {} } })
    const { revision } = await hubs.listing(repository)
    expect(await updates.check()).toMatchObject({
      checked: 2,
      updates: [{ modelId: 'old', repository, revision, file, sizeBytes: content.length }],
      error: null,
    })
  })

  it('gets the token as a cookie, and its storage gets none', async () => {
    const { hubs } = await setUp({ token: 't0ken' })
    await expect(hubs.listing('ms:maker/secret-GGUF')).rejects.toMatchObject({
      code: 'hub/gated',
      data: { page: `${hub.endpoint}/models/maker/secret-GGUF` },
    })
    await hub.close()
    const second = await setUp({ token: 't0ken' }, 't0ken')
    const { id } = await second.service.start({ repository: 'ms:maker/secret-GGUF', file: 's-Q4_0.gguf' })
    await second.service.waitFor(id)
    for (const request of hub.requests.filter(({ at }) => at === 'storage'))
      expect([request.headers.cookie, request.headers.authorization]).toEqual([undefined, undefined])
    expect(JSON.stringify(second.network.entries())).not.toContain('t0ken')
  })

  it('refuses bytes that are not those it promised', async () => {
    const { service, arrived } = await setUp({ faults: [{ at: 'storage', do: 'flip', offset: 12_345, times: 99 }] })
    const { id } = await service.start({ repository: 'ms:maker/model-GGUF', file })
    await expect(service.waitFor(id)).rejects.toMatchObject({ code: 'download/hash-mismatch' })
    expect(arrived).toEqual([])
  })
})

describe('an address', () => {
  const at = () => `${hub.endpoint}/plain/plain-Q4_0.gguf`

  it('gives a file whose own hash is kept, and that is never called verified', async () => {
    const { service, arrived } = await setUp({ bytesPerSecond: 12 * MiB })
    const { id } = await service.startAddress(at())
    expect(await service.waitFor(id)).toMatchObject({ state: 'done', file: 'plain-Q4_0.gguf' })
    expect(hashOf(service.pathOf(id))).toBe(sha256)
    expect(arrived).toMatchObject([{ repository: null, sha256s: null, ownSha256s: [sha256] }])
    const sent = hub.stats.storageBytes
    expect(await service.startAddress(at())).toMatchObject({ id })
    // One byte to see that it is still that file.
    expect(hub.stats.storageBytes - sent).toBe(1)
  })

  it('goes on after a cut, guarded by the ETag', async () => {
    const { service } = await setUp({ faults: [{ at: 'plain', do: 'cut', afterBytes: 3 * MiB, skip: 1 }] })
    const { id } = await service.startAddress(at())
    await service.waitFor(id)
    expect(hashOf(service.pathOf(id))).toBe(sha256)
    const later = hub.requests.filter(({ path, headers }) => path.startsWith('/plain/') && headers['if-range'] !== undefined)
    expect(later.length).toBeGreaterThan(0)
  })

  it('begins anew after a cut where nothing would guard a range, and mixes no two files', async () => {
    const { service } = await setUp({ plainEtag: false, faults: [{ at: 'plain', do: 'cut', afterBytes: 3 * MiB, skip: 1 }] })
    const { id } = await service.startAddress(at())
    await service.waitFor(id)
    expect(hashOf(service.pathOf(id))).toBe(sha256)
    // One byte to look, what came before the cut, and the whole.
    expect(hub.stats.storageBytes).toBeGreaterThan(content.length + 2 * MiB)
    for (const { headers } of hub.requests.slice(1)) expect(headers.range ?? 'bytes=0-').toMatch(/^bytes=0-/)
  })

  it('gives all parts of a split file, whichever was named, and over a cut', async () => {
    const { service, arrived } = await setUp({ faults: [{ at: 'plain', do: 'cut', afterBytes: MiB, path: partName(2), skip: 1 }] })
    const [first, second] = await Promise.all([2, 2].map((number) => service.startAddress(`${hub.endpoint}/plain/${partName(number)}`)))
    const id = first?.id ?? ''
    expect(second).toEqual({ id })
    expect(await service.waitFor(id)).toMatchObject({ state: 'done', parts: [1, 2, 3].map(partName), totalBytes: content.length })
    const place = join(folder, 'models', '127.0.0.1', 'a')
    for (const [at, part] of parts.entries()) expect(readFileSync(join(place, partName(at + 1))).equals(part)).toBe(true)
    expect(arrived).toMatchObject([
      {
        path: join(place, partName(1)),
        repository: null,
        sha256s: null,
        ownSha256s: parts.map((part) => createHash('sha256').update(part).digest('hex')),
      },
    ])
    expect(await service.startAddress(`${hub.endpoint}/plain/${partName(3)}`)).toMatchObject({ id, here: join(place, partName(1)) })
  })

  it('refuses what is no file of a model', async () => {
    const { service } = await setUp({ faults: [{ at: 'api', do: 'html', path: '/plain/plain' }] })
    await expect(service.startAddress(at())).rejects.toMatchObject({ code: 'hub/bad-answer' })
    await expect(service.startAddress(`${hub.endpoint}/plain/none.gguf`)).rejects.toMatchObject({ code: 'hub/not-found' })
    await expect(service.startAddress(`${hub.endpoint}/plain/a-00001-of-00101.gguf`)).rejects.toMatchObject({ code: 'model/unsupported' })
    await expect(service.startAddress(`${hub.endpoint}/plain/readme.txt`)).rejects.toMatchObject({ code: 'usage/invalid' })
    await expect(service.startAddress('https://user:word@example.org/x.gguf')).rejects.toMatchObject({ code: 'usage/invalid' })
  })
})
