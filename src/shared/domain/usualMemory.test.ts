import { describe, expect, test } from 'vitest'
import { llama8b } from './exampleModels'
import { type FitMachine, defaultFitOptions, planFit, withParts } from './fit'
import type { MemoryPool } from './poolFit'
import { GiB, MiB } from './units'
import { type FreeSample, asUsual, memoryKey, quarterMs, quarterOf, usualFree } from './usualMemory'

const now = Date.UTC(2026, 10, 24, 20)
const total = 16 * GiB
const hour = 4

/** One sample a quarter, newest first, beginning `ago` quarters ago. */
const samples = (free: readonly number[], ago = 0): FreeSample[] =>
  free.map((gib, index) => ({ quarter: quarterOf(now) - ago - index, freeBytes: gib * GiB, totalBytes: total }))
const yesterday = 24 * hour

describe('usual free memory', () => {
  test('the median of the last week: a build or a game does not move it', () => {
    const quiet = [...samples([10, 10, 10, 11]), ...samples([10, 9, 10, 10], yesterday)]
    expect(usualFree(quiet, total, now)).toBe(10 * GiB)
    expect(usualFree([...quiet, ...samples([1, 1, 1], 40)], total, now)).toBe(10 * GiB)
  })
  test('of an even number the lower middle: what is promised was there', () => {
    expect(usualFree([...samples([4, 4, 4, 4]), ...samples([8, 8, 8, 8], yesterday)], total, now)).toBe(4 * GiB)
  })
  test('too little history says nothing: few quarters, or all of one day', () => {
    expect(usualFree([], total, now)).toBeNull()
    expect(usualFree([...samples([10, 10, 10]), ...samples([10, 10, 10, 10], yesterday)], total, now)).toBeNull()
    expect(usualFree(samples(Array.from({ length: 30 }, () => 10)), total, now)).toBeNull()
  })
  test('what is older than a week, later than now, or of another card does not count', () => {
    const few = samples([10, 10, 10, 10])
    const more = samples([10, 10, 10, 10], yesterday)
    expect(usualFree([...few, ...samples([2, 2, 2, 2, 2], 8 * yesterday)], total, now)).toBeNull()
    expect(usualFree([...few, ...samples([2, 2, 2, 2, 2], -yesterday)], total, now)).toBeNull()
    expect(usualFree([...few, ...more.map((row) => ({ ...row, totalBytes: total / 2 }))], total, now)).toBeNull()
    // The same memory, of which the system counts a little less today.
    expect(usualFree([...few, ...more.map((row) => ({ ...row, totalBytes: total - 200 * MiB }))], total, now)).toBe(10 * GiB)
  })
  test('a quarter is 15 minutes', () => {
    expect(quarterOf(now + quarterMs) - quarterOf(now)).toBe(1)
  })
})

const card = (freeGib: number): MemoryPool => ({
  id: 'gpu0',
  devices: ['gpu0'],
  name: 'RTX 4070',
  kind: 'discrete',
  totalBytes: 12 * GiB,
  freeBytes: freeGib * GiB,
  returnedBytes: 0,
  reserveBytes: 400 * MiB,
  limit: null,
})

test('RAM is one memory, whether a GPU shares it or not; two cards of one name are two', () => {
  expect(memoryKey({ id: 'gpu0', devices: ['gpu0', 'cpu'], name: 'Apple M1' })).toBe(
    memoryKey({ id: 'cpu', devices: ['cpu'], name: 'RAM' }),
  )
  expect(memoryKey({ id: 'gpu0', devices: ['gpu0'], name: 'A' })).not.toBe(memoryKey({ id: 'gpu1', devices: ['gpu1'], name: 'A' }))
})

describe('a pool as it usually is', () => {
  test('the larger of usual and now counts, the smaller is kept beside it', () => {
    expect(asUsual(card(5), 10 * GiB, 0)).toMatchObject({ freeBytes: 10 * GiB, nowBytes: 5 * GiB })
    expect(asUsual(card(10), 5 * GiB, 0)).toMatchObject({ freeBytes: 10 * GiB, usualBytes: 5 * GiB })
    expect(asUsual(card(5), null, 0)).toEqual(card(5))
  })
  test('what our own model takes is in the history as free, and is not counted twice', () => {
    const loaded = { ...card(4), returnedBytes: 6 * GiB }
    expect(asUsual(loaded, 11 * GiB, 6 * GiB)).toMatchObject({ freeBytes: 5 * GiB, returnedBytes: 6 * GiB })
    // "Beside it": the usual memory less what it keeps.
    expect(asUsual(card(4), 11 * GiB, 6 * GiB)).toMatchObject({ freeBytes: 5 * GiB, nowBytes: 4 * GiB })
    expect(asUsual(loaded, 15 * GiB, 0).freeBytes).toBe(6 * GiB)
  })
})

describe('a fit by usual memory', () => {
  const machine = (free: number, usual: number | null): FitMachine => ({
    backend: 'cuda',
    speeds: [],
    pools: [
      asUsual(card(free), usual === null ? null : usual * GiB, 0),
      { ...card(3), id: 'cpu', devices: ['cpu'], name: 'RAM', kind: 'ram', totalBytes: 4 * GiB },
    ],
  })
  const fit = (free: number, usual: number | null) => planFit(llama8b, machine(free, usual), defaultFitOptions)

  test('fits once what other programs hold now is freed, and says how much', () => {
    const usual = fit(4, 10)
    expect(usual.verdict).toBe('full-gpu')
    const needs = (usual.parts.reduce((sum, part) => sum + (part.device === 'gpu0' ? part.bytes : 0), 0) + 400 * MiB) / GiB
    expect((usual.freeUpBytes ?? 0) / GiB).toBeCloseTo(needs - 4, 6)
    expect(fit(4, null)).toMatchObject({ verdict: 'too-big' })
    expect(fit(9, 10)).toMatchObject({ verdict: 'full-gpu', freeUpBytes: null })
  })
  test('fits now, but not usually: by how much', () => {
    const momentary = fit(10, 4)
    expect(momentary).toMatchObject({ verdict: 'full-gpu', freeUpBytes: null })
    expect(momentary.usuallyMissingBytes).toBeCloseTo(fit(4, 10).freeUpBytes ?? 0, 3)
    expect(fit(10, 9.5).usuallyMissingBytes).toBeUndefined()
  })
  test('what does not fit even usually misses what it misses now', () => {
    const never = fit(2, 4)
    expect(never.verdict).toBe('too-big')
    expect((never.freeUpBytes ?? 0) / GiB).toBeGreaterThan(1)
  })
  test("a better level's parts are measured against both too", () => {
    const usual = fit(9, 10)
    const more = withParts(usual, [{ device: 'gpu0', kind: 'weights', bytes: 9 * GiB }], 'dry-run')
    expect(more.verdict).toBe('full-gpu')
    expect((more.freeUpBytes ?? 0) / MiB).toBeGreaterThan(400)
    const over = withParts(usual, [{ device: 'gpu0', kind: 'weights', bytes: 10 * GiB }], 'dry-run')
    expect(over.verdict).toBe('too-big')
    expect((over.freeUpBytes ?? 0) / GiB).toBeGreaterThan(1)
  })
})
