import { performance } from 'node:perf_hooks'
import { expect, it } from 'vitest'
import { Pace } from './pace'

const open = new AbortController().signal

it('is no wait without a limit', async () => {
  const pace = new Pace()
  const before = performance.now()
  for (let turn = 0; turn < 1_000; turn++) await pace.take(1_000_000, open)
  expect(performance.now() - before).toBeLessThan(1_000)
})

it('is one limit for all that take, also through another view of the same memory', async () => {
  const first = new Pace()
  const second = new Pace(first.memory)
  first.set(1_000_000)
  const before = performance.now()
  await Promise.all([first, second, first, second].map((pace) => pace.take(200_000, open)))
  // 0.8 s of bytes, less the tenth of a second that may be used at once.
  expect(performance.now() - before).toBeGreaterThanOrEqual(690)
})

it('lets go of what waits when the limit changes or the work is stopped', async () => {
  const pace = new Pace()
  pace.set(1)
  const freed = pace.take(1_000_000, open)
  const stop = new AbortController()
  const stopped = pace.take(1_000_000, stop.signal)
  stop.abort()
  await stopped
  pace.set(null)
  await freed
})
