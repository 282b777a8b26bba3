import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { exampleMachines } from '@shared/domain/exampleMachines'
import { llama1b, llama8b } from '@shared/domain/exampleModels'
import type { ModelFacts } from '@shared/domain/gguf'
import { memoryParts, touchedBytes } from '@shared/domain/memory'
import { mergeHardware } from '@shared/domain/mergeHardware'
import { MiB } from '@shared/domain/units'
import type { LoadedModel } from '@shared/engine/protocol'
import { silentLog } from '@shared/log'
import { defaultFacts } from '../../engine/fakeFacts'
import { type SnugDatabase, openDatabase } from '../db/open'
import { loadCatalog } from './catalog'
import { LoadRecords } from './loadRecords'
import { RecommendationService } from './recommendation'

let dataDir: string
let db: SnugDatabase
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'snug-loads-'))
  db = openDatabase({ dataDir })
})
afterEach(() => {
  db.close()
  rmSync(dataDir, { recursive: true, force: true })
})

const facts: ModelFacts = { ...defaultFacts.inspect({ path: '' }), ...llama1b, kind: 'model', scripted: false } as ModelFacts
const plan = {
  gpuLayers: 0,
  contextSize: 8192,
  batchSize: 256,
  kvCacheType: 'f16' as const,
  flashAttention: true,
  useMmap: false,
}
const predicted = memoryParts(facts, { ...plan, gpus: [] })
const buffers = predicted.filter(({ kind }) => kind !== 'overhead' && kind !== 'checkpoint')
const bufferBytes = buffers.reduce((sum, { bytes }) => sum + bytes, 0)
const onCpu: LoadedModel = {
  ...plan,
  backend: 'cpu',
  totalLayers: 17,
  threads: 4,
  trainContextSize: 131_072,
  loadMs: 3000,
  buffers: { parts: buffers, completeness: 'complete' },
  needsCheckpoints: false,
}
const expected = { gpuLayers: 0, contextSize: 8192, bufferBytes, ms: null }
const longPrompt = { promptTokens: 700, cachedTokens: 100 }

function house(name = 'no GPU, 8') {
  const machine = exampleMachines.find((candidate) => candidate.name.startsWith(name))
  if (machine === undefined) throw new Error(`no machine ${name}`)
  const report = mergeHardware(machine.raw)
  const state = { driver: '580.82', model: onCpu, grew: 0 as number | null }
  const hardware = { report: async () => report }
  const loads = new LoadRecords({
    rows: db.loads,
    host: {
      get loaded() {
        return { modelId: 'm', model: state.model, pid: 1 }
      },
      grown: async () => ({ bytes: state.grew }),
    },
    hardware,
    keyOf: async (backend) => `${backend}@${state.driver}`,
    log: silentLog,
    now: () => 7,
  })
  const recommendation = new RecommendationService({ catalog: loadCatalog(), hardware, loads })
  /** A load that took so much more than was predicted, and its first reply. */
  const run = async (beyondMiB: number, model: LoadedModel = onCpu, modelId = 'm', stats = longPrompt) => {
    state.model = model
    // A batch is counted as touched in full, so what the process has of it is no overhead.
    state.grew = touchedBytes(facts, plan, predicted, 600, plan.batchSize) + beyondMiB * MiB
    loads.loaded(modelId, facts, model, expected)
    loads.replied(stats)
    await loads.settled()
  }
  return { loads, recommendation, state, run, report }
}

test('a load corrects what is said of others here: of the process, and of the time that it takes', async () => {
  const { recommendation, run } = house()
  const before = await recommendation.fitFile(llama1b)
  expect([before.learned, before.loadMs]).toEqual([undefined, undefined])
  await run(80)
  const after = await recommendation.fitFile(llama1b)
  expect(after.learned).toMatchObject({ loads: 1, buffersOff: 0 })
  expect((after.learned?.addedBytes ?? 0) / MiB).toBeCloseTo(80, 3)
  expect(after.totalBytes - before.totalBytes).toBeCloseTo(after.learned?.addedBytes ?? 0)
  expect(after.loadMs?.map(Math.round)).toEqual([3000, 3000])
  // Of a size that is far from it nothing is known; of another machine neither.
  expect((await recommendation.fitFile(llama8b)).loadMs).toBeUndefined()
  const simulated = await recommendation.fitFile(llama1b, { simulate: 'RTX 4090' })
  expect([simulated.learned, simulated.loadMs]).toEqual([undefined, undefined])
  // After another start it is still known.
  db.close()
  db = openDatabase({ dataDir })
  expect((await house().recommendation.fitFile(llama1b)).learned?.loads).toBe(1)
})

