import { fc, test as property } from '@fast-check/vitest'
import { describe, expect, test } from 'vitest'
import { gemma3, llama1b, llama8b, qwen3moe8 } from './exampleModels'
import { type FitMachine, defaultFitOptions, isImpossible, planFit, withParts } from './fit'
import { emptied, missingWhenEmpty } from './freeing'
import { totalBytes } from './memory'
import { type MemoryPool, fillPools, shortWith } from './poolFit'
import { type Bytes, GiB, MiB } from './units'

function pool(id: 'cpu' | 'gpu0' | 'gpu1', total: Bytes, free: Bytes, extra: Partial<MemoryPool> = {}): MemoryPool {
  return {
    id,
    devices: [id],
    name: id,
    kind: id === 'cpu' ? 'ram' : 'discrete',
    totalBytes: total,
    freeBytes: free,
    returnedBytes: 0,
    reserveBytes: 0.25 * GiB,
    limit: null,
    ...extra,
  }
}

const speeds: FitMachine['speeds'] = [
  { device: 'gpu0', dense: [250e9, 390e9], mixture: [140e9, 270e9], prefillFlops: [3e13, 6e13], fixedMs: [0.1, 0.6], source: 'table' },
  { device: 'cpu', dense: [25e9, 45e9], mixture: [20e9, 40e9], prefillFlops: [2e11, 5e11], fixedMs: [1, 6], source: 'table' },
]

function machine(vram: number | null, ram: number): FitMachine {
  return {
    backend: vram === null ? 'cpu' : 'cuda',
    speeds,
    pools: [...(vram === null ? [] : [pool('gpu0', vram * GiB, vram * GiB)]), pool('cpu', ram * GiB, ram * GiB)],
  }
}

