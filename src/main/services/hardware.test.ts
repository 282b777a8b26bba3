import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { exampleMachines } from '@shared/domain/exampleMachines'
import { probe } from '@shared/domain/exampleParts'
import type { EngineProbe } from '@shared/domain/hardware'
import type { EngineStatus } from '@shared/domain/library'
import { GiB, MiB } from '@shared/domain/units'
import { parseCpuMax } from '../platform/cgroup'
import { parseNvidiaSmi, readDisk, readNvidiaSmi, readRam, readStatic, toGraphics, usableCores } from '../platform/gpuProbe'
import { recordedHardware } from '../platform/recordedHardware'
import type { ProbeWishes } from '../engine/backendProbes'
import { Changes } from './follow'
import { HardwareService } from './hardware'

const fixed = {
  graphics: [],
  modules: [],
  cpu: { name: 'CPU', physicalCores: 4, logicalCores: 8, usableCores: 4, features: [] },
  os: { platform: 'linux', name: 'Linux', release: '6', arch: 'x64' },
}

function service(options: { available: () => number; probe?: () => Promise<never[]>; now?: () => number }) {
  let looks = 0
  const hardware = new HardwareService({
    probe: options.probe ?? (async () => []),
    modelsDir: '/nowhere',
    sources: {
      nvidiaSmi: async () => {
        looks++
        return { state: 'missing', detail: '' }
      },
      static: async () => fixed,
      disk: async () => null,
      ram: () => ({ total: 16 * GiB, available: options.available(), limit: null }),
      ...(options.now === undefined ? {} : { now: options.now }),
    },
  })
  return { hardware, looks: () => looks }
}

test('a report is given again for five seconds, and calls at once share one look', async () => {
  let now = 0
  const { hardware, looks } = service({ available: () => 8 * GiB, now: () => now })
  const [a, b] = await Promise.all([hardware.report(), hardware.report()])
  expect(a).toBe(b)
  now = 4999
  await hardware.report()
  expect(looks()).toBe(1)
  now = 5000
  await hardware.report()
  expect(looks()).toBe(2)
  await hardware.report({ fresh: true })
  expect(looks()).toBe(3)
})

test('a probe that throws costs nothing but what it would have said', async () => {
  const { hardware } = service({ available: () => 8 * GiB, probe: () => Promise.reject(new Error('engine is gone')) })
  const report = await hardware.report()
  expect(report.ram.total).toBe(16 * GiB)
  expect(report.backends.every((row) => row.state === 'not-installed')).toBe(true)
})

test('a recorded machine stands for this one in a checkout, and never in a package', async () => {
  const recorded = exampleMachines.find(({ name }) => name.startsWith('two equal cards'))?.raw
  if (recorded === undefined) throw new Error('no such machine')
  const path = join(mkdtempSync(join(tmpdir(), 'snug-recorded-')), 'machine.json')
  writeFileSync(path, JSON.stringify(recorded))
  const env = { SNUG_TEST_HARDWARE: path }
  expect(recordedHardware(env, true)).toBeUndefined()
  expect(recordedHardware({}, false)).toBeUndefined()
  const hardware = new HardwareService({
    probe: () => Promise.reject(new Error('this machine is not asked')),
    recorded: recordedHardware(env, false),
    modelsDir: tmpdir(),
  })
  const report = await hardware.report()
  expect(report.gpus.map(({ vramFree }) => (vramFree ?? 0) / GiB)).toEqual([23.4, 19.5])
  expect(report.ram).toEqual({ total: 64 * GiB, available: 55 * GiB })
  expect(report.disk?.path).toBe(tmpdir())
})

