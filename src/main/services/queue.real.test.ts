import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest'
import type { Download } from '@shared/domain/library'
import { bundle } from '../../../e2e/fixtures/bundle'
import { downloadsIn } from '../../../e2e/fixtures/downloadsService'
import { type HubOptions, type RunningHub, startHub } from '../../../e2e/fixtures/hubServer'
import { InProcessRunner, WorkerRunner } from '../platform/downloadRunner'
import { Hub } from '../platform/hub'
import { Network } from '../platform/network'
import type { DownloadsService } from './downloads'

const MiB = 1024 * 1024
const size = 6 * MiB + 17
const content = randomBytes(size)
const sha256 = createHash('sha256').update(content).digest('hex')
const names = ['a-Q4_0.gguf', 'b-Q4_0.gguf', 'c-Q4_0.gguf', 'd-Q4_0.gguf']
const repository = 'maker/queue-GGUF'
const limits = { stallMs: 3_000, maxTries: 6, backoffMs: 5, maxBackoffMs: 20, maxRetryAfterMs: 1_000, manyFromBytes: 4 * MiB }

let hub: RunningHub
let folder: string
const services: DownloadsService[] = []

async function startWith(options: Partial<HubOptions> = {}) {
  hub = await startHub({ repositories: { [repository]: { files: Object.fromEntries(names.map((name) => [name, content])) } }, ...options })
}
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'snug-queue-'))
})
afterEach(async () => {
  await Promise.all(services.splice(0).map((service) => service.dispose()))
  await hub.close()
  rmSync(folder, { recursive: true, force: true })
})

function setUp(wish: { bytesPerSecond?: number | null; connections?: number | null; files?: number | null } = {}, workerFile?: string) {
  const limit = { bytesPerSecond: null, connections: null, files: null, ...wish }
  const network = new Network({ offline: false, token: null, proxy: null })
  const runner = workerFile === undefined ? new InProcessRunner(network, limits) : new WorkerRunner(workerFile, network, limits)
  const { service, rows } = downloadsIn(folder, {
    hub: new Hub({ network, endpoint: () => hub.endpoint }),
    runner,
    limits: () => limit,
  })
  services.push(service)
  return { service, rows, limit, network, runner }
}

const startAll = (service: DownloadsService, files = names) =>
  Promise.all(files.map(async (file) => (await service.start({ repository, file })).id))
const order = (service: DownloadsService) =>
  service
    .list()
    .map(({ file }) => file[0])
    .join('')

async function until(service: DownloadsService, state: (all: Download[]) => boolean): Promise<Download[]> {
  for await (const all of service.follow(AbortSignal.timeout(30_000))) if (state(all)) return all
  throw new Error('never')
}
const running = (all: Download[]) => all.filter(({ state }) => state === 'running')

describe('the queue', () => {
  it.each([1, 2])('has %i files under way at a time, in its order', async (files) => {
    await startWith({ bytesPerSecond: 24 * MiB })
    const { service } = setUp({ files, connections: 1 })
    const ids = await startAll(service)
    const done: string[] = []
    const watching = until(service, (all) => {
      expect(running(all).length).toBeLessThanOrEqual(files)
      for (const { id, state } of all) if (state === 'done' && !done.includes(id)) done.push(id)
      return done.length === ids.length
    })
    await watching
    expect(hub.stats.storageMost).toBe(files)
    if (files === 1) expect(done).toEqual(service.list().map(({ id }) => id))
    for (const id of ids)
      expect(
        createHash('sha256')
          .update(readFileSync(service.pathOf(id)))
          .digest('hex'),
      ).toBe(sha256)
  })

  it('is moved: the first one runs at once, and who must wait keeps what it has', async () => {
    await startWith({ bytesPerSecond: 2 * MiB })
    const { service, rows } = setUp({ files: 1 })
    const [a = '', , c = '', d = ''] = [
      await startAll(service, ['a-Q4_0.gguf']),
      await startAll(service, ['b-Q4_0.gguf']),
      await startAll(service, ['c-Q4_0.gguf']),
      await startAll(service, ['d-Q4_0.gguf']),
    ].flat()
    await until(service, (all) => all.some(({ id, receivedBytes }) => id === a && receivedBytes > MiB))
    service.move(d, 'up')
    expect(order(service)).toBe('abdc')
    service.move(d, 'up')
    service.move(c, 'down')
    service.move(a, 'up')
    expect(order(service)).toBe('adbc')
    // None of that touched what runs.
    expect(running(service.list()).map(({ id }) => id)).toEqual([a])
    service.move(c, 'top')
    expect(order(service)).toBe('cadb')
    const [first, second] = await until(service, (all) => running(all)[0]?.id === c)
    expect(first?.id).toBe(c)
    expect(second).toMatchObject({ id: a, state: 'queued', error: null })
    expect(second?.receivedBytes).toBeGreaterThan(MiB / 2)
    service.move(c, 'down')
    await until(service, (all) => running(all)[0]?.id === a)
    expect(rows.get(a)?.position).toBeLessThan(rows.get(c)?.position ?? 0)
    // It goes on where it was.
    expect(hub.requests.findLast(({ at }) => at === 'storage')?.headers.range).toMatch(/^bytes=[1-9]/)
  })

  it('obeys when fewer files are allowed, and when more are', async () => {
    await startWith({ bytesPerSecond: 2 * MiB })
    const { service, limit } = setUp({ files: 3, connections: 1 })
    await startAll(service)
    await until(service, (all) => running(all).length === 3)
    limit.files = 1
    service.applyLimits()
    const all = await until(service, (now) => running(now).length === 1 && now.filter(({ state }) => state === 'queued').length === 3)
    expect(running(all)[0]?.id).toBe(service.list()[0]?.id)
    limit.files = 4
    service.applyLimits()
    await until(service, (now) => running(now).length === 4)
  })
})

