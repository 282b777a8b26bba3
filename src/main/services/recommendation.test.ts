import { describe, expect, test } from 'vitest'
import { catalogModel, blockBitsPerWeight } from '@shared/domain/catalog'
import { exampleMachines } from '@shared/domain/exampleMachines'
import { llama1b } from '@shared/domain/exampleModels'
import { memoryParts } from '@shared/domain/memory'
import { mergeHardware } from '@shared/domain/mergeHardware'
import { bestBackend, memoryPools } from '@shared/domain/pools'
import { quantizationInfo } from '@shared/domain/quantization'
import { rankRecommendations, recommendModel, useNeeds } from '@shared/domain/recommend'
import { GiB, MiB } from '@shared/domain/units'
import { loadCatalog, parseCatalog } from './catalog'
import type { MeasuredPlan } from './measuredSpeeds'
import { RecommendationService } from './recommendation'

const catalog = loadCatalog()

function serviceOn(name: string): RecommendationService {
  const machine = exampleMachines.find((candidate) => candidate.name.startsWith(name))
  if (machine === undefined) throw new Error(`no machine ${name}`)
  return new RecommendationService({ catalog, hardware: { report: async () => mergeHardware(machine.raw) } })
}

describe('recorded machines', () => {
  test.each(exampleMachines.map((machine) => [machine.name, machine] as const))('%s', async (_, { raw, expected }) => {
    const report = mergeHardware(raw)
    expect(report.gpus.map((gpu) => [gpu.name, gpu.kind, gpu.sharedWithRam, gpu.backends])).toEqual(
      expected.gpus.map((gpu) => [expect.stringMatching(gpu.name), gpu.kind, gpu.shared, gpu.backends]),
    )
    for (const [index, gpu] of expected.gpus.entries())
      if (gpu.vramGiB !== undefined) expect((report.gpus[index]?.vramTotal ?? 0) / GiB).toBeCloseTo(gpu.vramGiB ?? 0, 1)
    const backend = bestBackend(report)
    expect(backend).toBe(expected.backend)
    const pools = memoryPools(report, backend)
    expect(pools.map((pool) => Math.round((pool.totalBytes / GiB) * 100) / 100)).toEqual(expected.pools)
    expect(pools[0]?.limit?.name).toBe(expected.limit)
    for (const pool of pools) expect(pool.freeBytes).toBeLessThanOrEqual(pool.totalBytes)

    const service = new RecommendationService({ catalog, hardware: { report: async () => report } })
    const list = await service.recommend({ use: 'chat' })
    const fitting = list.filter((item) => item.alternatives.some((row) => row.verdict !== 'too-big' && row.loss !== 'clear'))
    const classes = new Set(fitting.map((item) => item.sizeClass.id))
    const largest = classes.has('heavy') ? 'heavy' : classes.has('medium') ? 'medium' : 'light'
    expect(largest).toBe(expected.fits)
    expect(list[0]?.usable).toBe(true)
    expect(list[0]?.model.demonstration).toBe(false)
    expect([list[0]?.sizeClass.id, list[0]?.best.verdict]).toEqual(expected.recommends)
    // What is recommended lies in memory that there is, each pool for itself.
    for (const pool of list[0]?.best.fit.pools ?? []) expect(pool.takesBytes).toBeLessThanOrEqual(pool.totalBytes)
  })
  test('at least 30, most of them seen in a report; no name twice', () => {
    expect(exampleMachines.length).toBeGreaterThanOrEqual(30)
    expect(exampleMachines.filter(({ seen }) => seen.length > 0).length).toBeGreaterThanOrEqual(20)
    expect(new Set(exampleMachines.map(({ name }) => name)).size).toBe(exampleMachines.length)
  })
  test('no physical memory is in two pools, whichever backend is chosen', () => {
    for (const { name, raw } of exampleMachines) {
      const report = mergeHardware(raw)
      const own = report.gpus.reduce((sum, gpu) => sum + (gpu.sharedWithRam ? 0 : (gpu.vramTotal ?? 0)), 0)
      for (const backend of ['cuda', 'metal', 'vulkan', 'cpu'] as const) {
        const pools = memoryPools(report, backend)
        const devices = pools.flatMap((pool) => pool.devices)
        expect(new Set(devices).size, `${name}, ${backend}`).toBe(devices.length)
        const total = pools.reduce((sum, pool) => sum + pool.totalBytes, 0)
        expect(total, `${name}, ${backend}`).toBeLessThanOrEqual(report.ram.total + own)
        if (pools.some((pool) => pool.devices.length > 1)) expect(total, `${name}, ${backend}`).toBe(report.ram.total)
      }
    }
  })
  test('the reason of a model that lies on two cards counts both, with what is spare on both', async () => {
    const list = (await serviceOn('two unequal NVIDIA cards').recommend({ use: 'chat' })).filter(({ reason }) => reason.kind === 'full-gpu')
    expect(list.length).toBeGreaterThan(0)
    for (const { reason, best } of list) {
      const used = best.fit.pools.filter(({ id, takesBytes }) => id !== 'cpu' && takesBytes > 0)
      const spareBytes = used.reduce((sum, pool) => sum + pool.spareBytes, 0)
      expect(reason).toMatchObject({ cards: used.length, device: used[0]?.name, spareBytes })
    }
    expect(list.some(({ reason }) => reason.kind === 'full-gpu' && reason.cards === 2)).toBe(true)
  })
  test('a busy card is judged by what is free', () => {
    const busy = exampleMachines.find((machine) => machine.name.startsWith('a card that is busy'))
    if (busy === undefined) throw new Error('no machine')
    const [gpu] = memoryPools(mergeHardware(busy.raw), 'vulkan')
    expect((gpu?.freeBytes ?? 0) / MiB).toBe(1500)
  })
  test('a backend that works, has no device, crashed or is not installed', () => {
    const states = (name: string) =>
      Object.fromEntries(
        mergeHardware((exampleMachines.find((machine) => machine.name.startsWith(name)) ?? exampleMachines[0])?.raw ?? fail()).backends.map(
          (row) => [row.backend, row.state],
        ),
      )
    expect(states('broken driver')).toEqual({ cuda: 'crashed', vulkan: 'not-installed', cpu: 'works' })
    expect(states('RTX 4070')).toEqual({ cuda: 'works', vulkan: 'works', cpu: 'works' })
  })
})

