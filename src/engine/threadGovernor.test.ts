import { describe, expect, it } from 'vitest'
import { createThreadGovernor } from './threadGovernor'

/** A machine on which a decode with so many threads takes so many ms. */
function run(max: number, decodes: number, msOf: (threads: number, clock: number) => number) {
  let clock = 0
  const governor = createThreadGovernor(max, () => clock)
  const used: number[] = []
  for (let index = 0; index < decodes; index++) {
    used.push(governor.decode)
    const ms = msOf(governor.decode, clock)
    clock += ms
    governor.measured(ms)
  }
  return { governor, used }
}

describe('thread governor', () => {
  it('takes all cores where they are faster', () => {
    const { governor, used } = run(2, 200, (threads) => 20 / threads)
    expect(governor.decode).toBe(2)
    expect(used.filter((threads) => threads < 2).length).toBeLessThanOrEqual(6)
  })

  it('steps down within seconds where they collapse, for the prompt too', () => {
    const { governor, used } = run(2, 40, (threads) => (threads === 2 ? 500 : 20))
    expect(governor.decode).toBe(1)
    expect(governor.collapsed).toBe(true)
    expect(used.filter((threads) => threads === 2).length).toBeLessThanOrEqual(4)
  })

  it('notices later that another program took a core, and that it is over', () => {
    const busy = (clock: number) => clock > 8000 && clock < 20_000
    const { governor, used } = run(4, 6000, (threads, clock) => (busy(clock) && threads > 3 ? 400 : 40 / threads))
    expect(used.slice(500, 1500)).toContain(3)
    expect(governor.decode).toBe(4)
  })

  it('begins with what a calibration found best, and leaves it only for what is faster', () => {
    const quiet = (threads: number) => (threads === 4 ? 10 : 20)
    const begin = (best: number, decodes: number, msOf: (threads: number) => number) => {
      const governor = createThreadGovernor(
        8,
        () => 0,
        () => null,
        best,
      )
      const used: number[] = []
      for (let index = 0; index < decodes; index++) {
        used.push(governor.decode)
        governor.measured(msOf(governor.decode))
      }
      return used
    }
    expect(begin(4, 100, quiet).every((threads) => threads === 4)).toBe(true)
    // Fewer than the best are still tried, as something may hold a core now; more than there are cores are never.
    expect(begin(7, 100, (threads) => (threads === 7 ? 400 : 40)).at(-1)).toBe(4)
    expect(begin(16, 1, quiet)).toEqual([8])
  })

  it('tries more than the calibrated number when cores are idle and it is slow, and goes back', () => {
    let clock = 0
    const governor = createThreadGovernor(
      4,
      () => clock,
      () => 4,
      2,
    )
    const used: number[] = []
    for (let index = 0; index < 400; index++) {
      used.push(governor.decode)
      const ms = governor.decode === 2 ? 20 : 30
      clock += ms
      governor.measured(ms)
    }
    expect(used[0]).toBe(2)
    expect(used).toContain(4)
    expect(governor.decode).toBe(2)
    expect(used.filter((threads) => threads !== 2).length).toBeLessThan(120)
  })

  it('tries more threads at once when cores are idle, and never while they are not', () => {
    let clock = 0
    const free = () => clock > 20_000
    const governor = createThreadGovernor(
      2,
      () => clock,
      () => (free() ? 0.95 : 0.1),
    )
    const tries: number[] = []
    while (clock < 40_000) {
      if (governor.decode === 2) tries.push(clock)
      const ms = governor.decode === 1 ? 20 : free() ? 12 : 400
      clock += ms
      governor.measured(ms)
    }
    expect(tries.filter((at) => at > 3000 && at < 20_000)).toEqual([])
    expect(tries.find((at) => at >= 20_000)).toBeLessThan(24_000)
    expect(governor.decode).toBe(2)
  })

  it('tries again soon in the next reply when the cores were given back between two', () => {
    let clock = 0
    let busy = true
    const governor = createThreadGovernor(
      2,
      () => clock,
      () => (busy ? 0.1 : 0.95),
    )
    const reply = (ms: number) => {
      const used: number[] = []
      governor.begin()
      for (const end = clock + ms; clock < end; ) {
        used.push(governor.decode)
        const took = governor.decode === 1 ? 20 : busy ? 400 : 12
        clock += took
        governor.measured(took)
      }
      return used
    }
    reply(60_000)
    expect(governor.decode).toBe(1)
    busy = false
    const used = reply(2_000)
    expect(used.filter((threads) => threads === 1).length).toBeLessThan(30)
    expect(governor.decode).toBe(2)
  })

  it('has nothing to choose with one core', () => {
    expect(run(1, 50, () => 10).used.every((threads) => threads === 1)).toBe(true)
  })
})
