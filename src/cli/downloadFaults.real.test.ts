import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type CliPlace, atRename, cliEnv, cliFile, errorOf, snug } from '../../e2e/fixtures/cli'
import { type Fault, cut, status } from '../../e2e/fixtures/hubFaults'
import { canMountSmallDisk } from '../../e2e/fixtures/mounting'
import { type ServedModel, file, hashOf, repository, serveModel } from '../../e2e/fixtures/servedModel'

/** Rows L1 to L5 of the fault matrix in the command line, each fault once; `downloadJob.real.test.ts` has the counts. */
const full = process.env.SNUG_TEST_FULL === '1'
let served: ServedModel
let hub: ServedModel['hub']
let sha256: string
let size: number

beforeAll(async () => {
  served = await serveModel()
  ;({ hub, sha256, size } = served)
})
afterEach(() => {
  hub.faults.clear()
  hub.requests.length = 0
  hub.stats.storageBytes = 0
})
afterAll(() => served.close())

const fresh = (env?: Record<string, string>) => served.fresh(env)
const placed = (place: CliPlace) => served.target(place)
const listed = async (place: CliPlace) => (await snug(place, 'list')).out

/** Met one after the other by one pull; the last one of each line lets the whole file through. */
const lines: Fault[][] = [
  [
    cut(),
    status('storage', 416),
    { at: 'storage', do: 'cut', afterBytes: 900_000, reset: true },
    status('resolve', 502),
    cut(),
    { at: 'resolve', do: 'html' },
    cut(),
    status('storage', 403),
    cut(),
    status('storage', 429, { 'Retry-After': '1' }),
    { at: 'storage', do: 'new-etag', etag: 'f'.repeat(64) },
  ],
  [
    cut(),
    status('storage', 500),
    cut(),
    status('storage', 503),
    cut(),
    { at: 'storage', do: 'wrong-range', shift: -1_000 },
    cut(),
    { at: 'storage', do: 'wrong-total', by: 1 },
    cut(),
    { at: 'storage', do: 'length', by: 1 },
    cut(),
    { at: 'storage', do: 'length', by: -1 },
    cut(),
    { at: 'storage', do: 'gzip' },
    cut(),
    { at: 'storage', do: 'ignore-range' },
  ],
  [cut(), { at: 'storage', do: 'html' }, { at: 'storage', do: 'length', by: null }],
  [{ at: 'storage', do: 'dribble', bytes: 300, everyMs: 1 }],
  // The watchdog of the product is patient: 30 s.
  [{ at: 'storage', do: 'stall', afterBytes: 400_000 }],
]

const short: Fault[] = [
  cut(),
  status('resolve', 502),
  { at: 'storage', do: 'cut', afterBytes: 600_000, reset: true },
  { at: 'storage', do: 'ignore-range' },
]

test.each(full ? lines : [short])('a pull outlives what a bad line does to it (%#)', async (...faults) => {
  const place = fresh()
  for (const fault of faults) hub.faults.add(fault)
  const { code, err } = await snug(place, 'pull', repository)
  expect(code, err).toBe(0)
  expect(hub.requests.filter(({ fault }) => fault !== null)).toHaveLength(faults.length)
  expect(hashOf(placed(place))).toBe(sha256)
  expect(readdirSync(join(placed(place), '..'))).toEqual([file])
  expect(await listed(place)).toMatchObject([{ path: placed(place), state: 'verified' }])
})

const refusals: [string, Fault, string][] = [
  ['401', status('resolve', 401), 'hub/not-found'],
  ['an agreement that is missing', status('resolve', 403, { 'X-Error-Code': 'GatedRepo' }), 'hub/gated'],
  ['a redirect loop', { at: 'resolve', do: 'redirect-loop' }, 'hub/bad-answer'],
  ['403', status('resolve', 403), 'hub/not-found'],
  ['404', status('resolve', 404), 'hub/not-found'],
  ['another file behind the commit', { at: 'resolve', do: 'linked-etag', etag: 'a'.repeat(64) }, 'download/changed'],
  ['a redirect out of http', { at: 'resolve', do: 'redirect', to: 'file:///etc/passwd' }, 'hub/bad-answer'],
]

const wrong: Fault[] = [
  { at: 'storage', do: 'flip', offset: 12_345, times: 99 },
  { at: 'storage', do: 'garble', times: 99 },
]

