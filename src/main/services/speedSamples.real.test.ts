import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { GenerationStats } from '@shared/domain/chat'
import { exampleMachines } from '@shared/domain/exampleMachines'
import { llama1b, llama8b } from '@shared/domain/exampleModels'
import type { ModelFacts } from '@shared/domain/gguf'
import { mergeHardware } from '@shared/domain/mergeHardware'
import { defaultFacts } from '../../engine/fakeFacts'
import { type SnugDatabase, openDatabase } from '../db/open'
import { loadCatalog } from './catalog'
import { RecommendationService } from './recommendation'
import { type RunPlan, SpeedSamples } from './speedSamples'

let dataDir: string
let db: SnugDatabase
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'snug-samples-'))
  db = openDatabase({ dataDir })
})
afterEach(() => {
  db.close()
  rmSync(dataDir, { recursive: true, force: true })
})

const facts: ModelFacts = { ...defaultFacts.inspect({ path: '' }), ...llama8b, kind: 'model', scripted: false } as ModelFacts
const onCard: RunPlan = {
  backend: 'cuda',
  gpuLayers: 33,
  totalLayers: 33,
  contextSize: 8192,
  batchSize: 512,
  kvCacheType: 'f16',
  flashAttention: true,
  useMmap: false,
  threads: 8,
}
const stats = (evalTokensPerSecond: number, more: Partial<GenerationStats> = {}): GenerationStats => ({
  promptTokens: 400,
  cachedTokens: 0,
  promptMs: 200,
  evalTokens: 200,
  thoughtTokens: 0,
  evalMs: 4000,
  ttftMs: 300,
  promptTokensPerSecond: 2000,
  evalTokensPerSecond,
  stopReason: 'end',
  ...more,
})

function house() {
  const machine = exampleMachines.find(({ name }) => name.startsWith('RTX 4070'))
  if (machine === undefined) throw new Error('no machine')
  const report = mergeHardware(machine.raw)
  const state = { driver: '580.82' }
  const hardware = { report: async () => report }
  const recommendation: RecommendationService = new RecommendationService({
    catalog: loadCatalog(),
    hardware,
    corrections: (seen, backend, except) => samples.corrections(seen, backend, except),
  })
  const samples: SpeedSamples = new SpeedSamples({
    rows: db.speedSamples,
    hardware,
    keyOf: async (backend) => `${backend}@${state.driver}`,
    predict: (model, plan, depth, promptDepth) => recommendation.predictPlan(model, plan, depth, promptDepth),
    now: () => 7,
  })
  return { recommendation, samples, state, report }
}

test('a reply of one model corrects another one, not itself, and is kept with its plan', async () => {
  const { recommendation, samples } = house()
  const before = (await recommendation.fitFile(llama1b)).speed
  const own = (await recommendation.fitFile(llama8b, { uncorrected: 'm8' })).speed
  const said = await recommendation.predictPlan(llama8b, onCard, 500)
  await samples.add('m8', facts, onCard, stats(Math.sqrt(said.decode[0] * said.decode[1]) * 0.8))
  const after = (await recommendation.fitFile(llama1b)).speed
  expect(after.learnedFrom).toBe(1)
  expect(after.decode[1]).toBeLessThan(before.decode[1])
  expect(after.decode[1] / after.decode[0]).toBeLessThan(before.decode[1] / before.decode[0])
  expect((await recommendation.fitFile(llama8b, { uncorrected: 'm8' })).speed).toEqual(own)
  // Neither a simulated machine nor one without the card learns from it.
  expect((await recommendation.fitFile(llama1b, { simulate: 'RTX 4090' })).speed.learnedFrom).toBeUndefined()
  expect((await recommendation.fitFile(llama1b, { backend: 'cpu' })).speed.learnedFrom).toBeUndefined()
  // After another start it is still known.
  db.close()
  db = openDatabase({ dataDir })
  expect(db.speedSamples.all()).toMatchObject([
    {
      modelId: 'm8',
      backend: 'cuda',
      gpuLayers: 33,
      totalLayers: 33,
      threads: 8,
      contextSize: 8192,
      kvCacheType: 'f16',
      depth: 500,
      at: 7,
    },
  ])
  expect((await house().recommendation.fitFile(llama1b)).speed.learnedFrom).toBe(1)
})

test('predictions are compared as they were before any correction: it does not feed on itself', async () => {
  const { recommendation, samples } = house()
  const said = await recommendation.predictPlan(llama8b, onCard, 500)
  for (let reply = 0; reply < 5; reply++) await samples.add(`m${reply}`, facts, onCard, stats(said.decode[0]))
  expect(await recommendation.predictPlan(llama8b, onCard, 500)).toEqual(said)
  expect(new Set(db.speedSamples.all().map((row) => row.decodePredicted)).size).toBe(1)
})

test('another driver, engine or calibration: what was measured before counts no more, and goes with the next reply', async () => {
  const { recommendation, samples, state } = house()
  await samples.add('m8', facts, onCard, stats(50))
  state.driver = '590.00'
  expect((await recommendation.fitFile(llama1b)).speed.learnedFrom).toBeUndefined()
  expect(db.speedSamples.all()).toHaveLength(1)
  await samples.add('other', facts, onCard, stats(50))
  expect(db.speedSamples.all().map(({ modelId, key }) => [modelId, key])).toEqual([['other', 'cuda@590.00']])
})

test('what says nothing is not kept: short replies, nothing on a visible card, the script; a card that spills is told', async () => {
  const { samples } = house()
  await samples.add('m', facts, onCard, stats(50, { evalTokens: 31 }))
  expect([await samples.isSpilling(facts, onCard, stats(2)), await samples.isSpilling(facts, onCard, stats(50))]).toEqual([true, false])
  await samples.add('m', facts, { ...onCard, gpuLayers: 0 }, stats(5))
  await samples.add('m', { ...facts, scripted: true }, onCard, stats(50))
  expect(db.speedSamples.all()).toEqual([])
  await samples.add('m', facts, onCard, stats(50, { cachedTokens: 390 }))
  expect(db.speedSamples.all()).toMatchObject([{ decode: 50, prefill: null, prefillPredicted: null }])
})

test('of one plan the last nine, of another plan its own', async () => {
  const { samples } = house()
  for (let reply = 0; reply < 12; reply++) await samples.add('m', facts, onCard, stats(50 + reply))
  await samples.add('m', facts, { ...onCard, gpuLayers: 20 }, stats(20))
  const rows = db.speedSamples.all()
  expect(rows.filter(({ gpuLayers }) => gpuLayers === 33).map(({ decode }) => decode)).toEqual([53, 54, 55, 56, 57, 58, 59, 60, 61])
  expect(rows).toHaveLength(10)
})