function fail(): never {
  throw new Error('no machine')
}

describe('catalogue', () => {
  test('at least 20 models in three classes, dense and mixtures, each fact with its source', () => {
    expect(catalog.entries.length).toBeGreaterThanOrEqual(20)
    for (const entry of catalog.entries) {
      for (const field of ['identity', 'geometry', 'quantizations', 'licence', 'thinking'])
        expect(entry.sources[field], `${entry.id}.${field}`).toBeTruthy()
      expect(entry.demonstration || entry.quantizations.every((row) => row.repository !== null), entry.id).toBe(true)
      expect(entry.activeParameters).toBeLessThanOrEqual(entry.parameters)
    }
    expect(catalog.entries.filter((entry) => entry.geometry.experts !== null).length).toBeGreaterThanOrEqual(8)
    expect(catalog.entries.filter((entry) => entry.demonstration).map((entry) => entry.id)).toEqual(['smollm2-135m'])
  })
  test('a wrong file says where it is wrong', () => {
    expect(() => parseCatalog({ version: 1, updated: 'x', entries: [{ id: 'A b' }] })).toThrow(/id/)
  })
  test('bits of the blocks: Q4_K_M is 4.79 once embedding and output are taken out', () => {
    const info = quantizationInfo('Q4_K_M')
    expect(info === null ? 0 : blockBitsPerWeight(info)).toBeCloseTo(4.79, 2)
  })
  test.each([
    ['llama-3.2-1b', 'Q4_K_M', 762.8 * MiB, 0.01],
    ['llama-3.1-8b', 'Q4_K_M', 4.58 * GiB, 0.01],
    ['deepseek-r1-distill-llama-8b', 'Q8_0', 7.95 * GiB, 0.01],
    ['gemma-3-4b', 'Q4_K_M', 2368 * MiB, 0.02],
    ['qwen3-30b-a3b', 'Q4_K_M', 17.3 * GiB, 0.02],
    ['mistral-small-3.1-24b', 'Q4_K_M', 14.3e9, 0.01],
    ['deepseek-r1-distill-qwen-7b', 'Q4_K_M', (7.62e9 * 4.91) / 8, 0.02],
  ])('%s at %s within %4$s of the real file', (id, quantization, bytes, tolerance) => {
    const entry = catalog.entries.find((candidate) => candidate.id === id)
    const row = entry?.quantizations.find((candidate) => candidate.name === quantization)
    if (entry === undefined || row === undefined) throw new Error('not in the catalogue')
    const { sizeBytes } = catalogModel(entry, { ...row, sizeBytes: null })
    expect(Math.abs(sizeBytes / bytes - 1)).toBeLessThan(tolerance)
  })
  test('from the catalogue, Llama 3.2 1B takes what llama.cpp measured, within 2 %', () => {
    const entry = catalog.entries.find((candidate) => candidate.id === 'llama-3.2-1b')
    const row = entry?.quantizations.find((candidate) => candidate.name === 'Q4_K_M')
    if (entry === undefined || row === undefined) throw new Error('not in the catalogue')
    const options = {
      gpuLayers: 0,
      contextSize: 4096,
      batchSize: 512,
      kvCacheType: 'f16' as const,
      flashAttention: true,
      useMmap: false,
      gpus: [],
    }
    const buffers = memoryParts(catalogModel(entry, row), options).filter((part) => part.kind !== 'overhead')
    const total = buffers.reduce((sum, part) => sum + part.bytes, 0) / MiB
    expect(Math.abs(total / (762.81 + 386.5) - 1)).toBeLessThan(0.02)
  })
  test('a smaller quantization of llama.cpp’s own mixes is never worked out larger', () => {
    for (const entry of catalog.entries) {
      const plain = entry.quantizations.filter((row) => !row.name.startsWith('UD-'))
      const worked = plain.map((row) => catalogModel(entry, { ...row, sizeBytes: null }).sizeBytes)
      expect(worked, entry.id).toEqual(worked.toSorted((a, b) => b - a))
    }
  })
})