test('the dry run is corrected as the formula is', async () => {
  const { recommendation, run, report } = house()
  await run(80)
  const dryRun = async () => ({ level: 'dry-run' as const, parts: predicted })
  const { learned, parts, totalBytes, residentBytes: resident } = await recommendation.fitFile(llama1b, { dryRun })
  const overhead = (list: typeof parts) => list.find(({ kind }) => kind === 'overhead')?.bytes ?? 0
  expect(overhead(parts)).toBeCloseTo(overhead(predicted) + (learned?.addedBytes ?? 0))
  expect(totalBytes).toBeCloseTo(parts.reduce((sum, { bytes }) => sum + bytes, 0))
  const untaught = new RecommendationService({ catalog: loadCatalog(), hardware: { report: async () => report } })
  const bare = await untaught.fitFile(llama1b, { dryRun })
  expect(resident - bare.residentBytes).toBeCloseTo(learned?.addedBytes ?? 0)
})

test('what says nothing of the process is kept for its time alone', async () => {
  const { run, loads, state } = house()
  await run(80, { ...onCpu, useMmap: true })
  await run(80, { ...onCpu, needsCheckpoints: true })
  await run(80, { ...onCpu, buffers: { parts: buffers, completeness: 'totals-only' } })
  await run(80, onCpu, 'm', { promptTokens: 700, cachedTokens: 650 })
  state.grew = null
  loads.loaded('m', facts, onCpu, { ...expected, contextSize: 4096 })
  loads.replied(longPrompt)
  loads.loaded('script', { ...facts, scripted: true }, onCpu, expected)
  await loads.settled()
  expect(db.loads.all().map(({ beyondBytes }) => beyondBytes)).toEqual([null, null, null, null, null])
  // Loaded with another context than was planned: the buffers are not compared.
  expect(db.loads.all().at(-1)).toMatchObject({ predictedBytes: null, reportedBytes: Math.round(bufferBytes), loadMs: 3000, at: 7 })
})

test('only the first long prompt of a load counts', async () => {
  const { run, loads, state } = house()
  await run(10)
  state.grew = (state.grew ?? 0) + 300 * MiB
  loads.replied(longPrompt)
  await loads.settled()
  expect((db.loads.all()[0]?.beyondBytes ?? 0) / MiB).toBeCloseTo(10, 3)
})

test('plans on the processor and with a card are told apart; memory that a card shares with RAM tells nothing', async () => {
  const onCard: LoadedModel = { ...onCpu, backend: 'cuda', gpuLayers: 17 }
  const { run, loads, report } = house('RTX 4070')
  await run(200, onCard)
  expect(await loads.notes(report, 'cuda')).toMatchObject({ withGpu: { loads: 1 } })
  expect((await loads.notes(report, 'cuda')).alone).toBeUndefined()
  const apple = house('Apple')
  await apple.run(200, { ...onCard, backend: 'metal' })
  expect(db.loads.all().find(({ backend }) => backend === 'metal')?.beyondBytes).toBeNull()
})

test('another driver or engine: what was taken before counts no more; of one plan the last nine are kept', async () => {
  const { run, state, recommendation } = house()
  for (let load = 0; load < 12; load++) await run(load)
  expect(db.loads.all()).toHaveLength(9)
  state.driver = '590.00'
  const fit = await recommendation.fitFile(llama1b)
  expect([fit.learned, fit.loadMs]).toEqual([undefined, undefined])
  await run(0)
  expect(db.loads.all()).toHaveLength(1)
})
