import { createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync, mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { SnugError } from '@shared/errors'
import type { Fault } from '../../../e2e/fixtures/hubFaults'
import { type RunningHub, startHub } from '../../../e2e/fixtures/hubServer'
import { DownloadJob } from './downloadJob'
import type { JobEvent, JobLimits, JobSpec } from './downloadTypes'
import { Hub } from './hub'
import { Network } from './network'

const full = process.env.SNUG_TEST_FULL === '1'
/** The numbers of the rounds: a tenth of them in the short run. */
const rounds = (count: number) => Array.from({ length: full ? count : Math.ceil(count / 10) }, (_, round) => round)
const size = 6 * 1024 * 1024 + 12_345
const content = randomBytes(size)
const sha256 = createHash('sha256').update(content).digest('hex')
const quick: JobLimits = { stallMs: 400, maxTries: 6, backoffMs: 5, maxBackoffMs: 20, maxRetryAfterMs: 3_000 }
const repository = 'maker/model-GGUF'
const file = 'model-Q4_K_M.gguf'

let hub: RunningHub
let root: string
let folder: string

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'snug-job-'))
  hub = await startHub({
    repositories: {
      [repository]: { files: { [file]: content, 'README.md': Buffer.from('# model') }, licence: 'mit' },
      'maker/split': {
        files: {
          'big-Q8_0-00001-of-00002.gguf': content.subarray(0, 3_000_000),
          'big-Q8_0-00002-of-00002.gguf': content.subarray(3_000_000),
        },
      },
      'maker/gated': { files: { [file]: content }, gated: true },
    },
    token: 'hf_secret',
  })
})
afterAll(async () => {
  await hub.close()
  rmSync(root, { recursive: true, force: true })
})
afterEach(() => {
  hub.faults.clear()
  hub.requests.length = 0
  hub.stats.storageBytes = 0
})

function network(token: string | null = null, offline = false): Network {
  return new Network({ offline, token: token === null ? null : { origin: hub.endpoint, token }, proxy: null })
}

async function specOf(id = repository, wantedFile = file): Promise<JobSpec> {
  folder = mkdtempSync(join(root, 'to-'))
  const listing = await new Hub({ network: network(), endpoint: () => hub.endpoint }).listing(id)
  const group = listing.groups.find((candidate) => candidate.file === wantedFile)
  if (group === undefined) throw new Error('no such group')
  const parts = group.parts.map((path) => {
    const found = listing.files.find((candidate) => candidate.path === path)
    if (found === undefined) throw new Error('no such file')
    return { file: path, sizeBytes: found.sizeBytes, sha256: found.sha256, gitSha1: null, etag: null, ranges: [], done: false }
  })
  return { id: 'job1', endpoint: hub.endpoint, repository: id, revision: listing.revision, folder, parts, reserveBytes: 0 }
}

/** Runs a job, keeps its state as main would, so that a second run goes on from it. */
async function run(
  spec: JobSpec,
  options: { limits?: JobLimits; signal?: AbortSignal; token?: string; onEvent?: (event: JobEvent) => void } = {},
) {
  const events: JobEvent[] = []
  const emit = (event: JobEvent) => {
    events.push(event)
    if (event.type === 'durable') {
      const part = spec.parts[event.part]
      if (part) Object.assign(part, { etag: event.etag, sha256: event.sha256, ranges: event.ranges })
    } else if (event.type === 'placed') {
      const part = spec.parts[event.part]
      if (part) part.done = true
    } else if (event.type === 'folder') spec.folder = event.folder
    options.onEvent?.(event)
  }
  const job = new DownloadJob(spec, { network: network(options.token ?? null), emit, limits: options.limits ?? quick })
  const error = await job.run(options.signal ?? new AbortController().signal).then(
    () => null,
    (failure: unknown) => failure as SnugError,
  )
  return { error, events }
}

const hashOf = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex')
const placed = () => join(folder, file)

async function withFaults(faults: Fault[], options: Parameters<typeof run>[1] = {}) {
  const spec = await specOf()
  for (const fault of faults) hub.faults.add(fault)
  const result = await run(spec, options)
  return { ...result, spec }
}

