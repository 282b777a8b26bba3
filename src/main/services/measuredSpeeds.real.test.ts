import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { ModelFacts } from '@shared/domain/gguf'
import { type SnugDatabase, openDatabase } from '../db/open'
import { MeasuredSpeeds, catalogueKey } from './measuredSpeeds'
import { keyWith } from './machineKey'
import { cpuProbe, machine } from './testMachine'

let dataDir: string
let db: SnugDatabase
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'snug-measured-'))
  db = openDatabase({ dataDir })
})
afterEach(() => {
  db.close()
  rmSync(dataDir, { recursive: true, force: true })
})

const copies = ['one', 'two'].map((id) => ({ id, repository: 'Some/One-GGUF', facts: { quantization: 'Q4_K_M' } as ModelFacts }))
const speeds = (version = 'b1') =>
  new MeasuredSpeeds({
    rows: db.measuredSpeeds,
    models: { all: () => copies },
    hardware: { report: async () => machine },
    keyOf: keyWith({ probe: async () => [cpuProbe(version)] }),
    now: () => 7,
  })
const plan = { backend: 'cpu', gpuLayers: 0, kvCacheType: 'f16' } as const
const stats = { evalTokensPerSecond: 10, promptTokensPerSecond: 100, promptTokens: 500, cachedTokens: 0 }

test('the median of the last replies: a busy moment is ignored, a short prompt says nothing of prefill', async () => {
  const measured = speeds()
  const of = async (id: string) => (await measured.lookup(machine))(id, plan)
  await measured.add('m', plan, stats)
  expect(await of('m')).toEqual({ decode: 10, prefill: 100 })
  await measured.add('m', plan, { ...stats, evalTokensPerSecond: 11, promptTokensPerSecond: 5, cachedTokens: 480 })
  await measured.add('m', plan, { ...stats, evalTokensPerSecond: 1 })
  expect(await of('m')).toEqual({ decode: 10, prefill: 100 })
  await measured.add('m', plan, { ...stats, evalTokensPerSecond: 0 })
  expect((await of('m'))?.decode).toBe(10)
  // A machine that really changed is followed: the last nine count.
  for (let reply = 0; reply < 6; reply++) await measured.add('m', plan, { ...stats, evalTokensPerSecond: 30 })
  expect((await of('m'))?.decode).toBe(30)
  expect(await of('other')).toBeNull()
})

test('a speed is that of its plan: other layers, another backend or cache type have their own, or none', async () => {
  const measured = speeds()
  await measured.add('m', plan, stats)
  await measured.add('m', { ...plan, backend: 'vulkan', gpuLayers: 20 }, { ...stats, evalTokensPerSecond: 40 })
  const lookup = await measured.lookup(machine)
  expect(lookup('m', plan)?.decode).toBe(10)
  expect(lookup('m', { ...plan, backend: 'vulkan', gpuLayers: 20 })?.decode).toBe(40)
  for (const other of [{ gpuLayers: 33 }, { backend: 'cuda' as const }, { kvCacheType: 'q8_0' as const }])
    expect(lookup('m', { ...plan, backend: 'vulkan', gpuLayers: 20, ...other })).toBeNull()
})

test('another engine or processor is another machine: it begins anew and takes the place of the one before', async () => {
  await speeds().add('m', plan, stats)
  expect((await speeds().lookup(machine))('m', plan)?.decode).toBe(10)
  expect((await speeds().lookup({ ...machine, cpu: { ...machine.cpu, name: 'Another' } }))('m', plan)).toBeNull()
  expect((await speeds('b2').lookup(machine))('m', plan)).toBeNull()
  await speeds('b2').add('m', plan, { ...stats, evalTokensPerSecond: 50 })
  expect((await speeds('b2').lookup(machine))('m', plan)?.decode).toBe(50)
  expect(db.measuredSpeeds.all()).toMatchObject([{ decode: 50, replies: 1 }])
})

test('a model of the catalogue is known by its copies in the library', async () => {
  const key = catalogueKey('some/one-GGUF', 'q4_k_m')
  expect((await speeds().lookup(machine))(key, plan)).toBeNull()
  await speeds().add('two', plan, stats)
  const lookup = await speeds().lookup(machine)
  expect(lookup(key, plan)?.decode).toBe(10)
  expect(lookup(key, { ...plan, kvCacheType: 'q8_0' })).toBeNull()
  expect(lookup(catalogueKey('some/one-GGUF', 'Q8_0'), plan)).toBeNull()
})
