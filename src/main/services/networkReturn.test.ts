import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { NetworkReturn } from './networkReturn'

beforeEach(() => void vi.useFakeTimers({ now: 0 }))
afterEach(() => void vi.useRealTimers())

function setUp() {
  const waiting = new Set<string>()
  const asked: number[] = []
  const state = { back: false }
  const again: string[] = []
  const network = new NetworkReturn<string>({
    waiting: () => [...waiting],
    answers: async () => {
      asked.push(Date.now() / 1_000)
      return state.back
    },
    again: (one) => {
      waiting.delete(one)
      again.push(one)
    },
    changed: () => {},
  })
  return { waiting, asked, state, again, network }
}

it('asks after 30 s, then half as often each time, at least every ten minutes, until there is an answer', async () => {
  const { waiting, asked, state, again, network } = setUp()
  waiting.add('a')
  network.start()
  expect(network.nextAt).toBe(30_000)
  await vi.advanceTimersByTimeAsync(3_000_000)
  expect(asked).toEqual([30, 90, 210, 450, 930, 1_530, 2_130, 2_730])
  state.back = true
  await vi.advanceTimersByTimeAsync(600_000)
  expect(again).toEqual(['a'])
  expect(network.nextAt).toBeNull()
  // Bytes came, then silence again: that is a new one.
  network.eased()
  waiting.add('a')
  network.check()
  expect((network.nextAt ?? 0) - Date.now()).toBe(30_000)
})

it('asks at once when the machine wakes up, and then soon again', async () => {
  const { waiting, asked, network } = setUp()
  waiting.add('a')
  network.start()
  await vi.advanceTimersByTimeAsync(1_000_000)
  asked.length = 0
  network.now()
  await vi.advanceTimersByTimeAsync(60_000)
  expect(asked).toEqual([1_000, 1_060])
})

it('asks nobody while nothing waits, where nobody started it, and after its end', async () => {
  const { waiting, asked, network } = setUp()
  waiting.add('a')
  network.check()
  network.now()
  await vi.advanceTimersByTimeAsync(100_000)
  expect(network.nextAt).toBeNull()
  waiting.clear()
  network.start()
  await vi.advanceTimersByTimeAsync(100_000)
  waiting.add('a')
  network.check()
  network.close()
  await vi.advanceTimersByTimeAsync(100_000)
  expect(asked).toEqual([])
})