describe('recommend', () => {
  test('what is too big, too slow or a demonstration never comes first; the order is by group', async () => {
    const list = await serviceOn('laptop, RTX 3050').recommend({ use: 'chat' })
    const usable = list.map((item) => item.usable && !item.model.demonstration)
    expect(usable.lastIndexOf(true)).toBeLessThan(usable.indexOf(false))
    for (const item of list) if (item.usable) expect(item.best.verdict).not.toBe('too-big')
    expect(list.every((item) => item.alternatives.includes(item.best))).toBe(true)
  })
  test('the reason is data: where it runs, what is spare, how fast, at which context', async () => {
    const [best] = await serviceOn('RTX 4070').recommend({ use: 'chat' })
    expect(best?.reason).toMatchObject({ kind: 'full-gpu', device: expect.stringContaining('RTX 4070'), contextSize: 8192 })
    if (best?.reason.kind !== 'full-gpu') throw new Error('not on the GPU')
    expect(best.reason.spareBytes).toBeGreaterThanOrEqual(0)
    expect(best.reason.decode[0]).toBeGreaterThan(7)
    expect(best.notRated).toBe(true)
  })
  test('code asks for 16K of context and what is made for code', async () => {
    const [best] = await serviceOn('RTX 5090').recommend({ use: 'code' })
    expect(best?.suits).toBe(true)
    expect(best?.model.uses).toContain('code')
    expect(best?.best.fit.plan.contextSize).toBe(16_384)
  })
  test('small and fast stays below 5B', async () => {
    const [best] = await serviceOn('RTX 5090').recommend({ use: 'small' })
    expect(best?.model.parameters).toBeLessThan(5e9)
  })
  test('another machine can be simulated, an unknown one is refused', async () => {
    const service = serviceOn('no GPU')
    const [small] = await service.recommend()
    const [large] = await service.recommend({ simulate: 'RTX 4090' })
    expect(large?.model.parameters).toBeGreaterThan((small?.model.parameters ?? 0) * 4)
    await expect(service.recommend({ simulate: 'Voodoo 2' })).rejects.toMatchObject({ code: 'usage/invalid' })
  })
  test("the user's VRAM budget is a limit of its own, only where it is the lower one, and never on a simulated machine", async () => {
    const limited = (name: string, vramBudgetBytes: number) => {
      const { raw } = exampleMachines.find((candidate) => candidate.name.startsWith(name)) ?? fail()
      const report = mergeHardware(raw)
      const options = { catalog, hardware: { report: async () => report }, vramBudgetBytes: () => vramBudgetBytes }
      return new RecommendationService(options)
    }
    const card = limited('RTX 4070', 4 * GiB)
    const [gpu] = (await card.machine()).pools
    expect(gpu?.limit).toEqual({ name: 'user', device: 'gpu0', bytes: 4 * GiB })
    for (const { best } of await card.recommend()) {
      const [pool] = best.fit.pools
      expect(pool?.budgetBytes).toBeLessThanOrEqual(4 * GiB)
      if (best.verdict !== 'too-big') expect(pool?.takesBytes).toBeLessThanOrEqual(4 * GiB)
      expect(pool?.spareBytes).toBeLessThanOrEqual(4 * GiB - (pool?.takesBytes ?? 0) + 1)
    }
    expect((await card.machine({ simulate: 'RTX 4090' })).pools[0]?.limit).toBeNull()
    expect((await limited('Apple M1, 8', 64 * GiB).machine()).pools[0]?.limit?.name).toBe('metal-working-set')
    expect((await limited('Apple M1, 8', 2 * GiB).machine()).pools[0]?.limit).toMatchObject({ name: 'user', bytes: 2 * GiB })
  })
  test('a verdict does not flicker: memory that is gone counts at once, memory that comes back only past a margin', async () => {
    const { raw } = exampleMachines.find((candidate) => candidate.name.startsWith('no GPU, 8')) ?? fail()
    const state = { available: 5 * GiB }
    const service = new RecommendationService({
      catalog,
      hardware: { report: async () => mergeHardware({ ...raw, ram: { ...raw.ram, available: state.available } }) },
    })
    // So that it just fits into 5 GiB.
    const needed = (await service.fitFile(llama1b)).totalBytes
    const at = async (spare: number) => {
      state.available = needed + 512 * MiB + spare
      return await service.fitFile(llama1b)
    }
    const seen: boolean[] = []
    for (const spare of [0, 40, -40, 40, -10, 200, 10].map((mib) => mib * MiB)) seen.push((await at(spare)).verdict === 'cpu')
    expect(seen).toEqual([true, true, false, false, false, false, false])
    expect((await at(300 * MiB)).verdict).toBe('cpu')
    // What is missing is said in numbers that agree with the verdict.
    const short = await at(-100 * MiB)
    expect(short).toMatchObject({ verdict: 'too-big' })
    expect((short.freeUpBytes ?? 0) / MiB).toBeCloseTo(100, 0)
  })
  test('a dense model has no active size, whatever a block for guessing ahead adds to its file', async () => {
    const list = await serviceOn('RTX 5090').recommend()
    for (const { model, sizeClass } of list)
      expect([model.id, sizeClass.activeBillions !== null]).toEqual([model.id, model.geometry.experts !== null])
    const ahead = list.find(({ model }) => model.id === 'qwen3.8-27b')
    expect(ahead?.model.activeParameters).toBeLessThan(ahead?.model.parameters ?? 0)
  })
  test('what would run if other programs freed so much says how much', async () => {
    const { raw } = exampleMachines.find((candidate) => candidate.name.startsWith('no GPU, 8')) ?? fail()
    const report = mergeHardware({ ...raw, ram: { ...raw.ram, available: 2 * GiB } })
    const list = await new RecommendationService({ catalog, hardware: { report: async () => report } }).recommend()
    const held = list.filter((item) => item.reason.kind === 'free-up')
    expect(held.length).toBeGreaterThan(3)
    for (const { reason, best } of held) {
      const missing = reason.kind === 'free-up' ? reason.freeUpBytes : 0
      expect(best.verdict).toBe('too-big')
      expect(missing).toBeGreaterThan(0)
      // No more than other programs hold; what does not fit even then is too big, and says that.
      expect(missing).toBeLessThanOrEqual(report.ram.total - report.ram.available)
    }
    const [ram] = memoryPools(report, 'cpu')
    const big = list.filter((item) => item.reason.kind === 'too-big')
    expect(big.length).toBeGreaterThan(3)
    for (const { reason, best } of big)
      expect(reason.kind === 'too-big' ? reason.missingBytes : 0).toBeCloseTo(
        best.fit.totalBytes + (ram?.reserveBytes ?? 0) - report.ram.total,
        0,
      )
  })
  test('what is fast enough is the user to say: for good, or for one question; another use has its own', async () => {
    const { raw } = exampleMachines.find((candidate) => candidate.name.startsWith('RTX 4070')) ?? fail()
    const own = { chat: { decode: 60 } }
    const service = new RecommendationService({ catalog, hardware: { report: async () => mergeHardware(raw) }, needs: () => own })
    const usable = async (query: Parameters<typeof service.recommend>[0]) => (await service.recommend(query)).filter((item) => item.usable)
    const usual = await new RecommendationService({ catalog, hardware: { report: async () => mergeHardware(raw) } }).recommend()
    const mine = await usable({})
    expect(mine.length).toBeGreaterThan(0)
    expect(mine.length).toBeLessThan(usual.filter((item) => item.usable).length)
    for (const { best } of mine) expect(Math.sqrt(best.fit.speed.decode[0] * best.fit.speed.decode[1])).toBeGreaterThanOrEqual(60)
    expect(await usable({ needs: { decode: 5_000 } })).toEqual([])
    expect(await usable({ needs: { firstTokenMs: 0.1 } })).toEqual([])
    expect((await service.recommend({ use: 'code' }))[0]?.needs).toEqual(useNeeds.code)
    expect((await service.recommend({ needs: { decode: 8 } }))[0]?.needs).toEqual({ ...useNeeds.chat, decode: 8 })
  })
  test('our own model is given back by default, and kept when asked', async () => {
    const machine = exampleMachines.find((candidate) => candidate.name.startsWith('a card that is busy'))
    if (machine === undefined) throw new Error('no machine')
    const service = new RecommendationService({
      catalog,
      hardware: { report: async () => mergeHardware(machine.raw) },
      returned: () => ({ gpu0: 6 * GiB }),
    })
    expect((await service.fitFile(llama1b)).verdict).toBe('full-gpu')
    expect((await service.fitFile(llama1b, { beside: true })).verdict).not.toBe('full-gpu')
  })
})

