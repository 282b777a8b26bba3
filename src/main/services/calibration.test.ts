import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { GiB } from '@shared/domain/units'
import type { CalibrationView } from '@shared/ipc/machine'
import { silentLog } from '@shared/log'
import { createFakeEngine } from '../../engine/fakeEngine'
import type { CalibrationRow } from '../db/repositories/calibrations'
import { CalibrationService, type CalibrationServiceOptions } from './calibration'
import { cpuProbe, machine } from './testMachine'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'snug-calibration-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function memoryRows() {
  const calibrations = new Map<string, CalibrationRow>()
  return {
    all: () => [...calibrations.values()],
    put: (row: CalibrationRow) => void calibrations.set(row.calibration.backend, row),
  }
}

function service(more: Partial<CalibrationServiceOptions> = {}, engine = createFakeEngine()) {
  const rows = memoryRows()
  const options: CalibrationServiceOptions = {
    fork: engine,
    rows,
    measured: async () => [],
    models: () => [],
    hardware: { report: async () => machine },
    probe: async () => [cpuProbe('b1')],
    predict: async () => null,
    folder: join(folder, 'slices'),
    onBattery: async () => false,
    diskFree: async () => 100 * GiB,
    log: silentLog,
    ...more,
  }
  return { rows, engine, calibration: new CalibrationService(options), options }
}
const forever = new AbortController().signal
const nothing = () => undefined

test('measures, keeps the result, ends its process and leaves no file', async () => {
  const { calibration, engine, rows } = service()
  const seen: CalibrationView[] = []
  const view = await calibration.run(forever, (state) => seen.push(state))
  expect(view.results).toMatchObject([{ stale: false, calibration: { backend: 'cpu' } }])
  // The fake's one slice: 100 MB in 10 ms, less nothing.
  expect(rows.all()[0]?.calibration.bandwidth.Q4_K).toBeCloseTo(1e10, -5)
  expect(engine.processes.every((process) => !process.alive)).toBe(true)
  expect(readdirSync(join(folder, 'slices'))).toEqual([])
  expect(seen.some(({ running }) => running !== null && running.secondsLeft > 0)).toBe(true)
  expect(view.running).toBeNull()
})

test('holds for this machine only: another engine or processor is another machine', async () => {
  const { calibration, rows, options } = service()
  await calibration.run(forever, nothing)
  expect(await calibration.current(machine)).toHaveLength(1)
  expect(await calibration.current({ ...machine, cpu: { ...machine.cpu, name: 'Another' } })).toEqual([])
  const newer = new CalibrationService({ ...options, rows, probe: async () => [cpuProbe('b2')] })
  expect(await newer.current(machine)).toEqual([])
  await newer.repeatIfChanged()
  for await (const { running } of newer.follow()) if (running === null) break
  expect(await newer.current(machine)).toHaveLength(1)
})

test('the key of a measurement: engine, processor, and which calibration predicted it', async () => {
  const { calibration, rows, options } = service()
  const bare = await calibration.keyOf('cpu', machine)
  await calibration.run(forever, nothing)
  const measured = await calibration.keyOf('cpu', machine)
  expect(measured).not.toBe(bare)
  expect(await calibration.keyOf('cpu', machine)).toBe(measured)
  expect(await calibration.keyOf('cpu', { ...machine, cpu: { ...machine.cpu, name: 'Another' } })).not.toBe(measured)
  expect(await calibration.keyOf('vulkan', machine)).toContain(measured)
  const newer = new CalibrationService({ ...options, rows, probe: async () => [cpuProbe('b2')] })
  expect(await newer.keyOf('cpu', machine)).not.toBe(measured)
})

test.each([
  ['memory', { hardware: { report: async () => ({ ...machine, ram: { total: 16 * GiB, available: GiB } }) } }],
  ['disk', { diskFree: async () => GiB }],
  ['battery', { onBattery: async () => true }],
])('not with too little or on battery: %s', async (reason, more) => {
  const { calibration, engine } = service(more)
  await expect(calibration.start()).rejects.toMatchObject({ code: 'calibration/not-now', data: { reason } })
  expect(engine.processes).toHaveLength(0)
})

test('not while a reply is written, and not twice', async () => {
  await expect(service({ busy: () => true }).calibration.start()).rejects.toMatchObject({ code: 'engine/busy' })
  const { calibration } = service({}, createFakeEngine({ handlers: { calibrate: (_, call) => call.stall() } }))
  await calibration.start()
  await expect(calibration.start()).rejects.toMatchObject({ code: 'engine/busy' })
  await calibration.cancel()
})

test('a cancel ends the process and its files; nothing is kept and nothing is wrong', async () => {
  const { calibration, engine, rows } = service({}, createFakeEngine({ handlers: { calibrate: (_, call) => call.stall() } }))
  await calibration.start()
  await calibration.cancel()
  expect(rows.all()).toEqual([])
  expect(engine.processes.every((process) => !process.alive)).toBe(true)
  expect(existsSync(join(folder, 'slices')) ? readdirSync(join(folder, 'slices')) : []).toEqual([])
  for await (const view of calibration.follow()) {
    expect(view).toMatchObject({ running: null, error: null, results: [] })
    break
  }
})

test('a crash is told, and what was measured before stays', async () => {
  const engine = createFakeEngine({ handlers: { calibrate: (_, call) => call.exit() as never } })
  const { calibration } = service({}, engine)
  await expect(calibration.run(forever, nothing)).rejects.toMatchObject({ code: 'engine/crashed' })
})
