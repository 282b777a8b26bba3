import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Download } from '@shared/domain/library'
import { SnugError } from '@shared/errors'
import { downloadsIn } from '../../../e2e/fixtures/downloadsService'
import { type HubOptions, type RunningHub, startHub } from '../../../e2e/fixtures/hubServer'
import { memoryRows } from '../../../e2e/fixtures/memoryRows'
import { type DownloadRunner, InProcessRunner } from '../platform/downloadRunner'
import { Hub } from '../platform/hub'
import { Network } from '../platform/network'
import type { DownloadsService } from './downloads'

const repository = 'maker/model-GGUF'
const file = 'model-Q4_K_M.gguf'
const content = randomBytes(4_000_000)
const limits = { stallMs: 500, maxTries: 2, backoffMs: 5, maxBackoffMs: 20, maxRetryAfterMs: 1_000 }

let hub: RunningHub
let folder: string
const services: DownloadsService[] = []
const start = (options: Partial<HubOptions> = {}) =>
  startHub({ repositories: { [repository]: { files: { [file]: content } } }, ...options })
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'snug-return-'))
})
afterEach(async () => {
  await Promise.all(services.splice(0).map((service) => service.dispose()))
  await hub.close()
  rmSync(folder, { recursive: true, force: true })
})

function setUp(rows = memoryRows(), wrap: (runner: DownloadRunner) => DownloadRunner = (runner) => runner) {
  const network = new Network({ offline: false, token: null, proxy: null })
  const { service } = downloadsIn(folder, {
    rows,
    network,
    hub: new Hub({ network, endpoint: () => hub.endpoint }),
    runner: wrap(new InProcessRunner(network, limits)),
    returnDelays: { firstMs: 50, mostMs: 100 },
  })
  services.push(service)
  return { service, rows, network }
}

async function until(service: DownloadsService, state: (download: Download) => boolean): Promise<Download> {
  for await (const [found] of service.follow(AbortSignal.timeout(20_000))) if (found !== undefined && state(found)) return found
  throw new Error('never')
}

function expectWhole(service: DownloadsService, id: string, bytes = content) {
  expect(readdirSync(dirname(service.pathOf(id)))).toEqual([file])
  expect(readFileSync(service.pathOf(id)).equals(bytes)).toBe(true)
}

it('what a silent hub stopped is tried again by itself when there is an answer, and keeps what it has', async () => {
  hub = await start({ bytesPerSecond: 3_000_000 })
  const { service, network } = setUp()
  service.resumeInterrupted()
  const { id } = await service.start({ repository, file })
  await until(service, ({ receivedBytes }) => receivedBytes > 1_000_000)
  await hub.close()
  const failed = await until(service, ({ state, retryAt }) => state === 'failed' && retryAt != null)
  expect(failed.error?.code).toBe('hub/unreachable')
  const asked = () => network.entries().filter(({ purpose }) => purpose === 'answers')
  await expect.poll(() => asked().length).toBeGreaterThan(1)
  expect(service.get(id).state).toBe('failed')
  hub = await start({ port: Number(new URL(hub.endpoint).port), storagePort: Number(new URL(hub.storage).port) })
  expect(await until(service, ({ state }) => state === 'done')).toMatchObject({ error: null, retryAt: null })
  expectWhole(service, id)
  expect(hub.stats.storageBytes).toBeLessThan(content.length - 500_000)
})

it('a command tries nothing again by itself', async () => {
  hub = await start({ faults: [{ at: 'resolve', do: 'status', status: 503, times: 99 }] })
  const { service, network } = setUp()
  const { id } = await service.start({ repository, file })
  await expect(service.waitFor(id)).rejects.toMatchObject({ code: 'hub/unreachable' })
  service.wokeUp()
  expect(service.get(id).retryAt).toBeNull()
  expect(network.entries().filter(({ purpose }) => purpose === 'answers')).toEqual([])
})

it('what the offline switch stopped goes on when it is switched off, also at a later start', async () => {
  hub = await start()
  let offline = true
  const wrap = (runner: DownloadRunner): DownloadRunner => ({
    setOffline: () => {},
    setLimits: () => {},
    setTokens: () => {},
    run: async (...job) => {
      if (offline) throw new SnugError('network/offline', 'offline')
      await runner.run(...job)
    },
  })
  const { service, rows } = setUp(memoryRows(), wrap)
  service.resumeInterrupted({ offline })
  const { id } = await service.start({ repository, file })
  expect((await until(service, ({ state }) => state === 'paused')).error?.code).toBe('network/offline')
  await service.dispose()
  const second = setUp(rows, wrap)
  second.service.resumeInterrupted({ offline })
  expect(second.service.get(id).state).toBe('paused')
  offline = false
  second.service.backOnline()
  await until(second.service, ({ state }) => state === 'done')
  expectWhole(second.service, id)
})

describe('when the commit is gone', () => {
  const others = randomBytes(content.length)
  /** Part of the file is here, and its commit has another one after it at the hub. */
  async function outdated(files: Record<string, Buffer>) {
    hub = await start({ bytesPerSecond: 3_000_000 })
    const first = setUp()
    const { id } = await first.service.start({ repository, file })
    await until(first.service, ({ receivedBytes }) => receivedBytes > 1_000_000)
    await first.service.pause(id)
    await hub.close()
    const ports = { port: Number(new URL(hub.endpoint).port), storagePort: Number(new URL(hub.storage).port) }
    hub = await start({ ...ports, repositories: { [repository]: { files } } })
    await first.service.resume(id)
    const { error } = await until(first.service, ({ state }) => state === 'failed')
    expect(['download/changed', 'hub/not-found']).toContain(error?.code)
    return { service: first.service, id }
  }

  it('a new start takes what is there now, and keeps nothing of another file', async () => {
    const { service, id } = await outdated({ [file]: others })
    expect(await service.start({ repository, file })).toEqual({ id })
    expect((await service.waitFor(id)).revision).toBe(hub.commit(repository))
    expectWhole(service, id, others)
    expect(hub.stats.storageBytes).toBe(others.length)
  })

  it('what has the same bytes in the new commit goes on where it was', async () => {
    const { service, id } = await outdated({ [file]: content, 'README.md': Buffer.from('new') })
    await service.resume(id)
    expect((await service.waitFor(id)).revision).toBe(hub.commit(repository))
    expectWhole(service, id)
    expect(hub.stats.storageBytes).toBeLessThan(content.length - 500_000)
  })

  it('says so when the hub has nothing in its place', async () => {
    const { service, id } = await outdated({ 'README.md': Buffer.from('gone') })
    await expect(service.start({ repository, file })).rejects.toMatchObject({ code: 'hub/not-found' })
    expect(service.get(id).state).toBe('failed')
  })
})
