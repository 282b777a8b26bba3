import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { exampleMachines } from '@shared/domain/exampleMachines'
import { llama1b } from '@shared/domain/exampleModels'
import type { HardwareReport } from '@shared/domain/hardware'
import { mergeHardware } from '@shared/domain/mergeHardware'
import { bestBackend, memoryPools } from '@shared/domain/pools'
import { GiB, MiB } from '@shared/domain/units'
import { quarterMs } from '@shared/domain/usualMemory'
import { silentLog } from '@shared/log'
import { type SnugDatabase, openDatabase } from '../db/open'
import { loadCatalog } from './catalog'
import { FreeMemory } from './freeMemory'
import { HardwareService } from './hardware'
import { RecommendationService } from './recommendation'

let dataDir: string
let db: SnugDatabase
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'snug free '))
  db = openDatabase({ dataDir })
})
afterEach(() => {
  db.close()
  rmSync(dataDir, { recursive: true, force: true })
})

const day = 24 * 60 * 60_000
const start = Date.UTC(2026, 10, 20, 9)

function machine(free: Partial<Record<'gpu' | 'ram', number>>): HardwareReport {
  const { raw } = exampleMachines.find(({ name }) => name.startsWith('RTX 4070')) ?? fail()
  const report = mergeHardware(raw)
  return {
    ...report,
    gpus: report.gpus.map((gpu) => (gpu.sharedWithRam ? gpu : { ...gpu, vramFree: (free.gpu ?? 10) * GiB })),
    ram: { ...report.ram, available: (free.ram ?? 10) * GiB },
  }
}
function fail(): never {
  throw new Error('no machine')
}
const poolsOf = (report: HardwareReport) => memoryPools(report, bestBackend(report))
const rowsOf = (device: string) => db.freeMemory.ofDevice(device)

function house(more: { ours?: { gpu0?: number }; busy?: boolean } = {}) {
  const state = { at: start, ...more }
  const memory = new FreeMemory({
    rows: db.freeMemory,
    ours: () => state.ours ?? {},
    busy: () => state.busy ?? false,
    log: silentLog,
    now: () => state.at,
  })
  /** A look each quarter of an hour, from then on. */
  const use = (from: number, quarters: number, report: HardwareReport) => {
    for (let index = 0; index < quarters; index++) {
      state.at = from + index * quarterMs
      memory.look(report)
    }
  }
  return { memory, state, use }
}

test('two days of use make the usual memory, of each device its own; a build on the third does not', () => {
  const { memory, use } = house()
  const [gpu, ram] = poolsOf(machine({}))
  if (gpu === undefined || ram === undefined) return fail()
  use(start, 12, machine({ gpu: 10, ram: 12 }))
  expect(memory.usual(gpu)).toBeNull()
  use(start + day, 6, machine({ gpu: 10.5, ram: 11 }))
  expect(memory.usual(gpu)).toBe(10 * GiB)
  expect(memory.usual(ram)).toBe(12 * GiB)
  use(start + 2 * day, 8, machine({ gpu: 1, ram: 2 }))
  expect(memory.usual(gpu)).toBe(10 * GiB)
  // A card that was exchanged for a larger one begins anew.
  expect(memory.usual({ ...gpu, totalBytes: 24 * GiB })).toBeNull()
})

test('a quarter of an hour is one row, the mean of its looks; a look a minute at most; a week is kept', () => {
  const { memory, state } = house()
  const [gpu] = poolsOf(machine({}))
  if (gpu === undefined) return fail()
  memory.look(machine({ gpu: 8 }))
  state.at += 5_000
  memory.look(machine({ gpu: 2 }))
  state.at += 60_000
  memory.look(machine({ gpu: 10 }))
  expect(rowsOf(`gpu0 ${gpu.name}`)).toEqual([{ quarter: start / quarterMs, freeBytes: 9 * GiB, totalBytes: Math.round(gpu.totalBytes) }])
  state.at = start + 8 * day
  memory.look(machine({}))
  expect(rowsOf(`gpu0 ${gpu.name}`).map(({ quarter }) => quarter)).toEqual([(start + 8 * day) / quarterMs])
})

test('what our own model takes is free; while one is loaded or measured nobody looks; a look that cannot be kept costs nothing', () => {
  const ours = house({ ours: { gpu0: 4 * GiB } })
  const [gpu] = poolsOf(machine({}))
  if (gpu === undefined) return fail()
  ours.memory.look(machine({ gpu: 5 }))
  expect(rowsOf(`gpu0 ${gpu.name}`)[0]?.freeBytes).toBe(9 * GiB)
  const { memory } = house({ busy: true })
  memory.look(machine({ gpu: 1 }))
  expect(rowsOf(`gpu0 ${gpu.name}`)).toHaveLength(1)
  const broken = new FreeMemory({
    rows: { add: () => fail(), ofDevice: () => [] },
    ours: () => ({}),
    busy: () => false,
    log: silentLog,
  })
  expect(() => broken.look(machine({}))).not.toThrow()
  expect(broken.usual(gpu)).toBeNull()
})

