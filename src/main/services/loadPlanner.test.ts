import { expect, test } from 'vitest'
import { exampleMachines } from '@shared/domain/exampleMachines'
import { llama1b } from '@shared/domain/exampleModels'
import type { LoadPlan } from '@shared/domain/fit'
import type { ModelFacts } from '@shared/domain/gguf'
import { mergeHardware } from '@shared/domain/mergeHardware'
import { defaultFacts } from '../../engine/fakeFacts'
import { loadCatalog } from './catalog'
import { loadPlanner } from './loadPlanner'
import { RecommendationService } from './recommendation'

const facts = { ...defaultFacts.inspect({ path: '' }), ...llama1b } as ModelFacts
const noDryRun = { soon: () => async () => null }
const best = { decode: 3, prefill: 6 }

function planner(name: string, threads: () => Promise<typeof best | null>, dryRuns: Parameters<typeof loadPlanner>[1] = noDryRun) {
  const machine = exampleMachines.find((candidate) => candidate.name.startsWith(name))
  if (machine === undefined) throw new Error(`no machine ${name}`)
  const report = mergeHardware(machine.raw)
  return loadPlanner(new RecommendationService({ catalog: loadCatalog(), hardware: { report: async () => report } }), dryRuns, threads)
}

test('a load begins with the thread counts that a calibration found; on a card alone they do not matter', async () => {
  const calibrated = async () => best
  expect(await planner('no GPU, 8', calibrated)('/m.gguf', facts, { contextSize: 4096 })).toMatchObject({
    backend: 'cpu',
    bestThreads: best,
  })
  const onCard = planner('RTX 4070', calibrated)
  expect([
    (await onCard('/m.gguf', facts, { contextSize: 4096 })).useMmap,
    (await onCard('/m.gguf', facts, { contextSize: 4096, gpuLayers: 0 })).useMmap,
  ]).toEqual([true, false])
  expect((await onCard('/m.gguf', facts, { contextSize: 4096 })).bestThreads).toBeUndefined()
  expect((await onCard('/m.gguf', facts, { contextSize: 4096, gpuLayers: 5 })).bestThreads).toEqual(best)
})

test('without a calibration, and where it cannot be asked, all cores are taken as before', async () => {
  for (const threads of [async () => null, () => Promise.reject(new Error('no probe'))]) {
    const options = await planner('no GPU, 8', threads)('/m.gguf', facts, { contextSize: 4096 })
    expect(options.backend).toBe('cpu')
    expect(options.bestThreads).toBeUndefined()
  }
})

test('what is loaded is what was said to run: a card on which the dry run ends is left out', async () => {
  const asked: number[] = []
  const soon = () => async (plan: LoadPlan) => {
    asked.push(plan.gpuLayers)
    return plan.gpuLayers > 0 ? { level: 'dry-run' as const, parts: null } : null
  }
  const options = await planner('RTX 4070', async () => null, { soon })('/m.gguf', facts, { contextSize: 4096 })
  expect(options).toMatchObject({ backend: 'cpu', gpuLayers: 0, hasGpu: false })
  expect(asked.length).toBeGreaterThan(1)
})
