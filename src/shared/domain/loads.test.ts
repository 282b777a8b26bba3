import { fc, test as property } from '@fast-check/vitest'
import { describe, expect, test } from 'vitest'
import { gemma3, llama1b, llama8b, qwen3moe8 } from './exampleModels'
import { type FitMachine, defaultFitOptions, planFit } from './fit'
import { type LoadSample, beyondPrediction, loadTime, loadsNote, withLearned } from './loads'
import { memoryParts, processOverheadBytes, residentBytes, totalBytes } from './memory'
import type { MemoryPool } from './poolFit'
import { GiB, MiB } from './units'

const sample = (beyondMiB: number | null, more: Partial<LoadSample> = {}): LoadSample => ({
  modelId: 'a',
  weightBytes: 4 * GiB,
  loadMs: 4000,
  predictedBytes: 1000 * MiB,
  reportedBytes: 1000 * MiB,
  beyondBytes: beyondMiB === null ? null : beyondMiB * MiB,
  ...more,
})
const added = (samples: LoadSample[]) => (loadsNote(samples)?.addedBytes ?? 0) / MiB

describe('the process beyond its prediction', () => {
  test('without a measurement nothing is said', () => {
    expect(loadsNote([])).toBeNull()
    expect(loadsNote([sample(null)])).toBeNull()
  })
  test('the median over the models of the median over the last five loads of each', () => {
    expect(added([sample(40)])).toBe(40)
    // A model that is used all day counts once: 30 of it, 60 and 80 of the others.
    const often = [500, 30, 20, 30, 40, 30].map((mib) => sample(mib))
    expect(added([...often, sample(60, { modelId: 'b' }), sample(80, { modelId: 'c' })])).toBe(60)
  })
  test('what took less is not believed, and no more than 512 MiB is', () => {
    expect(loadsNote([sample(-90)])).toEqual({ addedBytes: 0, loads: 1, buffersOff: 0 })
    expect(added([sample(4000)])).toBe(512)
  })
  test('how far the buffers were off, at worst; a load that was planned otherwise is not compared', () => {
    const rows = [sample(0), sample(0, { reportedBytes: 1004 * MiB }), sample(null, { predictedBytes: null, reportedBytes: 9 * MiB })]
    expect(loadsNote(rows)?.buffersOff).toBeCloseTo(0.004)
  })
  test('a process that grew by just what is predicted is nothing beyond it', () => {
    const options = { ...defaultFitOptions, gpuLayers: 0, batchSize: 64, useMmap: false, gpus: [] }
    const parts = memoryParts(llama1b, options)
    const buffers = parts.filter(({ kind }) => kind !== 'overhead' && kind !== 'checkpoint')
    expect(beyondPrediction(llama1b, options, buffers, residentBytes(llama1b, options, parts), 600)).toBeCloseTo(0)
  })
})

const pool = (id: MemoryPool['id'], freeGiB: number): MemoryPool => ({
  id,
  devices: [id],
  name: id,
  kind: id === 'cpu' ? 'ram' : 'discrete',
  totalBytes: 32 * GiB,
  freeBytes: freeGiB * GiB,
  returnedBytes: 0,
  reserveBytes: 0,
  limit: null,
})
const rank = { 'full-gpu': 0, 'partial-gpu': 1, cpu: 2, 'too-big': 3 }
const anyModel = fc.constantFrom(llama1b, gemma3, qwen3moe8, llama8b)

describe('for every model and machine', () => {
  const anyMachine = fc.record({ ram: fc.double({ min: 0.5, max: 8, noNaN: true }), card: fc.double({ min: 0, max: 8, noNaN: true }) })
  const machineOf = ({ ram, card }: { ram: number; card: number }): FitMachine => ({
    pools: [...(card > 0.5 ? [pool('gpu0', card)] : []), pool('cpu', ram)],
    backend: card > 0.5 ? 'cuda' : 'cpu',
    speeds: [],
  })
  property.prop([anyModel, anyMachine, fc.integer({ min: -100, max: 900 })])(
    'what was learned is in the overhead alone, the parts add up, and no verdict gets better',
    (model, made, beyond) => {
      const machine = machineOf(made)
      const note = loadsNote([sample(beyond)])
      if (note === null) throw new Error('no note')
      const before = planFit(model, machine, defaultFitOptions)
      const after = planFit(model, { ...machine, learned: { alone: note, withGpu: note } }, defaultFitOptions)
      expect(rank[after.verdict]).toBeGreaterThanOrEqual(rank[before.verdict])
      expect(after.learned).toEqual(note)
      expect(totalBytes(after.parts)).toBeCloseTo(after.totalBytes, 3)
      const overhead = after.parts.find(({ device, kind }) => device === 'cpu' && kind === 'overhead')?.bytes ?? 0
      expect(overhead).toBeCloseTo(processOverheadBytes(model.tokenizer) + note.addedBytes, 3)
      if (after.verdict === before.verdict) expect(after.maxContext).toBeLessThanOrEqual(before.maxContext)
    },
  )
  property.prop([anyModel, anyMachine])('without measurements nothing is changed', (model, made) => {
    const machine = machineOf(made)
    const bare = planFit(model, machine, defaultFitOptions)
    expect(planFit(model, { ...machine, learned: {} }, defaultFitOptions)).toEqual(bare)
    expect(bare.learned).toBeUndefined()
    expect(withLearned(bare.parts, undefined)).toEqual(bare.parts)
  })
})

describe('how long a load takes', () => {
  const load = (gib: number, seconds: number) => ({ weightBytes: gib * GiB, loadMs: seconds * 1000 })
  test('nothing without a load near its size', () => {
    expect(loadTime([], GiB)).toBeNull()
    expect(loadTime([load(0.1, 1)], 4 * GiB)).toBeNull()
    expect(loadTime([load(4, 0)], 4 * GiB)).toBeNull()
  })
  test('of one model: from the faster half of its loads to the slower half', () => {
    expect(loadTime([load(4, 9)], 4 * GiB)).toEqual([9000, 9000])
    // One from the disk, three from the page cache.
    expect(loadTime([load(4, 12), load(4, 4), load(4, 3), load(4, 5)], 4 * GiB)).toEqual([3500, 8500])
  })
  test('a load has a part that does not grow with the file: 4 s of 4 GiB are 4–8 s of 8 GiB and 2–4 s of 2 GiB', () => {
    expect(loadTime([load(4, 4)], 8 * GiB)).toEqual([4000, 8000])
    expect(loadTime([load(4, 4)], 2 * GiB)).toEqual([2000, 4000])
  })
  property.prop([
    fc.array(fc.tuple(fc.double({ min: 0.1, max: 50, noNaN: true }), fc.double({ min: 0.1, max: 90, noNaN: true })), { maxLength: 20 }),
    fc.double({ min: 0.1, max: 50, noNaN: true }),
  ])('the low end is never above the high end', (loads, gib) => {
    const range = loadTime(
      loads.map(([size, seconds]) => load(size, seconds)),
      gib * GiB,
    )
    if (range !== null) expect(range[0]).toBeLessThanOrEqual(range[1])
  })
})