describe('limits', () => {
  it('hold the speed of all files and connections together, in their threads', async () => {
    await startWith()
    const worker = await bundle('src/main/platform/downloadWorker.ts')
    const wanted = 3_000_000
    const { service, limit } = setUp({ bytesPerSecond: wanted, files: 2 }, worker)
    const ids = await startAll(service, names.slice(0, 2))
    await Promise.all(ids.map((id) => service.waitFor(id)))
    const began = Math.min(...hub.requests.filter(({ at }) => at === 'storage').map(({ startedAt }) => startedAt))
    const rate = (2 * size) / ((performance.now() - began) / 1_000)
    expect(rate).toBeLessThan(wanted * 1.15)
    // A busy machine may be slower, but not by much: what was not used is made up for.
    expect(rate).toBeGreaterThan(wanted * 0.3)
    // And none once it is lifted, in the middle of a file.
    limit.bytesPerSecond = 50_000
    service.applyLimits()
    const [id = ''] = await startAll(service, names.slice(2, 3))
    await until(service, (all) => all.some((download) => download.id === id && download.state === 'running'))
    limit.bytesPerSecond = null
    service.applyLimits()
    const before = performance.now()
    await service.waitFor(id)
    // At that speed it would have taken two minutes.
    expect(performance.now() - before).toBeLessThan(60_000)
    rmSync(dirname(worker), { recursive: true, force: true })
  })

  it('hold the connections of a file, also while it is under way', async () => {
    // Large enough to be shared.
    const large = Buffer.alloc(64 * MiB)
    await startWith({ bytesPerSecond: 256 * 1024, repositories: { [repository]: { files: { 'a-Q4_0.gguf': large } } } })
    const { service, limit } = setUp({ connections: 2 })
    const [id = ''] = await startAll(service, names.slice(0, 1))
    await until(service, () => hub.stats.storageNow === 2)
    limit.connections = 1
    service.applyLimits()
    await until(service, () => hub.stats.storageNow === 1)
    expect(hub.stats.storageMost).toBe(2)
    limit.connections = 5
    service.applyLimits()
    await until(service, () => hub.stats.storageNow > 2)
    expect(hub.stats.storageMost).toBeLessThanOrEqual(5)
    await service.cancel(id)
  })
})

test('an access token counts from the next request on, in a thread that is at work and after a pause', async () => {
  const worker = await bundle('src/main/platform/downloadWorker.ts')
  const large = { [repository]: { files: { 'a-Q4_0.gguf': Buffer.alloc(64 * MiB) } } }
  await startWith({ bytesPerSecond: 256 * 1024, repositories: large, token: 'hf_right' })
  const { service, limit, network, runner } = setUp({ connections: 1 }, worker)
  const use = (...tokens: string[]) => {
    const known = tokens.map((token) => ({ origin: hub.endpoint, token }))
    network.setTokens(known)
    runner.setTokens(known)
  }
  /** What the hub was sent with each request for the file since this was asked last. */
  let seen = 0
  const sent = () => {
    const all = hub.requests.filter(({ at }) => at === 'resolve').map(({ headers }) => headers.authorization ?? null)
    return all.slice(seen, (seen = all.length))
  }
  const widen = async (connections: number) => {
    limit.connections = connections
    service.applyLimits()
    await until(service, () => hub.stats.storageNow === connections)
  }
  const [id = ''] = await startAll(service, names.slice(0, 1))
  await until(service, () => hub.stats.storageNow === 1)
  expect(sent()).toEqual([null])
  use('hf_right')
  await widen(3)
  expect(sent()).toEqual(['Bearer hf_right', 'Bearer hf_right'])
  use()
  await widen(4)
  expect(sent()).toEqual([null])
  await service.pause(id)
  use('hf_right')
  await service.resume(id)
  await until(service, () => hub.stats.storageNow === 4)
  expect(new Set(sent())).toEqual(new Set(['Bearer hf_right']))
  // Not to the storage, which is another host.
  expect(hub.requests.filter(({ at, headers }) => at === 'storage' && headers.authorization !== undefined)).toEqual([])
  await service.cancel(id)
  rmSync(dirname(worker), { recursive: true, force: true })
})