describe('a download', () => {
  it('arrives whole, verified, under its name, with nothing left beside it', async () => {
    const { error, events } = await withFaults([])
    expect(error).toBeNull()
    expect(hashOf(placed())).toBe(sha256)
    expect(readdirSync(folder)).toEqual([file])
    expect(events.at(-1)).toMatchObject({ type: 'progress', receivedBytes: size, verifiedBytes: size })
    expect(hub.stats.storageBytes).toBe(size)
  })

  it('takes all parts of a split file', async () => {
    const spec = await specOf('maker/split', 'big-Q8_0-00001-of-00002.gguf')
    expect((await run(spec)).error).toBeNull()
    expect(readdirSync(folder).sort()).toEqual(['big-Q8_0-00001-of-00002.gguf', 'big-Q8_0-00002-of-00002.gguf'])
    expect(hashOf(join(folder, 'big-Q8_0-00002-of-00002.gguf'))).toBe(spec.parts[1]?.sha256)
  })

  it(`survives ${full ? 50 : 5} random cuts and sends at most 5 % twice`, async () => {
    const faults: Fault[] = []
    const cuts = full ? 50 : 5
    for (let index = 0; index < cuts; index++)
      faults.push({ at: 'storage', do: 'cut', afterBytes: 1 + Math.floor(Math.random() * (size / cuts / 2)) })
    const { error } = await withFaults(faults)
    expect(error).toBeNull()
    expect(hashOf(placed())).toBe(sha256)
    // The bytes of each cut are counted by the server when written; a reset may lose what was in flight.
    expect(hub.stats.storageBytes).toBeLessThanOrEqual(size * 1.05 + cuts * 65_536)
    const resumed = hub.requests.filter((request) => request.at === 'storage' && request.headers.range !== undefined)
    expect(resumed.length).toBeGreaterThan(0)
    for (const request of resumed) expect(request.headers['if-range']).toMatch(/^"[0-9a-f]{64}"$/)
  })

  it('goes on where it was stopped', async () => {
    const spec = await specOf()
    hub.faults.add({ at: 'storage', do: 'throttle', bytesPerSecond: 4_000_000 })
    const stop = new AbortController()
    const first = await run(spec, {
      signal: stop.signal,
      onEvent: (event) => event.type === 'progress' && event.receivedBytes > 2_000_000 && stop.abort(),
    })
    expect(first.error).toMatchObject({ code: 'cancelled' })
    const kept = spec.parts[0]?.ranges[0]?.[1] ?? 0
    expect(kept).toBeGreaterThan(2_000_000)
    expect(existsSync(placed())).toBe(false)
    hub.stats.storageBytes = 0
    expect((await run(spec)).error).toBeNull()
    expect(hashOf(placed())).toBe(sha256)
    expect(hub.stats.storageBytes).toBe(size - kept)
  })

  it('takes a file that was already placed when the app was killed', async () => {
    const spec = await specOf()
    writeFileSync(placed(), content)
    const { error, events } = await run(spec)
    expect(error).toBeNull()
    expect(events).toContainEqual({ type: 'placed', part: 0, path: placed(), sha256, fetched: false })
    expect(hub.stats.storageBytes).toBe(0)
  })

  it('never writes over a file that is not its own', async () => {
    const spec = await specOf()
    mkdirSync(folder, { recursive: true })
    writeFileSync(placed(), 'my own file')
    expect((await run(spec)).error).toBeNull()
    expect(readFileSync(placed(), 'utf8')).toBe('my own file')
    expect(hashOf(join(folder, spec.revision.slice(0, 8), file))).toBe(sha256)
  })

  it('never writes over a file that appeared meanwhile: an equal one is taken, another one keeps its name', async () => {
    const names = [1, 2].map((part) => `big-Q8_0-0000${part}-of-00002.gguf`)
    const [first = '', second = ''] = names
    /** `place` runs when the first part is there and the second one comes. */
    const meanwhile = async (place: () => void) => {
      const spec = await specOf('maker/split', first)
      const ran = await run(spec, { onEvent: (event) => event.type === 'placed' && event.part === 0 && place() })
      expect(ran.error).toBeNull()
      return { spec, placed: ran.events.filter((event) => event.type === 'placed') }
    }
    const other = await meanwhile(() => writeFileSync(join(folder, second), 'somebody else’s'))
    expect(readFileSync(join(folder, second), 'utf8')).toBe('somebody else’s')
    const beside = join(folder, other.spec.revision.slice(0, 8))
    expect(other.spec.folder).toBe(beside)
    expect(names.map((name) => hashOf(join(beside, name)))).toEqual(other.spec.parts.map((part) => part.sha256))
    expect(readdirSync(folder).sort()).toEqual([second, other.spec.revision.slice(0, 8)].sort())
    const equal = await meanwhile(() => writeFileSync(join(folder, second), content.subarray(3_000_000)))
    expect(equal.placed).toMatchObject([{ fetched: true }, { fetched: false, path: join(folder, second) }])
    expect(readdirSync(folder).sort()).toEqual(names)
  })

  it('never takes the token to the second host, and needs it at the first', async () => {
    const spec = await specOf('maker/gated')
    expect((await run(spec)).error).toMatchObject({ code: 'hub/gated', data: { page: `${hub.endpoint}/maker/gated` } })
    expect(hub.requests.filter((request) => request.at === 'resolve')).toHaveLength(1)
    expect((await run(spec, { token: 'hf_secret' })).error).toBeNull()
    const storage = hub.requests.filter((request) => request.at === 'storage')
    expect(storage.length).toBeGreaterThan(0)
    for (const request of storage) expect(JSON.stringify(request.headers)).not.toContain('hf_secret')
    expect(hub.requests.some((request) => request.headers.authorization === 'Bearer hf_secret')).toBe(true)
  })
})

