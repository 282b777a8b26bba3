import { spawn, spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Download } from '@shared/domain/library'
import { bundle } from '../../../e2e/fixtures/bundle'
import { downloadsIn } from '../../../e2e/fixtures/downloadsService'
import { type RunningHub, startHub } from '../../../e2e/fixtures/hubServer'
import { canMountSmallDisk } from '../../../e2e/fixtures/mounting'
import { memoryRows } from '../../../e2e/fixtures/memoryRows'
import { type DownloadRunner, InProcessRunner, WorkerRunner } from '../platform/downloadRunner'
import { takeLock } from '../platform/fileLock'
import { Hub } from '../platform/hub'
import { Network } from '../platform/network'
import type { DownloadsService } from './downloads'
import { lockFile } from './downloadRows'

const full = process.env.SNUG_TEST_FULL === '1'
const size = 8 * 1024 * 1024 + 321
const content = randomBytes(size)
const sha256 = createHash('sha256').update(content).digest('hex')
const repository = 'maker/model-GGUF'
const file = 'model-Q4_K_M.gguf'
const limits = { stallMs: 500, maxTries: 3, backoffMs: 5, maxBackoffMs: 20, maxRetryAfterMs: 1_000 }

let hub: RunningHub
let root: string
let made: DownloadsService[] = []

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'snug 下载-'))
  hub = await startHub({
    repositories: {
      [repository]: { files: { [file]: content } },
      'maker/split': {
        files: {
          'b-Q8_0-00001-of-00002.gguf': content.subarray(0, 100_000),
          'b-Q8_0-00002-of-00002.gguf': content.subarray(100_000, 2_000_000),
        },
      },
      'maker/vision': { files: { 'v-Q8_0.gguf': content.subarray(0, 50_000), 'mmproj-v-F16.gguf': content.subarray(0, 30_000) } },
      'maker/unsafe': { files: { '../../evil-Q4_0.gguf': Buffer.alloc(10), 'CON.gguf': Buffer.alloc(10) } },
    },
  })
})
afterEach(async () => {
  await Promise.all(made.map((service) => service.dispose()))
  made = []
  hub.faults.clear()
  hub.stats.storageBytes = 0
  hub.stats.storageRequests = 0
})
afterAll(async () => {
  await hub.close()
  rmSync(root, { recursive: true, force: true })
})

function setUp(options: { folder?: string; rows?: ReturnType<typeof memoryRows>; runner?: (network: Network) => DownloadRunner } = {}) {
  const folder = options.folder ?? mkdtempSync(join(root, 'data-'))
  const network = new Network({ offline: false, token: null, proxy: null })
  const { service, arrived, rows } = downloadsIn(folder, {
    rows: options.rows ?? memoryRows(),
    hub: new Hub({ network, endpoint: () => hub.endpoint }),
    runner: options.runner?.(network) ?? new InProcessRunner(network, limits),
  })
  made.push(service)
  return { service, folder, arrived, rows, network, target: join(folder, 'models', 'maker', 'model-GGUF', file) }
}

const hashOf = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex')

/** Files of the tests that this process has open. */
function openFiles(): string[] {
  if (process.platform !== 'linux') return []
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const target = readlinkSync(`/proc/self/fd/${fd}`)
      return target.startsWith(root) ? [target] : []
    } catch {
      // The descriptor of this very listing is gone by now.
      return []
    }
  })
}

async function until(service: DownloadsService, id: string, state: (download: Download) => boolean): Promise<Download> {
  for await (const all of service.follow(AbortSignal.timeout(20_000))) {
    const found = all.find((download) => download.id === id)
    if (found !== undefined && state(found)) return found
  }
  throw new Error('never')
}