describe('a score', () => {
  const machine = serviceOn('RTX 5090').machine()
  const ids = ['qwen3-14b', 'qwen3-8b', 'gemma-3-12b', 'qwen3-4b'] as const
  async function order(scores: Partial<Record<(typeof ids)[number], { score: number; test?: string }>>): Promise<string[]> {
    const options = { use: 'chat' as const, needs: useNeeds.chat, fit: {} }
    const priced = await Promise.all(
      ids.map(async (id) => {
        const entry = catalog.entries.find((candidate) => candidate.id === id)
        const given = scores[id]
        if (entry === undefined) throw new Error(`no ${id}`)
        const chat = given && { score: given.score, test: given.test ?? 'a test', date: '2025-05', link: 'https://example.org' }
        return recommendModel({ ...entry, capability: chat === undefined ? null : { chat } }, await machine, options)
      }),
    )
    return rankRecommendations(priced.flatMap((item) => item ?? [])).map((item) => item.model.id)
  }

  test('reorders those that have one, each at a place that one of them held', async () => {
    const plain = await order({})
    const [first, second, third, fourth] = plain as [(typeof ids)[number], (typeof ids)[number], (typeof ids)[number], (typeof ids)[number]]
    expect(await order({ [first]: { score: 40 }, [third]: { score: 60 } })).toEqual([third, second, first, fourth])
    expect(await order({ [second]: { score: 40 }, [third]: { score: 50 }, [fourth]: { score: 60 } })).toEqual([
      first,
      fourth,
      third,
      second,
    ])
  })
  test('lack of one moves nothing, up or down, and scores of two tests are not compared', async () => {
    const plain = await order({})
    const [first, , third, fourth] = plain as [(typeof ids)[number], string, (typeof ids)[number], (typeof ids)[number]]
    expect(await order({ [first]: { score: 90 } })).toEqual(plain)
    expect(await order({ [fourth]: { score: 5 } })).toEqual(plain)
    expect(await order({ [first]: { score: 10, test: 'one' }, [third]: { score: 90, test: 'another' } })).toEqual(plain)
  })
})

