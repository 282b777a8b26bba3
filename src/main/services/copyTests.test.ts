import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { FitReport } from '@shared/domain/fit'
import type { BackendProbe } from '@shared/domain/hardware'
import { GiB } from '@shared/domain/units'
import type { CopySubject, CopyTestView } from '@shared/ipc/copies'
import { silentLog } from '@shared/log'
import { type FakeScript, createFakeEngine } from '../../engine/fakeEngine'
import { defaultFacts } from '../../engine/fakeFacts'
import { CopyStore } from './copyStore'
import { CopyTests, type CopyTestsOptions } from './copyTests'
import { RecommendationService } from './recommendation'
import { loadCatalog } from './catalog'
import { machine } from './testMachine'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'snug-copy-tests-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const probe = async (): Promise<BackendProbe[]> => [
  {
    backend: 'cpu',
    llamaVersion: 'b1',
    devices: [],
    vram: { totalBytes: 0, freeBytes: 0, unifiedBytes: 0 },
    ram: { totalBytes: 0, freeBytes: 0 },
    systemInfo: '',
  },
]
const facts = defaultFacts.inspect({ path: '' })
const model = { path: '/nowhere/header.gguf', facts }
const subject: CopySubject = { repository: 'o/m', file: 'm-Q4_K_M.gguf', quantization: 'Q4_K_M' }
const forever = new AbortController().signal
const nothing = () => undefined

function service(more: Partial<CopyTestsOptions> = {}, script: FakeScript = {}, report = machine) {
  const engine = createFakeEngine(script)
  const recommendation = new RecommendationService({ catalog: loadCatalog(), hardware: { report: async () => report } })
  const options: CopyTestsOptions = {
    fork: engine,
    fit: (target, query) => recommendation.fitFile(target.facts, query),
    header: async () => model,
    hardware: { report: async () => report },
    probe,
    folder: join(folder, 'copies'),
    store: new CopyStore(join(folder, 'copyTests.json'), silentLog),
    onBattery: async () => false,
    diskFree: async () => 100 * GiB,
    busy: () => false,
    log: silentLog,
    ...more,
  }
  return { engine, tests: new CopyTests(options), options }
}
const left = () => (existsSync(join(folder, 'copies')) ? readdirSync(join(folder, 'copies')) : [])

test('begins with the threads that the calibration found best, where there is one', async () => {
  const threadsOf = async (bestThreads: CopyTestsOptions['bestThreads']) => {
    const { tests, engine } = service(bestThreads === undefined ? {} : { bestThreads })
    await tests.test(model, {}, subject, forever, nothing)
    return engine.processes
      .flatMap(({ received }) => received)
      .flatMap((sent) => (sent.call === 'copySpeed' ? [sent.args.bestThreads] : []))
  }
  const best = { decode: 3, prefill: 4 }
  expect(await threadsOf(async () => best)).toEqual([best])
  expect(await threadsOf(async () => null)).toEqual([undefined])
  expect(await threadsOf(() => Promise.reject(new Error('the calibrations cannot be read')))).toEqual([undefined])
})

test('measures in processes of its own, ends them, leaves no file; the result holds for that file on this machine', async () => {
  const { tests, engine, options } = service()
  const stages: string[] = []
  const { predicted, measured } = await tests.test(model, {}, subject, forever, (stage) => stages.push(stage))
  expect(engine.processes.map(({ role, alive }) => [role, alive])).toEqual([
    ['tools', false],
    ['tools', false],
  ])
  expect(left()).toEqual([])
  expect([...new Set(stages)]).toEqual(['memory', 'speed'])
  expect(measured.level).toBe('measured')
  expect(measured.speed.source).toBe('copy')
  // 10 ms a token for one block that is the whole model.
  expect(measured.speed.decode[1]).toBeCloseTo(100, 0)

  // Another Snug reads what was kept.
  const later = new CopyTests({ ...options, store: new CopyStore(join(folder, 'copyTests.json'), silentLog) })
  const lookup = await later.lookup(machine)
  expect(lookup('O/M', 'q4_k_m', null, predicted).copy?.measured.speed.source).toBe('copy')
  expect(lookup('o/m', 'Q4_K_M', 'another.gguf', predicted)).toBe(predicted)
  expect(lookup('o/other', 'Q4_K_M', null, predicted)).toBe(predicted)
  const moved = await later.lookup({ ...machine, cpu: { ...machine.cpu, name: 'Another' } })
  expect(moved('o/m', 'Q4_K_M', null, predicted)).toBe(predicted)
})