describe('downloads', () => {
  it('arrive in owner/repository/file, are handed to the library, and are one for the same file', async () => {
    const { service, target, arrived } = setUp()
    const [first, second] = await Promise.all([service.start({ repository, file }), service.start({ repository, file })])
    expect(second).toEqual(first)
    const done = await service.waitFor(first.id)
    expect(done).toMatchObject({ state: 'done', receivedBytes: size, verifiedBytes: size, modelId: 'model-1', secondsLeft: null })
    expect(hashOf(target)).toBe(sha256)
    expect(arrived).toEqual([{ path: target, repository, revision: hub.commit(repository), sha256s: [sha256] }])
    expect(await service.start({ repository, file })).toEqual({ ...first, here: target })
    expect(hub.stats.storageRequests).toBe(1)
    await service.dismiss(first.id)
    expect(service.list()).toEqual([])
    expect(existsSync(target)).toBe(true)
  })

  it('pause, outlive a restart of the app, and go on without sending anything twice', async () => {
    const { service, folder, rows } = setUp()
    hub.faults.add({ at: 'storage', do: 'throttle', bytesPerSecond: 6_000_000 })
    const { id } = await service.start({ repository, file })
    await until(service, id, (download) => download.receivedBytes > 2_000_000)
    await service.pause(id)
    expect(service.get(id)).toMatchObject({ state: 'paused', error: null })
    await service.dispose()
    const second = setUp({ folder, rows })
    second.service.resumeInterrupted()
    const kept = second.service.get(id)
    expect(kept.state).toBe('paused')
    expect(kept.receivedBytes).toBeGreaterThan(2_000_000)
    hub.stats.storageBytes = 0
    await second.service.resume(id)
    await second.service.waitFor(id)
    expect(hashOf(second.target)).toBe(sha256)
    expect(hub.stats.storageBytes).toBe(size - kept.receivedBytes)
  })

  it('that were running when the app quit go on by themselves', async () => {
    const { service, folder, rows } = setUp()
    hub.faults.add({ at: 'storage', do: 'throttle', bytesPerSecond: 4_000_000 })
    const { id } = await service.start({ repository, file })
    await until(service, id, (download) => download.receivedBytes > 1_000_000)
    await service.dispose()
    expect(rows.get(id)?.state).toBe('running')
    const second = setUp({ folder, rows })
    second.service.resumeInterrupted()
    await second.service.waitFor(id)
    expect(hashOf(second.target)).toBe(sha256)
  })

  it('run only where somebody asked for them: a command leaves the queue of the app alone', async () => {
    const first = setUp()
    hub.faults.add({ at: 'storage', do: 'throttle', bytesPerSecond: 4_000_000 })
    const { id } = await first.service.start({ repository, file })
    await until(first.service, id, (download) => download.receivedBytes > 1_000_000)
    await first.service.dispose()
    const queued = first.rows.get(id)
    if (queued === undefined) throw new Error('no row')
    first.rows.save({ ...queued, state: 'queued' })
    hub.requests.length = 0

    const command = setUp(first)
    const other = await command.service.start({ repository: 'maker/vision', file: 'v-Q8_0.gguf' })
    await command.service.waitFor(other.id)
    expect(hub.requests.filter(({ path }) => path.includes(file))).toEqual([])
    expect(first.rows.get(id)?.state).toBe('queued')
    // Unless it is the one that the command names.
    expect(await command.service.start({ repository, file })).toEqual({ id })
    await command.service.waitFor(id)
    expect(hashOf(first.target)).toBe(sha256)
  })

  it('stay cancelled when room is found in that moment', async () => {
    const { service, folder, rows } = setUp()
    const { id } = await service.start({ repository, file })
    await service.pause(id)
    await service.dispose()
    const row = rows.get(id)
    if (row === undefined) throw new Error('no row')
    rows.save({ ...row, state: 'paused', error: { code: 'download/disk-full', message: 'full', data: { path: folder } } })
    vi.useFakeTimers({ toFake: ['setInterval'] })
    try {
      const second = setUp({ folder, rows })
      second.service.resumeInterrupted()
      vi.advanceTimersByTime(10_000)
      hub.requests.length = 0
      await second.service.cancel(id)
      await sleep(50)
      expect(second.service.get(id)).toMatchObject({ state: 'cancelled', receivedBytes: 0 })
      expect(hub.requests).toEqual([])
    } finally {
      vi.useRealTimers()
    }
  })

  it('leave nothing behind when cancelled', async () => {
    const { service, folder } = setUp()
    hub.faults.add({ at: 'storage', do: 'throttle', bytesPerSecond: 4_000_000 })
    const { id } = await service.start({ repository, file })
    await until(service, id, (download) => download.receivedBytes > 0)
    await service.cancel(id)
    expect(service.get(id).state).toBe('cancelled')
    expect(readdirSync(join(folder, 'models'))).toEqual([])
    expect(readdirSync(join(folder, 'locks'))).toEqual([])
    await service.dismiss(id)
  })

  it('bring a projector, which is no model on the list', async () => {
    const { service, arrived } = setUp()
    const { id } = await service.start({ repository: 'maker/vision', file: 'mmproj-v-F16.gguf' })
    expect(await service.waitFor(id)).toMatchObject({ state: 'done', modelId: null, totalBytes: 30_000 })
    expect(readFileSync(service.pathOf(id))).toEqual(content.subarray(0, 30_000))
    expect(arrived).toEqual([])
  })

  it('show what failed, and start again on demand', async () => {
    const { service, target } = setUp()
    hub.faults.add({ at: 'storage', do: 'flip', offset: 77, times: 99 })
    const { id } = await service.start({ repository, file })
    await expect(service.waitFor(id)).rejects.toMatchObject({ code: 'download/hash-mismatch' })
    expect(service.get(id)).toMatchObject({ state: 'failed', receivedBytes: 0 })
    expect(existsSync(target)).toBe(false)
    hub.faults.clear()
    expect(await service.start({ repository, file })).toMatchObject({ id })
    await service.waitFor(id)
    expect(hashOf(target)).toBe(sha256)
  })

  it('take no name that leads out of the models folder', async () => {
    const { service, folder } = setUp()
    for (const name of ['../../evil-Q4_0.gguf', 'CON.gguf'])
      await expect(service.start({ repository: 'maker/unsafe', file: name })).rejects.toMatchObject({ code: 'file/unsafe-name' })
    await expect(service.start({ repository, file: 'none.gguf' })).rejects.toMatchObject({ code: 'hub/not-found' })
    expect(service.list()).toEqual([])
    expect(existsSync(join(folder, 'models'))).toBe(false)
  })

  it('leave a file alone that another process downloads', async () => {
    const { service, folder, rows } = setUp()
    hub.faults.add({ at: 'storage', do: 'throttle', bytesPerSecond: 4_000_000 })
    const { id } = await service.start({ repository, file })
    await until(service, id, (download) => download.receivedBytes > 1_000_000)
    const other = setUp({ folder, rows })
    await other.service.start({ repository, file })
    await expect(other.service.waitFor(id)).rejects.toMatchObject({ code: 'download/busy' })
    expect(rows.get(id)?.state).toBe('running')
    await expect(other.service.cancel(id)).rejects.toMatchObject({ code: 'download/busy' })
    await service.waitFor(id)
    // A busy machine may stall one connection; two downloads would bring everything twice.
    expect(hub.stats.storageBytes).toBeLessThan(size * 1.1)
    await other.service.resume(id)
    await other.service.waitFor(id)
    expect(other.arrived).toEqual([])
  })

  it('go on by themselves where another process had the file: done there, or ended here', async () => {
    const { service, folder, rows } = setUp()
    hub.faults.add({ at: 'storage', do: 'throttle', bytesPerSecond: 4_000_000 })
    const { id } = await service.start({ repository, file })
    await until(service, id, (download) => download.receivedBytes > 1_000_000)
    vi.useFakeTimers({ toFake: ['setInterval'] })
    try {
      const other = setUp({ folder, rows })
      other.service.resumeInterrupted()
      await expect(other.service.waitFor(id)).rejects.toMatchObject({ code: 'download/busy' })
      vi.advanceTimersByTime(10_000)
      await sleep(50)
      expect(other.service.get(id)).toMatchObject({ state: 'paused', error: { code: 'download/busy' } })
      // The other Snug quits half-way.
      await service.dispose()
      hub.faults.clear()
      vi.advanceTimersByTime(10_000)
      await expect.poll(() => other.service.get(id).state, { timeout: 20_000 }).toBe('done')
    } finally {
      vi.useRealTimers()
    }
    expect(hub.stats.storageBytes).toBeLessThan(size * 1.2)
  })

  it('take over a lock whose process is gone', async () => {
    const { service, folder, rows } = setUp()
    const lock = join(folder, 'locks', 'x.lock')
    const free = await takeLock(lock)
    expect(await takeLock(lock)).toBeNull()
    await free?.()
    const gone = spawnSync(process.execPath, ['-e', ''])
    writeFileSync(lock, JSON.stringify({ pid: gone.pid, started: '1', nonce: 'n' }))
    expect(await takeLock(lock)).not.toBeNull()
    writeFileSync(lock, '{"pid":')
    expect(await takeLock(lock)).not.toBeNull()
    const { id } = await service.start({ repository, file })
    await service.cancel(id)
    const row = rows.get(id)
    expect(row && existsSync(lockFile(dirname(lock), row))).toBe(false)
  })

  it(`stay whole through ${full ? 100 : 10} random orders, and keep no file open`, async () => {
    const { service, folder, target } = setUp()
    const before = openFiles()
    hub.faults.add({ at: 'storage', do: 'throttle', bytesPerSecond: 30_000_000, times: 10_000 })
    let id = (await service.start({ repository, file })).id
    for (let round = 0; round < (full ? 100 : 10); round++) {
      await sleep(Math.random() * 40)
      const order = Math.floor(Math.random() * 4)
      const orders = [service.pause(id)]
      if (order === 1) orders.push(service.resume(id))
      if (order === 2) orders.push(service.cancel(id))
      await Promise.all(orders)
      if (order >= 2) id = (await service.start({ repository, file })).id
    }
    hub.faults.clear()
    id = (await service.start({ repository, file })).id
    await service.waitFor(id)
    expect(hashOf(target)).toBe(sha256)
    expect(readdirSync(dirname(target))).toEqual([file])
    expect(readdirSync(join(folder, 'locks'))).toEqual([])
    expect(openFiles()).toEqual(before)
  })

  it('run in a worker thread that obeys', async () => {
    const worker = await bundle('src/main/platform/downloadWorker.ts')
    const { service, network, target } = setUp({ runner: (network) => new WorkerRunner(worker, network, limits) })
    hub.faults.add({ at: 'storage', do: 'throttle', bytesPerSecond: 6_000_000 })
    const { id } = await service.start({ repository, file })
    await until(service, id, (download) => download.receivedBytes > 1_000_000)
    await service.pause(id)
    const kept = service.get(id).receivedBytes
    expect(kept).toBeGreaterThan(1_000_000)
    await service.resume(id)
    await service.waitFor(id)
    expect(hashOf(target)).toBe(sha256)
    const sent = network.entries().filter(({ purpose }) => purpose === 'download')
    expect(sent.reduce((sum, { count = 1 }) => sum + count, 0)).toBeGreaterThanOrEqual(4)
    rmSync(dirname(worker), { recursive: true, force: true })
  })
})