test('the report that is read anyway is looked at, no other is asked for', async () => {
  let probes = 0
  const seen: HardwareReport[] = []
  const hardware = new HardwareService({
    probe: async () => {
      probes++
      return []
    },
    modelsDir: dataDir,
    seen: (report) => seen.push(report),
  })
  const report = await hardware.report()
  await hardware.report()
  expect(seen).toEqual([report])
  expect(probes).toBe(1)
})

test('Discover ranks by the usual memory, says what must be freed first, and loading goes by what is free now', async () => {
  const { memory, use, state } = house()
  use(start, 8, machine({ gpu: 10.5 }))
  use(start + day, 8, machine({ gpu: 10.5 }))
  state.at = start + 2 * day
  const free = { gpu: 10.5 }
  const service = new RecommendationService({
    catalog: loadCatalog(),
    hardware: { report: async () => machine(free) },
    usual: (pool) => memory.usual(pool),
  })
  const usual = await service.recommend()
  const [first] = usual
  expect(first).toMatchObject({ best: { verdict: 'full-gpu' }, reason: { kind: 'full-gpu' } })

  // Another program takes 8 GiB of the card: the order stays, the sentence changes.
  free.gpu = 2.5
  const busy = await service.recommend()
  expect(busy.map(({ model, best }) => [model.id, best.quantization])).toEqual(
    usual.map(({ model, best }) => [model.id, best.quantization]),
  )
  expect(busy[0]).toMatchObject({ usable: true, reason: { kind: 'once-freed' } })
  const { reason, best } = busy[0] ?? fail()
  const [pool] = best.fit.pools
  if (reason.kind !== 'once-freed' || pool === undefined) return fail()
  expect(pool).toMatchObject({ freeBytes: 10.5 * GiB, nowBytes: 2.5 * GiB })
  expect(reason.freeUpBytes).toBeCloseTo(pool.takesBytes + pool.reserveBytes - 2.5 * GiB, 0)
  expect((await service.fitFile(llama1b)).pools[0]?.freeBytes).toBe(2.5 * GiB)

  // Without a history: what is free now, as before.
  const { memory: fresh } = house()
  db.freeMemory.db.exec('DELETE FROM freeMemory')
  const plain = new RecommendationService({
    catalog: loadCatalog(),
    hardware: { report: async () => machine(free) },
    usual: (candidate) => fresh.usual(candidate),
  })
  expect((await plain.recommend()).every(({ best: { fit } }) => fit.pools.every(({ nowBytes }) => nowBytes === undefined))).toBe(true)
})

test('what fits only in a moment of much free memory comes after what usually fits, and says so', async () => {
  const { memory, use, state } = house()
  use(start, 8, machine({ gpu: 3, ram: 4 }))
  use(start + day, 8, machine({ gpu: 3, ram: 4 }))
  state.at = start + 2 * day
  const service = (usual: boolean) =>
    new RecommendationService({
      catalog: loadCatalog(),
      hardware: { report: async () => machine({ gpu: 11 }) },
      ...(usual ? { usual: (pool: Parameters<FreeMemory['usual']>[0]) => memory.usual(pool) } : {}),
    })
  const list = await service(true).recommend()
  const [first] = list
  expect(first?.best.fit.usuallyMissingBytes).toBeUndefined()
  expect((first?.best.fit.pools[0]?.takesBytes ?? 0) / GiB).toBeLessThan(3)
  const momentary = list.filter(({ reason }) => reason.kind === 'only-now')
  expect(momentary.length).toBeGreaterThan(3)
  // Nothing is called too big that fits now.
  const now = await service(false).recommend()
  expect(
    list
      .filter(({ best }) => best.verdict === 'too-big')
      .map(({ model }) => model.id)
      .toSorted(),
  ).toEqual(
    now
      .filter(({ best }) => best.verdict === 'too-big')
      .map(({ model }) => model.id)
      .toSorted(),
  )
})

test('a verdict by usual memory does not flicker either', async () => {
  let usual = 10 * GiB
  const service = new RecommendationService({
    catalog: loadCatalog(),
    hardware: { report: async () => machine({ gpu: 4 }) },
    usual: (pool) => (pool.id === 'gpu0' ? usual : null),
  })
  const counted = async () => ((await service.machine({ room: 'usual' })).pools[0]?.freeBytes ?? 0) / MiB
  expect(await counted()).toBe(10 * 1024)
  usual += 100 * MiB
  expect(await counted()).toBe(10 * 1024)
  usual += 400 * MiB
  expect(await counted()).toBe(10 * 1024 + 500)
})
