import { expect, test } from 'vitest'
import { llama8b } from '@shared/domain/exampleModels'
import { layerTargets } from '@shared/domain/choosePlan'
import { type FitMachine, type LoadPlan, defaultFitOptions, planFit } from '@shared/domain/fit'
import { type MemoryPart, memoryParts, totalBytes } from '@shared/domain/memory'
import type { MemoryPool } from '@shared/domain/poolFit'
import { GiB, MiB } from '@shared/domain/units'
import { dryFit } from './dryFit'

function pool(id: 'cpu' | 'gpu0', gib: number): MemoryPool {
  const [totalBytes, kind] = [gib * GiB, id === 'cpu' ? ('ram' as const) : ('discrete' as const)]
  return {
    id,
    devices: [id],
    name: id,
    kind,
    totalBytes,
    freeBytes: totalBytes,
    returnedBytes: 0,
    reserveBytes: 0.25 * GiB,
    limit: null,
  }
}

function machine(vram: number | null, ram: number): FitMachine {
  const pools = [...(vram === null ? [] : [pool('gpu0', vram)]), pool('cpu', ram)]
  const speed = { prefillFlops: [2e11, 5e11], fixedMs: [1, 6], source: 'table' } as const
  const speeds = [
    { ...speed, device: 'gpu0', dense: [250e9, 390e9], mixture: [140e9, 270e9] },
    { ...speed, device: 'cpu', dense: [25e9, 45e9], mixture: [20e9, 40e9] },
  ] as unknown as FitMachine['speeds']
  return { backend: vram === null ? 'cpu' : 'cuda', speeds, pools }
}

/** A llama.cpp that takes what the formula says and more; `ends`: on such a plan its process ends. */
function estimator(here: FitMachine, more: (plan: LoadPlan) => MemoryPart[], ends: (plan: LoadPlan) => boolean = () => false) {
  const asked: LoadPlan[] = []
  const partsOf = (plan: LoadPlan): MemoryPart[] =>
    memoryParts(llama8b, { ...plan, gpus: plan.gpuLayers > 0 ? layerTargets(here) : [] }).map((part) => ({
      ...part,
      bytes: part.bytes + more(plan).reduce((sum, one) => sum + (one.device === part.device && one.kind === part.kind ? one.bytes : 0), 0),
    }))
  return {
    asked,
    partsOf,
    ask: async (plan: LoadPlan) => {
      asked.push(plan)
      return { level: 'dry-run' as const, parts: ends(plan) ? null : partsOf(plan) }
    },
  }
}

const compute =
  (device: 'cpu' | 'gpu0', bytes: number) =>
  (plan: LoadPlan): MemoryPart[] =>
    device === 'gpu0' && plan.gpuLayers === 0 ? [] : [{ device, kind: 'compute', bytes }]
const [row, load, details] = [
  { plan: 1, context: 0 },
  { plan: 4, context: 0 },
  { plan: 4, context: 3 },
]
/** So that the formula puts all of it on the card, with less than 100 MiB to spare. */
const card = (() => {
  const [gpu] = planFit(llama8b, machine(24, 32), defaultFitOptions).pools
  return ((gpu?.takesBytes ?? 0) + 80 * MiB) / GiB + 0.25
})()

test('a card that is short of a little takes fewer layers, by the word of the dry run', async () => {
  const here = machine(card, 32)
  expect(planFit(llama8b, here, defaultFitOptions).verdict).toBe('full-gpu')
  const { asked, ask, partsOf } = estimator(here, compute('gpu0', 300 * MiB))
  const fit = await dryFit(llama8b, here, defaultFitOptions, ask, load)
  expect(fit).toMatchObject({ level: 'dry-run', verdict: 'partial-gpu' })
  expect(fit.plan.gpuLayers).toBeGreaterThan(28)
  expect(asked.length).toBeLessThanOrEqual(3)
  expect(totalBytes(fit.parts)).toBeCloseTo(totalBytes(partsOf(fit.plan)), 0)
  for (const one of fit.pools) expect(one.spareBytes).toBeGreaterThanOrEqual(0)
  expect(fit.maxContext).toBeGreaterThanOrEqual(fit.plan.contextSize)
})