describe('a process that downloads', () => {
  let program: string
  beforeAll(async () => {
    program = await bundle('e2e/fixtures/downloadProcess.ts')
  })
  afterAll(() => rmSync(dirname(program), { recursive: true, force: true }))

  const start = (folder: string) =>
    spawn(process.execPath, [program, hub.endpoint, folder, repository, file], { stdio: ['ignore', 'pipe', 'inherit'] })

  it(`is killed ${full ? 25 : 3} times, goes on, and sends at most 5 % twice each time`, async () => {
    const kills = full ? 25 : 3
    const folder = mkdtempSync(join(root, 'kill-'))
    hub.faults.add({ at: 'storage', do: 'throttle', bytesPerSecond: (size / kills) * 2, times: kills })
    for (let round = 0; round < kills; round++) {
      const child = start(folder)
      const exited = new Promise((done) => child.once('exit', done))
      const before = hub.stats.storageBytes
      const until = performance.now() + 10_000
      while (hub.stats.storageBytes - before < (size / kills) * 0.6 && performance.now() < until) await sleep(10)
      child.kill('SIGKILL')
      await exited
      const names = readdirSync(join(folder, 'models'), { recursive: true, encoding: 'utf8' })
      for (const name of names.filter((candidate) => candidate.endsWith('.gguf'))) expect(hashOf(join(folder, 'models', name))).toBe(sha256)
    }
    hub.faults.clear()
    const child = start(folder)
    let output = ''
    child.stdout.on('data', (data: Buffer) => (output += data.toString()))
    expect(await new Promise((done) => child.once('exit', done))).toBe(0)
    expect(output).toContain('"done":true')
    expect(hashOf(join(folder, 'models', 'maker', 'model-GGUF', file))).toBe(sha256)
    // What was in the sockets' buffers at a kill was sent, too.
    expect(hub.stats.storageBytes).toBeLessThanOrEqual(size + kills * (size * 0.05 + 1_048_576 + 262_144))
  })

  const fullDisks = Array.from({ length: full ? 20 : 2 }, (_, round) => round)
  it.for(fullDisks)('pauses on a full disk with what is missing, and ends right once there is room (%i)', async (_round, { skip }) => {
    skip(!canMountSmallDisk(), 'this system lets no test mount a small disk')
    const folder = mkdtempSync(join(root, 'full-'))
    hub.faults.add({ at: 'storage', do: 'throttle', bytesPerSecond: 4_000_000 })
    const moment = 2_000 + Math.floor(Math.random() * 4_000)
    // All runs share one mount: no room from the start, a disk that fills up meanwhile, and room again.
    const script = `mount -t tmpfs -o size=10m none "$1"
run() { "$2" "$3" "$4" "$1" ${repository} ${file} | tail -n 1; }
dd if=/dev/zero of="$1/filler" bs=1M count=6 status=none; run "$@"; rm "$1/filler"
(for i in $(seq 400); do [ "$(find "$1/models" -name '*.part' -size +${moment}k)" ] && break; sleep 0.05; done 2>/dev/null; dd if=/dev/zero of="$1/filler" bs=64k status=none 2>/dev/null) & run "$@"; wait; rm "$1/filler"
run "$@"; sha256sum <"$1/models/maker/model-GGUF/${file}"`
    const child = spawn('unshare', ['-rm', 'sh', '-c', script, 'sh', folder, process.execPath, program, hub.endpoint])
    let output = ''
    child.stdout.on('data', (data: Buffer) => (output += data.toString()))
    await new Promise((done) => child.once('exit', done))
    const [before, during, after, hash] = output.trim().split('\n')
    const full = { code: 'download/disk-full', download: { state: 'paused' } }
    expect(JSON.parse(before ?? '')).toMatchObject({ ...full, download: { state: 'paused', receivedBytes: 0 } })
    const second = JSON.parse(during ?? '') as { data: { neededBytes: number }; download: Download }
    expect(second).toMatchObject(full)
    expect(second.download.receivedBytes).toBeGreaterThan(1_000_000)
    expect(second.data.neededBytes).toBeGreaterThan(0)
    expect(second.data.neededBytes).toBeLessThanOrEqual(size)
    expect(JSON.parse(after ?? '')).toMatchObject({ done: true })
    expect(hash).toContain(sha256)
    expect(hub.stats.storageRequests).toBe(2)
  })
})
