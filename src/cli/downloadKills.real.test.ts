import { cpSync, existsSync, readdirSync, statSync, symlinkSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { LibraryModel } from '@shared/domain/library'
import { type CliPlace, type CliRun, atRename, cliFile, snug, startCli } from '../../e2e/fixtures/cli'
import { type ServedModel, file, hashOf, repository, serveModel } from '../../e2e/fixtures/servedModel'

/** Rows L6 and L7 of the fault matrix in the command line. */
const full = process.env.SNUG_TEST_FULL === '1'
const rounds = (count: number, short = Math.ceil(count / 10)) => Array.from({ length: full ? count : short }, (_, round) => round)
const MiB = 1024 * 1024
let served: ServedModel
let hub: ServedModel['hub']
let sha256: string
let size: number

beforeAll(async () => {
  served = await serveModel()
  ;({ hub, sha256, size } = served)
})
beforeEach(() => {
  hub.faults.clear()
  hub.stats.storageBytes = 0
})
afterAll(() => served.close())

const fresh = () => served.fresh()
const target = (place: CliPlace) => served.target(place)
const slowly = (bytesPerSecond: number) => hub.faults.add({ at: 'storage', do: 'throttle', bytesPerSecond, times: 99 })

/** Bytes of the unfinished file. */
function partBytes(place: CliPlace): number {
  const folder = dirname(target(place))
  const part = existsSync(folder) ? readdirSync(folder).find((name) => name.endsWith('.part')) : undefined
  return part === undefined ? 0 : (statSync(join(folder, part), { throwIfNoEntry: false })?.size ?? 0)
}

async function until(run: CliRun, state: () => boolean): Promise<void> {
  while (!state() && run.child.exitCode === null && run.child.signalCode === null) await sleep(2)
}

/** Whatever was killed: what is listed is verified, and is the file. */
async function expectNothingCorrupt(place: CliPlace): Promise<number> {
  const { code, out, err } = await snug(place, 'list')
  expect(code, err).toBe(0)
  const models = out as LibraryModel[]
  for (const { path, state } of models) expect([path, state, hashOf(path)]).toEqual([target(place), 'verified', sha256])
  return models.length
}

async function expectWhole(place: CliPlace): Promise<void> {
  const { code, err } = await snug(place, 'pull', repository)
  expect(code, err).toBe(0)
  expect(hashOf(target(place))).toBe(sha256)
  expect(readdirSync(dirname(target(place)))).toEqual([file])
  expect(await expectNothingCorrupt(place)).toBe(1)
}

/** Twenty-five in all: while bytes come, while it is hashed, and on both sides of the rename. */
const [random, hashing, before, after] = [rounds(13, 1), rounds(4, 0), rounds(4), rounds(4)]

test(`${random.length} kills while bytes come: the next pull goes on, and hardly anything is sent twice`, async () => {
  const place = fresh()
  slowly((size / random.length) * 4)
  for (const round of random) {
    const had = hub.stats.storageBytes
    const run = startCli(place, 'pull', repository)
    await until(run, () => hub.stats.storageBytes - had > (size / (random.length + 1)) * (0.5 + Math.random() * 0.5))
    run.child.kill('SIGKILL')
    await run.ended
    if (round % 4 === 0) await expectNothingCorrupt(place)
  }
  hub.faults.clear()
  await expectWhole(place)
  // A kill costs what was not synced yet (a sixty-fourth, at least 1 MiB), blocks under way, and what lay in the sockets.
  expect(hub.stats.storageBytes).toBeLessThan(size + random.length * 5 * MiB)
})

test.each(hashing)('killed when everything has come and is hashed, or nearly (%i)', async () => {
  const place = fresh()
  const run = startCli(place, 'pull', repository)
  await until(run, () => partBytes(place) >= size)
  await sleep(Math.random() * 30)
  run.child.kill('SIGKILL')
  await run.ended
  await expectNothingCorrupt(place)
  await expectWhole(place)
})

test.each([
  ...before.map((round) => ['kill-before', 'synced, without its name', round] as const),
  ...after.map((round) => ['kill-after', 'with its name, in no list', round] as const),
])('%s: the file was %s; the next pull needs not a byte (%i)', async (when) => {
  const place = fresh()
  const run = startCli({ ...place, env: { SNUG_TEST_AT_RENAME: when }, preload: atRename }, 'pull', repository)
  expect((await run.ended).signal).toBe('SIGKILL')
  expect(existsSync(target(place))).toBe(when === 'kill-after')
  expect(hub.stats.storageBytes).toBe(size)
  await expectNothingCorrupt(place)
  await expectWhole(place)
  expect(hub.stats.storageBytes).toBe(size)
  expect(readdirSync(dirname(target(place)))).toEqual([basename(target(place))])
})

test.each(rounds(5))('what one build began, another one in another place ends (%i)', async () => {
  const place = fresh()
  // As an update does: the old folder is there no more.
  const newer = join(place.folder, 'newer')
  cpSync(dirname(cliFile), join(newer, 'out', 'main'), { recursive: true })
  symlinkSync(join(dirname(cliFile), '../../node_modules'), join(newer, 'node_modules'))
  cpSync(join(dirname(cliFile), '../../package.json'), join(newer, 'package.json'))
  slowly(size)
  const run = startCli(place, 'pull', repository)
  const moment = size * (0.2 + Math.random() * 0.5)
  await until(run, () => hub.stats.storageBytes > moment)
  run.child.kill('SIGKILL')
  await run.ended
  hub.faults.clear()
  await expectWhole({ ...place, cli: join(newer, 'out', 'main', 'cli.js') })
  expect(hub.stats.storageBytes).toBeLessThan(size + 5 * MiB)
})

test.each(rounds(10))('two at once fetch one file once (%i)', async () => {
  const place = fresh()
  slowly(size / 2)
  const runs = [startCli(place, 'pull', repository), startCli(place, 'pull', repository)]
  const results = await Promise.all(runs.map(({ ended }) => ended))
  expect(new Set(results.map(({ code }) => code))).toEqual(new Set([0, 1]))
  expect(results.find(({ code }) => code === 1)?.error?.code).toBe('download/busy')
  expect(hashOf(target(place))).toBe(sha256)
  expect(readdirSync(dirname(target(place)))).toEqual([file])
  expect(readdirSync(join(place.folder, 'data', 'locks'), { recursive: true })).toEqual([])
  // A busy machine may stall a connection; two downloads would bring everything twice.
  expect(hub.stats.storageBytes).toBeLessThan(size * 1.1)
  expect(await expectNothingCorrupt(place)).toBe(1)
})