describe('fit', () => {
  test('has the shape of `snug fit --json`', async () => {
    const report = await serviceOn('RTX 4070').fitFile(llama1b, { contextSize: 4096 })
    expect(report).toMatchObject({ level: 'formula', verdict: 'full-gpu', plan: { gpuLayers: 17, totalLayers: 17, contextSize: 4096 } })
    expect(report.parts.reduce((sum, part) => sum + part.bytes, 0)).toBeCloseTo(report.totalBytes, 3)
    expect(report.residentBytes).toBeLessThan(report.totalBytes)
    expect(report.speed.decode[0]).toBeLessThan(report.speed.decode[1])
  })
  test('what was measured here of this very model with this very plan wins, and says nothing of another machine', async () => {
    const machine = exampleMachines.find((candidate) => candidate.name.startsWith('RTX 4070')) ?? fail()
    const measured = async () => (key: string, plan: MeasuredPlan) =>
      key === 'someone/else:Q4_K_M' && plan.backend === 'cuda' && plan.gpuLayers === 17 && plan.kvCacheType === 'f16'
        ? { decode: 12.5 }
        : null
    const service = new RecommendationService({ catalog, hardware: { report: async () => mergeHardware(machine.raw) }, measured })
    const speedOf = async (query: object) => (await service.fitFile(llama1b, { measuredKey: 'someone/else:Q4_K_M', ...query })).speed
    expect(await speedOf({})).toMatchObject({ decode: [12.5, 12.5], source: 'measured' })
    expect((await speedOf({ simulate: 'RTX 4090' })).source).toBe('table')
    for (const other of [{ gpuLayers: 5 }, { backend: 'cpu' }, { kvCacheType: 'q8_0' }]) expect((await speedOf(other)).source).toBe('table')
    expect((await speedOf({ measuredKey: 'someone/else:Q8_0' })).source).toBe('table')
  })
  test('a quantized V cache without flash attention is refused', async () => {
    const service = serviceOn('no GPU')
    await expect(service.fitFile(llama1b, { kvCacheType: 'q8_0', flashAttention: false })).rejects.toMatchObject({ code: 'fit/impossible' })
  })
  test("a dry run's parts win where it answers", async () => {
    const service = serviceOn('no GPU')
    const dryRun = async () => ({ level: 'dry-run' as const, parts: [{ device: 'cpu' as const, kind: 'kv' as const, bytes: 123 }] })
    const report = await service.fitFile(llama1b, { dryRun })
    expect(report.level).toBe('dry-run')
    expect((await service.fitFile(llama1b, { dryRun: async () => null })).level).toBe('formula')
  })
  test('a plan on which llama.cpp ended does not fit, whatever the formula says', async () => {
    const report = await serviceOn('RTX 4070').fitFile(llama1b, { dryRun: async () => ({ level: 'dry-run', parts: null }) })
    expect(report).toMatchObject({ level: 'dry-run', verdict: 'too-big', maxContext: 0 })
  })
  test('files of a repository: formula for a known one, rule for any other', async () => {
    const service = serviceOn('RTX 4070')
    const files = [{ quantization: 'Q4_K_M', sizeBytes: 5 * GiB }]
    expect((await service.fitRepository('unsloth/Qwen3-8B-GGUF', files)).Q4_K_M?.level).toBe('formula')
    const other = (await service.fitRepository('someone/else', files)).Q4_K_M
    expect(other?.level).toBe('rule')
    expect(other?.verdict).toBe('full-gpu')
  })
})