test('what does not fit is never loaded', async () => {
  const { tests, engine } = service({}, {}, { ...machine, ram: { total: 16 * GiB, available: 0.4 * GiB } })
  await expect(tests.test(model, {}, subject, forever, nothing)).rejects.toMatchObject({ code: 'copy/too-big' })
  expect(engine.processes).toEqual([])
})

test('what fits only in place of the loaded model is not loaded beside it', async () => {
  const fit = new RecommendationService({ catalog: loadCatalog(), hardware: { report: async () => machine } })
  const judged = async (verdict: FitReport['verdict']): Promise<FitReport> => ({ ...(await fit.fitFile(facts)), verdict })
  const { tests, engine } = service({ fit: (_, query) => judged(query.beside === true ? 'too-big' : 'cpu') })
  await expect(tests.test(model, {}, subject, forever, nothing)).rejects.toMatchObject({
    code: 'copy/too-big',
    data: { reason: 'beside-loaded' },
  })
  expect(engine.processes).toEqual([])
})

test.each<[string, Partial<CopyTestsOptions>, string]>([
  ['on battery', { onBattery: async () => true }, 'calibration/not-now'],
  ['while a reply is written', { busy: () => true }, 'engine/busy'],
  ['without room on the disk', { diskFree: async () => 10 }, 'calibration/not-now'],
])('refused %s', async (_, more, code) => {
  await expect(service(more).tests.test(model, {}, subject, forever, nothing)).rejects.toMatchObject({ code })
})

test('a cancel ends the process and leaves no file; the next test can begin', async () => {
  const { tests, engine } = service({}, { handlers: { copySpeed: (_, call) => call.stall() } })
  const views: CopyTestView[] = []
  const abort = new AbortController()
  const following = (async () => {
    for await (const view of tests.follow(abort.signal)) views.push(view)
  })()
  tests.start(subject, {})
  expect(() => tests.start(subject, {})).toThrow()
  await expect.poll(() => engine.processes.length).toBe(2)
  await tests.cancel()
  expect(engine.processes.every(({ alive }) => !alive)).toBe(true)
  expect(left()).toEqual([])
  expect(tests.busy).toBe(false)
  await expect.poll(() => views.at(-1)?.running).toBeNull()
  expect(views.at(-1)?.error).toBeNull()
  abort.abort()
  await following
})

test('a process that dies is an error of that row, and nothing is left', async () => {
  const { tests } = service({}, { handlers: { copyMemory: (_, call) => (call.exit('SIGKILL'), call.stall()) } })
  tests.start(subject, {})
  const end = new AbortController()
  for await (const view of tests.follow(end.signal)) {
    if (view.running !== null) continue
    expect(view.error).toMatchObject({ subject, value: { code: 'engine/crashed' } })
    break
  }
  expect(left()).toEqual([])
})

test('what a kill left behind goes at the next start; a living neighbour keeps its folder', async () => {
  const copies = join(folder, 'copies')
  for (const name of ['999999999-dead', `${process.pid}-alive`, `${process.pid}-old`, 'strange'])
    mkdirSync(join(copies, name), { recursive: true })
  const longAgo = new Date(Date.now() - 3_600_000)
  utimesSync(join(copies, `${process.pid}-old`), longAgo, longAgo)
  await service().tests.cleanUp()
  expect(left()).toEqual([`${process.pid}-alive`])
})