describe('verdicts', () => {
  test.each([
    [12, 32, 'full-gpu'],
    [4, 32, 'partial-gpu'],
    [null, 32, 'cpu'],
    [null, 4, 'too-big'],
  ] as const)('Llama 3.1 8B Q4_K_M with %s GiB of VRAM and %s GiB of RAM: %s', (vram, ram, verdict) => {
    const report = planFit(llama8b, machine(vram, ram), defaultFitOptions)
    expect(report.verdict).toBe(verdict)
    expect(report.plan.totalLayers).toBe(33)
    if (verdict === 'full-gpu') expect(report.plan.gpuLayers).toBe(33)
    if (verdict === 'partial-gpu') {
      expect(report.plan.gpuLayers).toBeGreaterThan(5)
      expect(report.plan.gpuLayers).toBeLessThan(33)
    }
    if (verdict === 'too-big') expect(report.maxContext).toBe(0)
  })
  test('a partial split takes as many layers as fit, not one more', () => {
    const here = machine(4, 32)
    const report = planFit(llama8b, here, defaultFitOptions)
    const more = planFit(llama8b, here, { ...defaultFitOptions, gpuLayers: report.plan.gpuLayers + 1 })
    expect(more.verdict).toBe('too-big')
  })
  test('the context is never above what the model was trained for', () => {
    const report = planFit({ ...llama8b, trainContextSize: 2048 }, machine(12, 32), defaultFitOptions)
    expect(report.plan.contextSize).toBe(2048)
    expect(report.maxContext).toBe(2048)
  })
  test('maxContext keeps the verdict, one step more does not', () => {
    const here = machine(8, 32)
    const report = planFit(llama8b, here, defaultFitOptions)
    expect(report.verdict).toBe('full-gpu')
    expect(report.maxContext).toBeGreaterThan(8192)
    expect(planFit(llama8b, here, { ...defaultFitOptions, contextSize: report.maxContext }).verdict).toBe('full-gpu')
    expect(planFit(llama8b, here, { ...defaultFitOptions, contextSize: report.maxContext + 256 }).verdict).not.toBe('full-gpu')
  })
  test('what our own model gives back counts', () => {
    const busy = { ...machine(12, 32), pools: [pool('gpu0', 12 * GiB, 2 * GiB), pool('cpu', 32 * GiB, 32 * GiB)] }
    const back = { ...busy, pools: [pool('gpu0', 12 * GiB, 2 * GiB, { returnedBytes: 9 * GiB }), pool('cpu', 32 * GiB, 32 * GiB)] }
    expect(planFit(llama8b, busy, defaultFitOptions).verdict).toBe('partial-gpu')
    expect(planFit(llama8b, back, defaultFitOptions).verdict).toBe('full-gpu')
  })
  test('too big now, but not once other programs let go: says how much', () => {
    const held = { ...machine(null, 16), pools: [pool('cpu', 16 * GiB, 3 * GiB)] }
    const report = planFit(llama8b, held, defaultFitOptions)
    expect(report.verdict).toBe('too-big')
    expect(report.freeUpBytes).toBeGreaterThan(2 * GiB)
    expect(planFit(llama8b, machine(null, 4), defaultFitOptions).freeUpBytes).toBeNull()
  })
  test('idle memory of one kind does not stand in for another', () => {
    // The card lacks gigabytes and nobody holds any of it; the RAM beside it is held by others.
    const held: FitMachine = { ...machine(2, 16), pools: [pool('gpu0', 2 * GiB, 2 * GiB), pool('cpu', 16 * GiB, 2 * GiB)] }
    const report = planFit(llama8b, held, defaultFitOptions)
    const [card, ram] = report.pools
    expect(report.verdict).toBe('too-big')
    expect(card?.spareBytes).toBeGreaterThanOrEqual(0)
    expect(report.freeUpBytes).toBeCloseTo(-(ram?.spareBytes ?? 0), 0)
    expect(planFit(llama8b, held, { ...defaultFitOptions, gpuLayers: 'max' }).freeUpBytes).toBeNull()
  })
  test('no other program holds what a limit forbids', () => {
    const limit = { name: 'user' as const, device: 'gpu0' as const, bytes: 3 * GiB }
    const limited: FitMachine = { ...machine(12, 16), pools: [pool('gpu0', 12 * GiB, 1 * GiB, { limit }), pool('cpu', 16 * GiB, 8 * GiB)] }
    expect(planFit(llama8b, limited, { ...defaultFitOptions, gpuLayers: 'max' })).toMatchObject({ verdict: 'too-big', freeUpBytes: null })
  })
  test('too big is counted from an empty machine, whatever others hold now', () => {
    const busy: FitMachine = { ...machine(null, 4), pools: [pool('cpu', 4 * GiB, 1 * GiB)] }
    const [now, empty] = [planFit(llama8b, busy, defaultFitOptions), planFit(llama8b, machine(null, 4), defaultFitOptions)]
    expect(now.freeUpBytes).toBeNull()
    expect(missingWhenEmpty(now.pools, now.parts)).toBeCloseTo(-(empty.pools[0]?.spareBytes ?? 0), 0)
    expect(now.pools[0]?.spareBytes).toBeLessThan((empty.pools[0]?.spareBytes ?? 0) - 2 * GiB)
  })
  test('the reserve is a margin and never a part', () => {
    const report = planFit(llama1b, machine(12, 32), defaultFitOptions)
    const [gpu] = report.pools
    expect(gpu?.budgetBytes).toBe(12 * GiB - 0.25 * GiB)
    expect(gpu?.takesBytes).toBeCloseTo(
      report.parts.filter((part) => part.device === 'gpu0').reduce((sum, part) => sum + part.bytes, 0),
      3,
    )
    expect(gpu?.spareBytes).toBeCloseTo((gpu?.budgetBytes ?? 0) - (gpu?.takesBytes ?? 0), 3)
  })
})

test.each([
  [12, 'auto', true],
  [4, 'auto', true],
  [4, 0, false],
  [null, 'auto', false],
] as const)(
  'with %s GiB of VRAM and %s layers the weights are mapped: %s (ADR 0007); a person may say otherwise',
  (vram, gpuLayers, useMmap) => {
    const options = { ...defaultFitOptions, gpuLayers }
    expect(planFit(llama8b, machine(vram, 32), options).plan.useMmap).toBe(useMmap)
    expect(planFit(llama8b, machine(vram, 32), { ...options, useMmap: !useMmap }).plan.useMmap).toBe(!useMmap)
  },
)

