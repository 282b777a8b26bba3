import type { FitReport, Verdict } from './fit'
import type { MemoryPart } from './memory'
import { type MemoryPool, shortIn } from './poolFit'
import type { Bytes } from './units'

/** As if nothing else ran: all of it but the reserve; a limit of the platform or the user stays where it is. */
export function emptied(pool: MemoryPool): MemoryPool {
  const { nowBytes: _now, usualBytes: _usual, ...rest } = pool
  return { ...rest, freeBytes: pool.totalBytes, returnedBytes: 0 }
}

/** What is short, summed over the pools: what one has to spare is no help to another. */
function missingIn(pools: readonly MemoryPool[], parts: readonly MemoryPart[]): Bytes {
  return pools.reduce((sum, pool) => sum + shortIn(pool, parts), 0)
}

/** What these parts lack even where nothing else runs; 0: freeing memory would do. */
export function missingWhenEmpty(pools: readonly MemoryPool[], parts: readonly MemoryPart[]): Bytes {
  return missingIn(pools.map(emptied), parts)
}

/** What stands between a plan with these parts and the memory that is free now, and what would usually. */
export function whatFreeing(
  verdict: Verdict,
  pools: readonly MemoryPool[],
  parts: readonly MemoryPart[],
): Pick<FitReport, 'freeUpBytes' | 'usuallyMissingBytes'> {
  if (verdict !== 'too-big' && pools.every((pool) => pool.nowBytes === undefined && pool.usualBytes === undefined))
    return { freeUpBytes: null }
  const missingWith = (free: (pool: MemoryPool) => Bytes): Bytes =>
    missingIn(
      pools.map((pool) => ({ ...pool, freeBytes: free(pool) })),
      parts,
    )
  const missing = missingWith((pool) => pool.nowBytes ?? pool.freeBytes)
  // Where an empty machine holds it, no limit is in the way, and each pool's shortage is at most what other programs hold of it.
  // A byte: sums of fractions differ by their order.
  if (missing > 0) return { freeUpBytes: missingWhenEmpty(pools, parts) > 1 ? null : missing }
  const usually = missingWith((pool) => pool.usualBytes ?? pool.freeBytes)
  return { freeUpBytes: null, ...(usually > 0 ? { usuallyMissingBytes: usually } : {}) }
}
