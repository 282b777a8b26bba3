import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { hfMirror, huggingFace } from '@shared/domain/settings'
import { downloadsIn } from '../../../e2e/fixtures/downloadsService'
import { type HubOptions, type RunningHub, startHub } from '../../../e2e/fixtures/hubServer'
import { memoryRows } from '../../../e2e/fixtures/memoryRows'
import { InProcessRunner } from '../platform/downloadRunner'
import { Endpoints, candidates } from '../platform/endpoints'
import { Hub } from '../platform/hub'
import { Network } from '../platform/network'

const repository = 'maker/model-GGUF'
const file = 'model-Q4_K_M.gguf'
const content = randomBytes(5_000_000)
const sha256 = createHash('sha256').update(content).digest('hex')
const limits = { stallMs: 500, maxTries: 3, backoffMs: 5, maxBackoffMs: 20, maxRetryAfterMs: 1_000 }

let hubs: RunningHub[] = []
let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'snug-endpoints-'))
})
afterEach(async () => {
  await Promise.all(hubs.map((hub) => hub.close()))
  hubs = []
  rmSync(root, { recursive: true, force: true })
})

async function start(options: Partial<HubOptions> = {}, bytes = content): Promise<RunningHub> {
  const hub = await startHub({ repositories: { [repository]: { files: { [file]: bytes } } }, ...options })
  hubs.push(hub)
  return hub
}

function setUp(all: string[], { automatic = true, rows = memoryRows() } = {}) {
  const token = { origin: all[0] ?? '', token: 'hf_secret' }
  const network = new Network({ offline: false, token, proxy: null })
  const endpoints = new Endpoints({ network, fixed: () => all[0] ?? '', automatic: () => automatic, candidates: () => all })
  const hub = new Hub({ network, endpoint: () => endpoints.current, endpoints })
  const runner = new InProcessRunner(network, limits)
  const { service: downloads } = downloadsIn(root, { rows, hub, endpoints, runner })
  return { endpoints, hub, downloads }
}

const arrivedHash = () =>
  createHash('sha256')
    .update(readFileSync(join(root, 'models', 'maker', 'model-GGUF', file)))
    .digest('hex')
const nowhere = 'http://127.0.0.1:9'

describe('automatic', () => {
  it('takes the one that answers fastest, and asks the origin what a file must be', async () => {
    const origin = await start({ apiDelayMs: 300 })
    const mirror = await start({ mirror: true })
    const { hub, endpoints, downloads } = setUp([origin.endpoint, mirror.endpoint])
    expect(await hub.status()).toMatchObject({ endpoint: mirror.endpoint, reachable: true })
    const { id } = await downloads.start({ repository, file })
    await downloads.waitFor(id)
    expect(arrivedHash()).toBe(sha256)
    expect(origin.requests.some((request) => request.path.includes('/tree/'))).toBe(true)
    expect(mirror.requests.some((request) => request.path.includes('/tree/'))).toBe(false)
    expect(mirror.stats.storageBytes).toBe(content.length)
    expect(endpoints.mirrors()).toEqual([origin.endpoint])
    // The token is the origin's alone.
    expect(origin.requests.some((request) => request.headers.authorization === 'Bearer hf_secret')).toBe(true)
    expect(JSON.stringify(mirror.requests.map((request) => request.headers))).not.toContain('hf_secret')
    await downloads.dispose()
  })

  it('goes on elsewhere when the fastest dies in the middle', async () => {
    const origin = await start({ apiDelayMs: 100 })
    const mirror = await start({ mirror: true, bytesPerSecond: 4_000_000 })
    const { hub, endpoints, downloads } = setUp([origin.endpoint, mirror.endpoint])
    await hub.status()
    await endpoints.origin()
    const { id } = await downloads.start({ repository, file })
    let gone: Promise<void> | null = null
    await downloads.waitFor(id, (download) => {
      if (download.receivedBytes > 1_500_000) gone ??= mirror.close()
    })
    expect(gone).not.toBeNull()
    hubs = [origin]
    expect(arrivedHash()).toBe(sha256)
    expect(origin.stats.storageBytes).toBeGreaterThan(0)
    expect(origin.stats.storageBytes).toBeLessThan(content.length - 1_000_000)
    await downloads.dispose()
  })

  it('goes on after a restart where only a mirror answers', async () => {
    const mirror = await start({ mirror: true, bytesPerSecond: 4_000_000 })
    const rows = memoryRows()
    const first = setUp([nowhere, mirror.endpoint], { rows })
    const { id } = await first.downloads.start({ repository, file })
    for await (const [download] of first.downloads.follow()) if ((download?.receivedBytes ?? 0) > 1_000_000) break
    await first.downloads.dispose()
    // Nobody has asked yet who answers.
    const second = setUp([nowhere, mirror.endpoint], { rows })
    second.downloads.resumeInterrupted()
    await second.downloads.waitFor(id)
    expect(arrivedHash()).toBe(sha256)
    await second.downloads.dispose()
  })

  it('never lets a mirror say what is right', async () => {
    const origin = await start({ apiDelayMs: 100 })
    // The same length and commit, other bytes.
    const mirror = await start({ mirror: true, faults: [{ at: 'storage', do: 'flip', offset: 4_321, times: 99 }] })
    const { hub, endpoints, downloads } = setUp([origin.endpoint, mirror.endpoint])
    await hub.status()
    await endpoints.origin()
    const { id } = await downloads.start({ repository, file })
    await downloads.waitFor(id)
    expect(arrivedHash()).toBe(sha256)
    await downloads.dispose()
  })

  it('does without those that do not answer, and says so when none does', async () => {
    const mirror = await start({ mirror: true })
    const one = setUp([nowhere, mirror.endpoint])
    expect((await one.hub.listing(repository)).groups).toHaveLength(1)
    expect(one.endpoints.current).toBe(mirror.endpoint)
    const none = setUp([nowhere])
    expect(await none.hub.status()).toMatchObject({ endpoint: nowhere, reachable: false })
    expect(none.endpoints.mirrors()).toEqual([])
  })

  it('looks again after the one it took stopped answering', async () => {
    const first = await start()
    const second = await start({ mirror: true, apiDelayMs: 100 })
    const { hub, endpoints } = setUp([first.endpoint, second.endpoint])
    await hub.search('model')
    await first.close()
    hubs = [second]
    await expect(hub.search('model')).rejects.toMatchObject({ code: 'hub/unreachable' })
    expect(await hub.search('model')).toHaveLength(1)
    expect(endpoints.current).toBe(second.endpoint)
  })
})

it('asks only the chosen one otherwise', async () => {
  const origin = await start()
  const mirror = await start({ mirror: true })
  const { hub, endpoints } = setUp([origin.endpoint, mirror.endpoint], { automatic: false })
  await hub.listing(repository)
  expect(mirror.requests).toEqual([])
  expect(endpoints.mirrors()).toEqual([])
})

it('a hub of one’s own has no mirror but the one named with it', () => {
  expect(candidates(huggingFace, null)).toEqual([huggingFace, hfMirror])
  expect(candidates(hfMirror, 'https://hub.example/')).toEqual([huggingFace, hfMirror, 'https://hub.example'])
  expect(candidates('http://127.0.0.1:1', 'http://127.0.0.1:2')).toEqual(['http://127.0.0.1:1', 'http://127.0.0.1:2'])
})