describe('unified memory', () => {
  const unified = (gigabytes: number, limit: number): FitMachine => ({
    backend: 'metal',
    speeds,
    pools: [
      {
        ...pool('gpu0', gigabytes * GiB, gigabytes * 0.8 * GiB),
        devices: ['gpu0', 'cpu'],
        kind: 'unified',
        limit: { name: 'metal-working-set', device: 'gpu0', bytes: limit * GiB },
      },
    ],
  })
  test('is one pool: GPU and CPU parts together must fit', () => {
    const report = planFit(llama8b, unified(16, 10.7), defaultFitOptions)
    expect(report.verdict).toBe('full-gpu')
    expect(report.pools).toHaveLength(1)
    expect(report.pools[0]?.takesBytes).toBeCloseTo(report.totalBytes, 3)
  })
  test("the platform's limit holds although the RAM is free", () => {
    const report = planFit(llama8b, unified(64, 4), defaultFitOptions)
    expect(report.verdict).toBe('partial-gpu')
    const onGpu = report.parts.filter((part) => part.device === 'gpu0').reduce((sum, part) => sum + part.bytes, 0)
    expect(onGpu).toBeLessThanOrEqual(4 * GiB)
  })
})

test('two unequal cards are used together', () => {
  const two: FitMachine = {
    backend: 'cuda',
    speeds,
    pools: [pool('gpu0', 4 * GiB, 4 * GiB), pool('gpu1', 3 * GiB, 3 * GiB), pool('cpu', 32 * GiB, 32 * GiB)],
  }
  const report = planFit(llama8b, two, { ...defaultFitOptions, contextSize: 4096 })
  expect(report.verdict).toBe('full-gpu')
  expect(report.pools.every((item) => item.spareBytes >= 0)).toBe(true)
})

test('a quantized V cache without flash attention is impossible', () => {
  expect(isImpossible({ kvCacheType: 'q8_0', flashAttention: false })).toBe(true)
  expect(isImpossible({ kvCacheType: 'f16', flashAttention: false })).toBe(false)
})

test("a dry run's parts replace the formula's, what it cannot know stays", () => {
  const report = planFit(llama1b, machine(null, 32), defaultFitOptions)
  const better = withParts(report, [{ device: 'cpu', kind: 'weights', bytes: 800 * MiB }], 'dry-run')
  expect(better.level).toBe('dry-run')
  expect(better.parts.filter((part) => part.kind === 'weights')).toEqual([{ device: 'cpu', kind: 'weights', bytes: 800 * MiB }])
  expect(better.parts.some((part) => part.kind === 'overhead')).toBe(true)
  expect(withParts(report, [{ device: 'cpu', kind: 'weights', bytes: 80 * GiB }], 'dry-run').verdict).toBe('too-big')
})

const anyMachine = fc.record({
  vram: fc.option(fc.double({ min: 0.5, max: 48, noNaN: true })),
  ram: fc.double({ min: 1, max: 128, noNaN: true }),
})

property.prop([fc.constantFrom(llama1b, gemma3, qwen3moe8, llama8b), anyMachine, fc.integer({ min: 256, max: 40_000 })])(
  'never says yes when a pool is over its budget',
  (model, { vram, ram }, contextSize) => {
    const report = planFit(model, machine(vram, ram), { ...defaultFitOptions, contextSize })
    const over = fillPools(report.pools, report.parts).some((item) => item.takesBytes > item.budgetBytes + 1)
    expect(over).toBe(report.verdict === 'too-big')
    expect(report.totalBytes).toBeCloseTo(
      report.pools.reduce((sum, item) => sum + item.takesBytes, 0),
      0,
    )
  },
)

