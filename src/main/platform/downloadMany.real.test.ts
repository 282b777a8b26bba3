import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { SnugError } from '@shared/errors'
import { bundle } from '../../../e2e/fixtures/bundle'
import { type HubOptions, type RunningHub, startHub } from '../../../e2e/fixtures/hubServer'
import { DownloadJob } from './downloadJob'
import { WorkerRunner } from './downloadRunner'
import type { JobEvent, JobLimits, JobSpec } from './downloadTypes'
import { Network } from './network'

const full = process.env.SNUG_TEST_FULL === '1'
const MiB = 1024 * 1024
const size = 40 * MiB + 777
const content = randomBytes(size)
const sha256 = createHash('sha256').update(content).digest('hex')
const repository = 'maker/model-GGUF'
const file = 'model-Q4_K_M.gguf'
const limits: JobLimits = {
  stallMs: 600,
  maxTries: 6,
  backoffMs: 5,
  maxBackoffMs: 20,
  maxRetryAfterMs: 500,
  manyFromBytes: 16 * MiB,
}

let hub: RunningHub
let root: string

async function startWith(options: Partial<HubOptions> = {}) {
  hub = await startHub({ repositories: { [repository]: { files: { [file]: content } } }, ...options })
}
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'snug-many-'))
})
afterEach(() => hub.close())
afterAll(() => rmSync(root, { recursive: true, force: true }))

function newSpec(): JobSpec {
  const part = { file, sizeBytes: size, sha256, gitSha1: null, etag: null, ranges: [], done: false }
  const folder = mkdtempSync(join(root, 'to-'))
  return { id: 'job1', endpoint: hub.endpoint, repository, revision: hub.commit(repository), folder, parts: [part], reserveBytes: 0 }
}

async function run(spec: JobSpec, options: { signal?: AbortSignal; onEvent?: (event: JobEvent) => void; limits?: JobLimits } = {}) {
  const emit = (event: JobEvent) => {
    const part = spec.parts[0]
    if (event.type === 'durable' && part !== undefined) Object.assign(part, { etag: event.etag, ranges: event.ranges })
    options.onEvent?.(event)
  }
  const network = new Network({ offline: false, token: null, proxy: null })
  return await new DownloadJob(spec, { network, emit, limits: options.limits ?? limits })
    .run(options.signal ?? new AbortController().signal)
    .then(
      () => null,
      (failure: unknown) => failure as SnugError,
    )
}

function expectWhole(spec: JobSpec) {
  expect(readdirSync(spec.folder)).toEqual([file])
  expect(
    createHash('sha256')
      .update(readFileSync(join(spec.folder, file)))
      .digest('hex'),
  ).toBe(sha256)
}
const asked = () => hub.requests.filter((request) => request.at === 'storage')

describe('several connections', () => {
  it('fetch one file together, each a guarded range, nothing twice', async () => {
    await startWith({ bytesPerSecond: 8 * MiB })
    const spec = newSpec()
    expect(await run(spec)).toBeNull()
    expectWhole(spec)
    expect(hub.stats.storageMost).toBeGreaterThanOrEqual(4)
    expect(hub.stats.storageBytes).toBeLessThan(size * 1.05)
    for (const request of asked()) expect(request.headers.range).toMatch(/^bytes=\d+-\d+$/)
    for (const request of asked().slice(1)) expect(request.headers['if-range']).toMatch(/^"[0-9a-f]{64}"$/)
  })

  it('become one where the server allows one', async () => {
    await startWith({ bytesPerSecond: 40 * MiB, storageConnections: 1 })
    const spec = newSpec()
    expect(await run(spec)).toBeNull()
    expectWhole(spec)
    expect(hub.stats.storageMost).toBe(1)
    // It is not knocked at for the whole download.
    expect(asked().filter((request) => request.status === 429).length).toBeLessThanOrEqual(4)
  })

  it('begin nothing before the moment that the server named, and go on with what is under way', async () => {
    const refusal = { at: 'storage', do: 'status', status: 429, headers: { 'Retry-After': '1' }, skip: 2 } as const
    // A piece takes half a second, so that others end while it is waited.
    await startWith({ bytesPerSecond: 16 * MiB, faults: [refusal] })
    const spec = newSpec()
    const events: JobEvent[] = []
    expect(await run(spec, { limits: { ...limits, maxRetryAfterMs: 5_000 }, onEvent: (event) => events.push(event) })).toBeNull()
    expectWhole(spec)
    const refused = asked().find((request) => request.status === 429)?.startedAt ?? Number.NaN
    const later = asked()
      .map(({ startedAt }) => startedAt - refused)
      .filter((after) => after > 50)
    expect(later.length).toBeGreaterThan(0)
    expect(Math.min(...later)).toBeGreaterThan(990)
    expect(events).toContainEqual(expect.objectContaining({ type: 'retry', code: 'hub/rate-limited' }))
  })

  it('become one where ranges are ignored', async () => {
    await startWith({ faults: [{ at: 'storage', do: 'ignore-range', times: 99 }] })
    const spec = newSpec()
    expect(await run(spec)).toBeNull()
    expectWhole(spec)
    expect(hub.stats.storageBytes).toBe(size)
  })

  it(`survive ${full ? 50 : 10} random cuts and send at most 5 % twice`, async () => {
    const cuts = full ? 50 : 10
    await startWith({
      bytesPerSecond: 32 * MiB,
      faults: Array.from({ length: cuts }, () => ({
        at: 'storage' as const,
        do: 'cut' as const,
        afterBytes: 1 + Math.floor((Math.random() * size) / cuts / 2),
      })),
    })
    const spec = newSpec()
    expect(await run(spec)).toBeNull()
    expectWhole(spec)
    expect(hub.stats.storageBytes).toBeLessThanOrEqual(size * 1.05 + cuts * 65_536)
  })

  it('leave a stalled one behind and fetch its rest', async () => {
    await startWith({ bytesPerSecond: 16 * MiB, faults: [{ at: 'storage', do: 'stall', afterBytes: 100_000, skip: 1 }] })
    const spec = newSpec()
    expect(await run(spec)).toBeNull()
    expectWhole(spec)
  })

  it('never mix two files when the ETag changes midway', async () => {
    await startWith({ bytesPerSecond: 16 * MiB, faults: [{ at: 'storage', do: 'new-etag', etag: 'f'.repeat(64), skip: 2 }] })
    const spec = newSpec()
    expect(await run(spec)).toBeNull()
    expectWhole(spec)
    expect(hub.requests.some((request) => request.fault === 'new-etag')).toBe(true)
  })

  it('go on after a stop with what is missing', async () => {
    await startWith({ bytesPerSecond: 8 * MiB })
    const spec = newSpec()
    const stop = new AbortController()
    const onEvent = (event: JobEvent) => event.type === 'progress' && event.receivedBytes > 16 * MiB && stop.abort()
    expect(await run(spec, { signal: stop.signal, onEvent })).toMatchObject({ code: 'cancelled' })
    const ranges = spec.parts[0]?.ranges ?? []
    expect(ranges.length).toBeGreaterThan(1)
    const kept = ranges.reduce((sum, [from, to]) => sum + to - from, 0)
    expect(kept).toBeGreaterThan(15 * MiB)
    hub.stats.storageBytes = 0
    expect(await run(spec)).toBeNull()
    expectWhole(spec)
    expect(hub.stats.storageBytes).toBeLessThan((size - kept) * 1.05 + 8 * 65_536)
  })
})