/** A CUDA card with its driver: what the engine says stays until it is asked again, what nvidia-smi says is of now. */
function withCard(free: { engine: number; smi: number }) {
  const changes = new Changes()
  const state: { status: EngineStatus; rows: EngineProbe[] | null; wishes: ProbeWishes[]; now: number } = {
    status: { state: 'empty' },
    rows: null,
    wishes: [],
    now: 1000,
  }
  let asked = 0
  const hardware = new HardwareService({
    probe: async (wishes) => {
      state.wishes.push(wishes)
      const { fresh = false, since = 0 } = wishes
      if (state.rows === null || fresh || asked < since) {
        asked = state.now
        state.rows = [probe('cuda', ['NVIDIA GeForce RTX 3060', 12, free.engine]), probe('cpu')]
      }
      return state.rows
    },
    host: { status: () => state.status, onStatus: (listener) => changes.on(listener) },
    modelsDir: '/nowhere',
    sources: {
      nvidiaSmi: async () => ({
        state: 'ok',
        gpus: [{ name: 'NVIDIA GeForce RTX 3060', totalBytes: 12 * GiB, freeBytes: free.smi * GiB, driver: '' }],
      }),
      static: async () => fixed,
      disk: async () => null,
      ram: () => ({ total: 16 * GiB, available: 8 * GiB, limit: null }),
      now: () => state.now,
    },
  })
  const set = (status: EngineStatus) => {
    state.status = status
    changes.emit()
  }
  const freeNow = async (fresh = false) => ((await hardware.report({ fresh })).gpus[0]?.vramFree ?? 0) / GiB
  return { hardware, state, set, freeNow }
}

test("a card's free memory follows the driver between two looks of the engine, which knows its own share best", async () => {
  // Half a GiB of what the driver calls free goes to the engine's own context.
  const free = { engine: 10, smi: 10.5 }
  const { state, freeNow } = withCard(free)
  expect(await freeNow()).toBe(10)
  state.now += 6000
  free.smi = 7.5
  expect(await freeNow()).toBe(7)
  state.now += 6000
  free.smi = 11
  expect(await freeNow()).toBe(10.5)
  // Asked again, the engine's own figure counts again.
  free.engine = 10.25
  expect(await freeNow(true)).toBe(10.25)
})

test('measured again means all of it: the engine too, and not a look that was under way', async () => {
  const { hardware, state } = withCard({ engine: 10, smi: 10.5 })
  const [, fresh] = await Promise.all([hardware.report(), hardware.report({ fresh: true }), hardware.report({ fresh: true })])
  expect(state.wishes.map((wish) => wish.fresh)).toEqual([false, true])
  expect(await hardware.report()).toBe(fresh)
})

test('a report from before a model was loaded or ended is not given any more; while one loads it is', async () => {
  const free = { engine: 10, smi: 10.5 }
  const { hardware, state, set, freeNow } = withCard(free)
  expect(await freeNow()).toBe(10)
  state.now += 1000
  set({ state: 'loading', modelId: 'm', fraction: 0 })
  Object.assign(free, { engine: 4, smi: 4.5 })
  expect(await freeNow()).toBe(10)
  const early = hardware.report({ fresh: true })
  state.now += 1000
  const error = { code: 'engine/load-failed' as const, message: '', data: {} }
  set({ state: 'failed', modelId: 'm', error, canTryCpu: false })
  Object.assign(free, { engine: 9, smi: 9.5 })
  expect(await freeNow()).toBe(9)
  await early
  expect(state.wishes.at(-1)?.since).toBe(state.now)
  set({ state: 'empty' })
  const looks = state.wishes.length
  await hardware.report()
  expect(state.wishes).toHaveLength(looks)
  state.now += 1
  hardware.dispose()
  set({ state: 'loading', modelId: 'm', fraction: 0 })
  set({ state: 'empty' })
  await hardware.report()
  expect(state.wishes).toHaveLength(looks)
})

test('a follower sees what changed by 64 MiB, and ends with its signal', async () => {
  let now = 0
  const steps = [8 * GiB, 8 * GiB - MiB, 6 * GiB]
  let step = 0
  const { hardware } = service({ available: () => steps[Math.min(step++, 2)] ?? 0, now: () => (now += 10_000) })
  const abort = new AbortController()
  const seen: number[] = []
  for await (const report of hardware.follow(abort.signal, 1)) {
    seen.push(report.ram.available)
    if (seen.length === 2) abort.abort()
  }
  expect(seen).toEqual([8 * GiB, 6 * GiB])
})

