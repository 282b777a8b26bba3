import { describe, expect, it } from 'vitest'
import { createPromptThreads } from './promptThreads'

/** A machine that gives `free` cores to slices of 64 tokens; more threads than that wait for each other. */
function run(max: number, slices: number, free: (clock: number) => number, perThread = 0.1) {
  let clock = 0
  const threads = createPromptThreads(max, () => clock)
  const used: number[] = []
  for (let index = 0; index < slices; index++) {
    const { count } = threads
    used.push(count)
    const cores = free(clock)
    const rate = count <= cores ? count * perThread : perThread * 0.1
    const ms = 64 / rate
    clock += ms
    threads.measured({ tokens: 64, ms, cpuMs: ms * Math.min(count, cores) })
  }
  return { threads, used, clock }
}

describe('threads for a prompt', () => {
  it('takes all cores of a quiet machine and tries nothing', () => {
    expect(run(4, 50, () => 4).used.every((count) => count === 4)).toBe(true)
  })

  it('begins with what a calibration found best; what is worse above it is tried ever more rarely', () => {
    let clock = 0
    const threads = createPromptThreads(
      4,
      () => clock,
      () => null,
      2,
    )
    const used: number[] = []
    for (let index = 0; index < 1000; index++) {
      const { count } = threads
      used.push(count)
      const ms = count === 2 ? 300 : 400
      clock += ms
      threads.measured({ tokens: 64, ms, cpuMs: ms * count })
    }
    expect(used[0]).toBe(2)
    expect(used.filter((count) => count !== 2).length).toBeLessThan(12)
  })

  it('steps down after one slow slice where another program holds a core', () => {
    expect(run(2, 6, () => 1).used).toEqual([2, 1, 1, 1, 1, 1])
    expect(run(8, 4, () => 5).used).toEqual([8, 5, 5, 5])
  })

  it('comes back when the cores are free again', () => {
    const { used } = run(2, 40, (clock) => (clock < 8000 ? 1 : 2))
    expect(used.slice(1, 4)).toEqual([1, 1, 1])
    expect(used.at(-1)).toBe(2)
  })

  it('pays for few tries where the cores stay busy', () => {
    const { used } = run(2, 100, () => 1)
    // Its one core is all its own, so it looks for the other one now and then.
    expect(used.filter((count) => count === 2).length).toBeLessThan(25)
  })

  it('stays with its number where fewer are no faster, as on a graphics card', () => {
    let clock = 0
    const threads = createPromptThreads(8, () => clock)
    const used: number[] = []
    for (let index = 0; index < 40; index++) {
      used.push(threads.count)
      clock += 300
      threads.measured({ tokens: 512, ms: 300, cpuMs: 150 })
    }
    expect(used.filter((count) => count < 8).length).toBeLessThan(8)
  })

  it('believes what decoding found out, and has nothing to choose with one core', () => {
    const threads = createPromptThreads(4, () => 0)
    threads.atMost(2)
    expect(threads.count).toBe(2)
    expect(run(1, 10, () => 1).used.every((count) => count === 1)).toBe(true)
  })
})