/** Rows L1, L2 and L4: after the fault the right file is there. */
const cured: [string, Fault[]][] = [
  ['a stall', [{ at: 'storage', do: 'stall', afterBytes: 2_000_000 }]],
  // Longer than a stall may be: what comes slowly comes.
  ['one byte at a time', [{ at: 'storage', do: 'dribble', bytes: 400, everyMs: 1 }]],
  ['a reset', [{ at: 'storage', do: 'cut', afterBytes: 2_000_000, reset: true }]],
  [
    'a file with another ETag, midway',
    [
      { at: 'storage', do: 'cut', afterBytes: 2_000_000 },
      { at: 'storage', do: 'new-etag', etag: 'f'.repeat(64) },
    ],
  ],
  [
    '200 to a range',
    [
      { at: 'storage', do: 'cut', afterBytes: 2_000_000 },
      { at: 'storage', do: 'ignore-range' },
    ],
  ],
  [
    'another range',
    [
      { at: 'storage', do: 'cut', afterBytes: 2_000_000 },
      { at: 'storage', do: 'wrong-range', shift: -1_000 },
    ],
  ],
  [
    'a lying total',
    [
      { at: 'storage', do: 'cut', afterBytes: 2_000_000 },
      { at: 'storage', do: 'wrong-total', by: 1 },
    ],
  ],
  ['one byte more', [{ at: 'storage', do: 'length', by: 1 }]],
  ['one byte less', [{ at: 'storage', do: 'length', by: -1 }]],
  ['no length', [{ at: 'storage', do: 'length', by: null }]],
  ['packed bytes', [{ at: 'storage', do: 'gzip' }]],
  ['a web page', [{ at: 'storage', do: 'html' }]],
  ['a web page at the hub', [{ at: 'resolve', do: 'html' }]],
  ['an address that expired', [{ at: 'storage', do: 'status', status: 403 }]],
  [
    '416',
    [
      { at: 'storage', do: 'cut', afterBytes: 2_000_000 },
      { at: 'storage', do: 'status', status: 416 },
    ],
  ],
  ['500', [{ at: 'storage', do: 'status', status: 500 }]],
  ['502 at the hub', [{ at: 'resolve', do: 'status', status: 502 }]],
  ['a storage that asks to wait', [{ at: 'storage', do: 'status', status: 429 }]],
  ['503 five times', [{ at: 'storage', do: 'status', status: 503, times: 5 }]],
]

describe.each(cured)('%s', (_name, faults) => {
  it.each(rounds(10))('is survived, never mixed (%i)', async () => {
    const { error, spec } = await withFaults(faults)
    expect(error).toBeNull()
    expect(hashOf(placed())).toBe(sha256)
    expect(readdirSync(folder)).toEqual([file])
    expect(spec.parts[0]?.done).toBe(true)
    // All faults were met.
    expect(hub.requests.filter((request) => request.fault !== null).length).toBeGreaterThanOrEqual(faults.length)
  })
})

