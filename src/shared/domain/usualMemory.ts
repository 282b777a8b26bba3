import type { MemoryPool } from './poolFit'
import type { Bytes } from './units'

/** A quarter of an hour: long enough that a build or a film does not count many times, short enough to tell parts of a day apart. */
export const quarterMs = 15 * 60_000
/** Last week's habits count, last month's do not. */
export const usualDays = 7
/** Two hours of use, on two days: one evening says nothing of what is usual. */
const leastQuarters = 8
const leastDays = 2
const quartersOfDay = (24 * 60 * 60_000) / quarterMs

/** What a device had free in one quarter of an hour, our own model's share counted as free. */
export interface FreeSample {
  /** Quarters of an hour since 1970. */
  quarter: number
  freeBytes: Bytes
  /** Of that time: a card that was exchanged, or a container with another limit, has no history. */
  totalBytes: Bytes
}

export function quarterOf(at: number): number {
  return Math.floor(at / quarterMs)
}

/** The memory itself, whichever backend looks at it: RAM is RAM, alone or shared with a GPU. */
export function memoryKey({ id, devices, name }: Pick<MemoryPool, 'id' | 'devices' | 'name'>): string {
  return devices.includes('cpu') ? 'ram' : `${id} ${name}`
}

/** Half of the time at least so much is free: the median, which an hour with a game or a build does not move. null: too little history. */
export function usualFree(samples: readonly FreeSample[], totalBytes: Bytes, now: number): Bytes | null {
  const last = quarterOf(now)
  const counted = samples.filter(
    ({ quarter, totalBytes: total }) =>
      quarter <= last && quarter > last - usualDays * quartersOfDay && Math.abs(total - totalBytes) <= 0.05 * totalBytes,
  )
  const days = new Set(counted.map(({ quarter }) => Math.floor(quarter / quartersOfDay)))
  if (counted.length < leastQuarters || days.size < leastDays) return null
  const free = counted.map(({ freeBytes }) => freeBytes).toSorted((a, b) => a - b)
  // Of an even number the lower one: what is promised was there.
  return free[Math.floor((free.length - 1) / 2)] ?? null
}

/**
 * A pool as it usually is. The larger of the two counts: a model is not too big for a machine on which a browser happens to be open, and
 * what is free this minute is free. Which of them was the smaller one is kept, so that it is said.
 */
export function asUsual(pool: MemoryPool, usual: Bytes | null, ours: Bytes): MemoryPool {
  if (usual === null) return pool
  const free = Math.max(0, Math.min(usual - ours, pool.totalBytes - pool.returnedBytes))
  if (free > pool.freeBytes) return { ...pool, freeBytes: free, nowBytes: pool.freeBytes }
  return free < pool.freeBytes ? { ...pool, usualBytes: free } : pool
}