if (full) {
  test('what will not get better is said at once, and nothing is listed', async () => {
    const place = fresh()
    for (const [name, fault, expected] of refusals) {
      hub.faults.add({ ...fault, times: 99 })
      hub.requests.length = 0
      const { code, error } = await snug(place, 'pull', repository)
      expect([code, error?.code], name).toEqual([1, expected])
      expect(hub.requests.filter(({ at }) => at === 'resolve').length, name).toBe(fault.do === 'redirect-loop' ? 11 : 1)
      hub.faults.clear()
    }
    expect(existsSync(placed(place))).toBe(false)
    expect(await listed(place)).toEqual([])
  })

  test.each(wrong)('wrong bytes are never listed, and the right ones heal it (%#)', async (fault) => {
    const place = fresh()
    hub.faults.add(fault)
    const { code, error } = await snug(place, 'pull', repository)
    expect([code, error?.code]).toEqual([1, 'download/hash-mismatch'])
    expect(readdirSync(join(placed(place), '..')).every((name) => name.endsWith('.wrong'))).toBe(true)
    expect(await listed(place)).toEqual([])
    hub.faults.clear()
    expect((await snug(place, 'pull', repository)).code).toBe(0)
    expect(hashOf(placed(place))).toBe(sha256)
    expect(await listed(place)).toMatchObject([{ state: 'verified' }])
  })
}

/** No room from the start, a disk that fills up meanwhile (with chats and settings on it), and one that is full when the file gets its name. */
test.skipIf(!canMountSmallDisk()).each(Array.from({ length: full ? 7 : 1 }, (_, round) => round))(
  'a full disk ends the pull with what is missing, everything can still be asked, and the next pull goes on (%i)',
  async () => {
    const place = fresh({ SNUG_TEST_AT_RENAME: 'fill' })
    const data = join(place.folder, 'data')
    mkdirSync(data)
    hub.faults.add({ at: 'storage', do: 'throttle', bytesPerSecond: 12_000_000 })
    const megabytes = Math.ceil(size / 2 ** 20) + 270
    const moment = Math.floor(1 + Math.random() * (size / 2 ** 20 / 2))
    const script = `mount -t tmpfs -o size=${megabytes}m none "$1"
snug() { "$NODE" $PRELOAD "$CLI" --json "$@"; echo "code $?"; }
full() { for size in 256 128 64 32 16 8 4 2 1; do fallocate -l "$size"m "$1/filler $size" 2>/dev/null || rm -f "$1/filler $size"; done; dd if=/dev/zero bs=4k status=none 2>/dev/null >>"$1/filler"; }
snug list >/dev/null 2>&1; fallocate -l 100m "$1/filler"; snug pull ${repository}; rm "$1/filler"
(for i in $(seq 400); do [ "$(find "$1/models" -name '*.part' -size +${moment}M 2>/dev/null)" ] && break; sleep 0.02; done; full "$1") & snug pull ${repository}; wait; full "$1"
df --output=avail "$1" | tail -n 1; snug list; rm "$1"/filler*
PRELOAD="-r $FILL"; snug pull ${repository} >/dev/null; PRELOAD=; stat -c %s "$1/models/maker/model-GGUF/filler"; rm "$1/models/maker/model-GGUF/filler"
snug pull ${repository} >/dev/null; sha256sum <"$1/models/maker/model-GGUF/${file}"; snug list`
    const env = { ...cliEnv(place), NODE: process.execPath, CLI: cliFile, FILL: atRename, PRELOAD: '' }
    const child = spawn('unshare', ['-rm', 'sh', '-c', script, 'sh', data], { env })
    let said = ''
    let err = ''
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
    await once(child, 'close')
    const [before, during, room, list, listCode, filler, hash, last, lastCode, ...rest] = said.trim().split('\n')
    expect([before, during, listCode, lastCode, rest], err).toEqual(['code 1', 'code 1', 'code 0', 'code 0', []])
    const errors = err.split('\n').flatMap((line) => errorOf(line) ?? [])
    expect(errors.slice(0, 2)).toMatchObject([{ code: 'download/disk-full' }, { code: 'download/disk-full' }])
    for (const { data } of errors) expect(data.neededBytes).toBeGreaterThan(0)
    expect(Number(room)).toBe(0)
    expect(Number(filler)).toBeGreaterThan(2 ** 20)
    expect(JSON.parse(list ?? '')).toEqual([])
    expect(hash).toContain(sha256)
    expect(JSON.parse(last ?? '')).toMatchObject([{ state: 'verified', sizeBytes: size }])
    // What was verified before the disk was full is kept.
    expect(hub.stats.storageBytes).toBeLessThan(size * 1.05 + 4 * 2 ** 20)
  },
)

test('a download that will not come is taken off the list, with what it left on the disk', async () => {
  const place = fresh()
  hub.faults.add(cut())
  hub.faults.add({ ...status('resolve', 404), skip: 1, times: 9 })
  expect((await snug(place, 'pull', repository)).error?.code).toBe('hub/not-found')
  const [row] = (await snug(place, 'list', '--downloads')).out as { id: string; state: string; receivedBytes: number }[]
  expect(row).toMatchObject({ state: 'failed' })
  expect((await snug({ ...place, words: true }, 'list', '--downloads')).text).toContain(row?.id)
  const removed = await snug(place, 'remove', file)
  expect(removed).toMatchObject({ code: 0, out: { id: row?.id, freedBytes: row?.receivedBytes } })
  expect((await snug(place, 'list', '--downloads')).out).toEqual([])
  expect(readdirSync(join(place.folder, 'data', 'models'))).toEqual([])
})