test('where llama.cpp ends on every plan with a card, or takes far too much there, the processor is the last try', async () => {
  const here = machine(card, 32)
  for (const { ask, asked } of [
    estimator(
      here,
      () => [],
      ({ gpuLayers }) => gpuLayers > 0,
    ),
    estimator(here, compute('gpu0', 20 * GiB)),
  ]) {
    const fit = await dryFit(llama8b, here, defaultFitOptions, ask, load)
    expect(fit).toMatchObject({ level: 'dry-run', verdict: 'cpu', plan: { gpuLayers: 0, backend: 'cpu' } })
    expect(asked.length).toBeLessThanOrEqual(4)
    expect(asked.at(-1)?.gpuLayers).toBe(0)
  }
})

test('layers that a person chose stand, and so does an answer that nobody could give', async () => {
  const here = machine(card, 32)
  const { asked, ask } = estimator(here, compute('gpu0', 300 * MiB))
  expect(await dryFit(llama8b, here, { ...defaultFitOptions, gpuLayers: 'max' }, ask, load)).toMatchObject({
    verdict: 'too-big',
    level: 'dry-run',
    plan: { gpuLayers: 33 },
  })
  expect(asked).toHaveLength(1)
  expect(await dryFit(llama8b, here, defaultFitOptions, async () => null, load)).toEqual(planFit(llama8b, here, defaultFitOptions))
})

test('a row asks once: what it learned goes into the plan of the formula', async () => {
  const here = machine(card, 32)
  const { asked, ask, partsOf } = estimator(here, compute('gpu0', 300 * MiB))
  const fit = await dryFit(llama8b, here, defaultFitOptions, ask, row)
  expect(asked).toHaveLength(1)
  expect(fit).toMatchObject({ level: 'formula', verdict: 'partial-gpu' })
  expect(totalBytes(partsOf(fit.plan), 'gpu0')).toBeLessThanOrEqual((card - 0.25) * GiB)
  const loaded = await dryFit(llama8b, here, defaultFitOptions, ask, load)
  expect(loaded.plan).toEqual(fit.plan)
})

test('nothing is left to try: too big, by what llama.cpp takes', async () => {
  const need = (planFit(llama8b, machine(null, 32), defaultFitOptions).totalBytes + 300 * MiB) / GiB + 0.25
  const held = { ...machine(null, 32), pools: [{ ...pool('cpu', 32), freeBytes: need * GiB }] }
  const { asked, ask } = estimator(held, compute('cpu', 500 * MiB))
  const fit = await dryFit(llama8b, held, defaultFitOptions, ask, load)
  expect(fit).toMatchObject({ verdict: 'too-big', level: 'dry-run', maxContext: 0 })
  expect((fit.freeUpBytes ?? 0) / MiB).toBeCloseTo(200, 0)
  expect(asked).toHaveLength(1)
})

test.each([
  ['more', 0.25],
  ['less', -0.2],
  ['the same', 0],
] as const)('the longest context is asked about: llama.cpp takes %s for each token', async (_, share) => {
  const here = machine(9, 32)
  const perToken = (plan: LoadPlan): MemoryPart[] => {
    const kv = memoryParts(llama8b, { ...plan, gpus: layerTargets(here) }).find(({ device, kind }) => device === 'gpu0' && kind === 'kv')
    return [{ device: 'gpu0', kind: 'kv', bytes: (kv?.bytes ?? 0) * share }]
  }
  const { asked, ask, partsOf } = estimator(here, perToken)
  const fit = await dryFit(llama8b, here, defaultFitOptions, ask, details)
  expect(asked.length).toBeLessThanOrEqual(1 + details.context)
  const takes = (contextSize: number) => totalBytes(partsOf({ ...fit.plan, contextSize }), 'gpu0')
  expect(fit.maxContext).toBeGreaterThan(8192)
  expect(takes(fit.maxContext)).toBeLessThanOrEqual(8.75 * GiB)
  // Three looks come within half a percent of it.
  expect(takes(Math.ceil(fit.maxContext * 1.005) + 256)).toBeGreaterThan(8.75 * GiB)
})