property.prop([fc.constantFrom(llama1b, gemma3, qwen3moe8, llama8b), anyMachine, fc.integer({ min: 256, max: 40_000 })])(
  'no more layers and no longer context would do than those that the search finds',
  (model, { vram, ram }, contextSize) => {
    const here = machine(vram, ram)
    const options = { ...defaultFitOptions, contextSize }
    const { verdict, plan, maxContext } = planFit(model, here, options)
    if (verdict === 'too-big') return
    const fits = (gpuLayers: number): boolean => planFit(model, here, { ...options, gpuLayers }).verdict !== 'too-big'
    if (verdict === 'partial-gpu') {
      const counts = Array.from({ length: plan.totalLayers }, (_, index) => index + 1)
      expect(plan.gpuLayers).toBe(counts.findLast(fits))
    }
    const verdictAt = (size: number): string => planFit(model, here, { ...options, contextSize: size }).verdict
    expect(verdictAt(maxContext)).toBe(verdict)
    if (maxContext + 256 <= model.trainContextSize) expect(verdictAt(maxContext + 256)).not.toBe(verdict)
  },
)

property.prop([fc.constantFrom(llama1b, llama8b), anyMachine])('more memory never gives a worse verdict', (model, { vram, ram }) => {
  const order = ['full-gpu', 'partial-gpu', 'cpu', 'too-big']
  const rank = (gpu: number | null, main: number): number => order.indexOf(planFit(model, machine(gpu, main), defaultFitOptions).verdict)
  expect(rank(vram === null ? null : vram * 1.5, ram * 1.5)).toBeLessThanOrEqual(rank(vram, ram))
})

const anyBusyMachine = fc.record({
  cards: fc.array(fc.record({ total: fc.double({ min: 1, max: 24, noNaN: true }), free: fc.double({ min: 0, max: 1, noNaN: true }) }), {
    maxLength: 1,
  }),
  ram: fc.double({ min: 1, max: 32, noNaN: true }),
  ramFree: fc.double({ min: 0, max: 1, noNaN: true }),
  limit: fc.option(fc.double({ min: 0.5, max: 8, noNaN: true })),
  unified: fc.boolean(),
})

property.prop([fc.constantFrom(llama1b, gemma3, llama8b), anyBusyMachine])(
  'freeing what each pool is short of makes it run; where that is said to be no use, an empty machine is too small',
  (model, { cards, ram, ramFree, limit: limited, unified }) => {
    const limit = limited === null ? null : { name: 'user' as const, device: 'gpu0' as const, bytes: limited * GiB }
    const shared = pool('gpu0', ram * GiB, ram * ramFree * GiB, { devices: ['gpu0', 'cpu'], kind: 'unified', limit })
    const own = cards.map(({ total, free }) => pool('gpu0', total * GiB, total * free * GiB, { limit }))
    const pools = unified ? [shared] : [...own, pool('cpu', ram * GiB, ram * ramFree * GiB)]
    const here: FitMachine = { backend: pools.length > 1 || unified ? 'cuda' : 'cpu', speeds, pools }
    const report = planFit(model, here, defaultFitOptions)
    if (report.verdict !== 'too-big') {
      expect(report.freeUpBytes).toBeNull()
      return
    }
    if (report.freeUpBytes === null) {
      expect(planFit(model, { ...here, pools: pools.map(emptied) }, defaultFitOptions).verdict).toBe('too-big')
      expect(missingWhenEmpty(report.pools, report.parts)).toBeGreaterThan(0)
      return
    }
    const short = report.pools.map((one) =>
      shortWith(one, one.takesBytes, one.limit === null ? 0 : totalBytes(report.parts, one.limit.device)),
    )
    expect(report.freeUpBytes).toBeCloseTo(
      short.reduce((sum, bytes) => sum + bytes, 0),
      0,
    )
    const freed = pools.map((one, index) => ({ ...one, freeBytes: one.freeBytes + (short[index] ?? 0) + 1 }))
    for (const one of freed) expect(one.freeBytes).toBeLessThanOrEqual(one.totalBytes + 2)
    expect(planFit(model, { ...here, pools: freed }, defaultFitOptions).verdict).not.toBe('too-big')
  },
)