describe('a mirror', () => {
  let mirror: RunningHub
  const other = Buffer.from(content).fill(7, 1_000, 2_000)
  async function startPair(options: Partial<HubOptions> = {}, bytes = content) {
    await startWith(options)
    mirror = await startHub({ repositories: { [repository]: { files: { [file]: bytes } } }, mirror: true })
    return { ...newSpec(), mirrors: [mirror.endpoint] }
  }
  afterEach(() => mirror.close())

  it('goes on in the middle of a file, at once, and the same file comes out', async () => {
    const spec = await startPair({ bytesPerSecond: 8 * MiB })
    const gone: Promise<void>[] = []
    const sources: string[] = []
    const onEvent = (event: JobEvent) => {
      if (event.type === 'progress' && event.receivedBytes > 12 * MiB && gone.length === 0) gone.push(hub.close())
      if (event.type === 'source') sources.push(event.endpoint)
    }
    expect(await run(spec, { onEvent })).toBeNull()
    await Promise.all(gone)
    expectWhole(spec)
    expect(sources).toEqual([mirror.endpoint])
    // What the first one brought is not fetched again.
    expect(mirror.stats.storageBytes).toBeLessThan(size - 11 * MiB)
    expect(hub.stats.storageBytes + mirror.stats.storageBytes).toBeLessThan(size * 1.05 + 8 * 65_536)
    await startWith()
  })

  it('is left alone when it has another file', async () => {
    const spec = await startPair({ faults: [{ at: 'storage', do: 'status', status: 503 }] }, other)
    expect(await run(spec)).toBeNull()
    expectWhole(spec)
    expect(mirror.stats.storageBytes).toBe(0)
  })

  it('puts right what the first one sends wrong again and again', async () => {
    const spec = await startPair({ faults: [{ at: 'storage', do: 'flip', offset: 9 * MiB, times: 99 }] })
    expect(await run(spec)).toBeNull()
    expectWhole(spec)
    // As far as the wrong byte, and what was under way.
    expect(mirror.stats.storageBytes).toBeGreaterThan(0)
  })
})

it('works in a thread of its own, and finds a wrong byte there', async () => {
  const worker = await bundle('src/main/platform/downloadWorker.ts')
  await startWith()
  const runner = new WorkerRunner(worker, new Network({ offline: false, token: null, proxy: null }), limits)
  const good = newSpec()
  await runner.run(good, () => {}, new AbortController().signal)
  expectWhole(good)
  hub.faults.add({ at: 'storage', do: 'flip', offset: 5 * MiB, times: 99 })
  const bad = newSpec()
  await expect(runner.run(bad, () => {}, new AbortController().signal)).rejects.toMatchObject({ code: 'download/hash-mismatch' })
  expect(readdirSync(bad.folder)).toEqual([`${file}.job1.wrong`])
})