test('nvidia-smi: cards, an unknown total, an empty answer', () => {
  expect(parseNvidiaSmi('NVIDIA GeForce RTX 4070, 12282, 11230, 580.82\n')).toEqual({
    state: 'ok',
    gpus: [{ name: 'NVIDIA GeForce RTX 4070', totalBytes: 12_282 * MiB, freeBytes: 11_230 * MiB, driver: '580.82' }],
  })
  expect(parseNvidiaSmi('NVIDIA GB10, [N/A], [N/A], 580.95\n')).toEqual({ state: 'ok', gpus: [] })
  // As read on a DGX Spark, with its index left out (marimo-team/marimo, pull request 6822).
  expect(parseNvidiaSmi('NVIDIA GB10, [N/A], [N/A]\n')).toEqual({ state: 'ok', gpus: [] })
  expect(parseNvidiaSmi('')).toEqual({ state: 'ok', gpus: [] })
})

test("systeminformation's rows, as they stand in its issues 461, 790 and 1035", () => {
  const radeon = { vendor: 'Advanced Micro Devices, Inc.', model: 'AMD Radeon RX 5700', bus: 'PCI', vram: 4095, vramDynamic: true }
  expect(toGraphics({ ...radeon, subDeviceId: '0B361002' })).toMatchObject({ model: 'AMD Radeon RX 5700', vramBytes: null, driver: null })
  const geforce = { vendor: 'NVIDIA', model: 'NVIDIA GeForce GTX 1650', bus: 'PCI', vram: 4096, vramDynamic: false }
  expect(toGraphics({ ...geforce, driverVersion: '512.78', name: 'NVIDIA GeForce GTX 1650', memoryFree: 3962 })).toMatchObject({
    model: 'NVIDIA GeForce GTX 1650',
    vramBytes: 4096 * MiB,
    driver: '512.78',
  })
  const unlisted = { vendor: 'Advanced Micro Devices, Inc. [AMD/ATI]', subVendor: '', model: 'Device 744c', bus: 'Onboard', vram: 32768 }
  expect(toGraphics({ ...unlisted, busAddress: '03:00.0' })).toMatchObject({
    model: 'Device 744c',
    vramBytes: 32 * GiB,
    vramDynamic: false,
  })
})

test('a missing, a failing and a hanging nvidia-smi are told apart in time', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'snug-smi-'))
  const program = (name: string, body: string): string => {
    const path = join(folder, name)
    writeFileSync(path, `#!/bin/sh\n${body}\n`)
    chmodSync(path, 0o755)
    return path
  }
  expect((await readNvidiaSmi(join(folder, 'none'))).state).toBe('missing')
  const failed = await readNvidiaSmi(program('failing', 'echo "NVIDIA-SMI has failed"; exit 9'))
  expect(failed).toMatchObject({ state: 'failed', detail: 'NVIDIA-SMI has failed' })
  const started = Date.now()
  expect((await readNvidiaSmi(program('hanging', 'exec sleep 30'), 300)).state).toBe('timed-out')
  expect(Date.now() - started).toBeLessThan(5000)
})

test('cores: affinity, then quota, then threads of one core once', () => {
  expect(usableCores(16, null, 8, 16)).toBe(8)
  expect(usableCores(16, 4, 8, 16)).toBe(2)
  expect(usableCores(16, 1.5, 8, 16)).toBe(1)
  expect(usableCores(2, null, 1, 2)).toBe(2)
  expect(usableCores(8, null, 8, 8)).toBe(8)
})

test('control group quotas', () => {
  expect(parseCpuMax('150000 100000')).toBe(1.5)
  expect(parseCpuMax('max 100000')).toBeNull()
  expect(parseCpuMax('-1 100000')).toBeNull()
  expect(parseCpuMax(null)).toBeNull()
})

test('this machine can be read', async () => {
  const [facts, disk] = await Promise.all([readStatic(false), readDisk(join(tmpdir(), 'not', 'yet', 'there'))])
  expect(facts.cpu.usableCores).toBeGreaterThanOrEqual(1)
  expect(facts.cpu.usableCores).toBeLessThanOrEqual(facts.cpu.logicalCores)
  expect(facts.cpu.name).not.toBe('')
  const ram = readRam()
  expect(ram.available).toBeGreaterThan(0)
  expect(ram.available).toBeLessThanOrEqual(ram.limit ?? ram.total)
  expect(disk?.free).toBeGreaterThan(0)
})