/** A clear end: nothing is listed, nothing is retried in vain. */
const refused: [string, Fault[], string, number][] = [
  ['401', [{ at: 'resolve', do: 'status', status: 401, times: 99 }], 'hub/not-found', 1],
  ['403 of the hub', [{ at: 'resolve', do: 'status', status: 403, times: 99 }], 'hub/not-found', 1],
  ['404', [{ at: 'resolve', do: 'status', status: 404, times: 99 }], 'hub/not-found', 1],
  ['a gate', [{ at: 'resolve', do: 'status', status: 403, headers: { 'X-Error-Code': 'GatedRepo' }, times: 99 }], 'hub/gated', 1],
  ['another hash behind the commit', [{ at: 'resolve', do: 'linked-etag', etag: 'a'.repeat(64), times: 99 }], 'download/changed', 1],
  ['a redirect loop', [{ at: 'resolve', do: 'redirect-loop', times: 99 }], 'hub/bad-answer', 11],
  ['a redirect out of http', [{ at: 'resolve', do: 'redirect', to: 'file:///etc/passwd', times: 99 }], 'hub/bad-answer', 1],
  ['a hub that is down', [{ at: 'resolve', do: 'status', status: 503, times: 99 }], 'hub/unreachable', 6],
  ['a hub that asks to wait', [{ at: 'resolve', do: 'status', status: 429, times: 99 }], 'hub/rate-limited', 6],
  ['a storage that always refuses', [{ at: 'storage', do: 'status', status: 403, times: 99 }], 'hub/unreachable', 6],
]

describe.each(refused)('%s', (_name, faults, code, requests) => {
  it.each(rounds(10))(`ends as ${code} after ${requests} (%i)`, async () => {
    const { error } = await withFaults(faults)
    expect(error).toMatchObject({ code })
    expect(hub.requests.filter((request) => request.at === 'resolve')).toHaveLength(requests)
    expect(existsSync(placed())).toBe(false)
  })
})

describe('wrong bytes', () => {
  it.each(rounds(50))('are set aside under a name that no list takes (%i)', async () => {
    // Always the same: fetched again, nothing differs.
    const { error, spec } = await withFaults([{ at: 'storage', do: 'flip', offset: Math.floor(Math.random() * size), times: 99 }])
    expect(error).toMatchObject({ code: 'download/hash-mismatch', data: { expected: sha256 } })
    expect(readdirSync(folder)).toEqual([`${file}.job1.wrong`])
    expect(spec.parts[0]?.ranges).toEqual([])
    // Asked again, it comes right.
    hub.faults.clear()
    expect((await run(spec)).error).toBeNull()
    expect(hashOf(placed())).toBe(sha256)
  })
})

it.each(rounds(50))('another file of the same length is set aside as well (%i)', async () => {
  const { error, spec } = await withFaults([{ at: 'storage', do: 'garble', times: 99 }])
  expect(error).toMatchObject({ code: 'download/hash-mismatch', data: { expected: sha256 } })
  expect(readdirSync(folder)).toEqual([`${file}.job1.wrong`])
  expect(spec.parts[0]?.done).toBe(false)
})

describe('wrong bytes that came once', () => {
  it.each(rounds(50))('are found and put right (%i)', async () => {
    const offset = Math.floor(Math.random() * size)
    const { error, events } = await withFaults([{ at: 'storage', do: 'flip', offset }])
    expect(error).toBeNull()
    expect(hashOf(placed())).toBe(sha256)
    expect(readdirSync(folder)).toEqual([file])
    const repaired = events.find((event) => event.type === 'repaired')
    expect(repaired?.ranges).toHaveLength(1)
    const [from, to] = repaired?.ranges[0] ?? [0, 0]
    expect(from <= offset && offset < to && to - from <= 1024 * 1024).toBe(true)
    expect(hub.stats.storageBytes).toBeLessThanOrEqual(2 * size)
  })
})

it.each(rounds(10))('waits as long as it is asked to, in seconds or until a moment (%i)', async () => {
  const moment = new Date(Date.now() + 2_500).toUTCString()
  const { error, events } = await withFaults([
    { at: 'resolve', do: 'status', status: 429, headers: { 'Retry-After': '1' } },
    { at: 'storage', do: 'status', status: 503, headers: { 'Retry-After': moment } },
  ])
  expect(error).toBeNull()
  expect(events).toContainEqual({ type: 'retry', code: 'hub/rate-limited', tries: 1, waitMs: 1_000 })
  expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(moment) - 10)
  const [first, second, third] = hub.requests.filter(({ at }) => at === 'resolve').map(({ startedAt }) => startedAt)
  expect((second ?? 0) - (first ?? 0)).toBeGreaterThan(990)
  expect(third).toBeGreaterThan(second ?? 0)
})

it('says how much is missing on a disk that is too small, before a byte is asked for', async () => {
  const spec = await specOf()
  spec.reserveBytes = 1e18
  hub.requests.length = 0
  const { error } = await run(spec)
  expect(error?.code).toBe('download/disk-full')
  expect(error?.data.neededBytes).toBeGreaterThan(1e17)
  expect(hub.requests).toEqual([])
})
