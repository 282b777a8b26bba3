import type { FitReport, Verdict } from './fit'
import { type MemoryPart, totalBytes } from './memory'
import { type MemoryPool, type PoolFit, shortWith } from './poolFit'
import type { Bytes } from './units'

/** As if nothing else ran: all of it but the reserve; a limit of the platform or the user stays where it is. */
export function emptied(pool: MemoryPool): MemoryPool {
  const { nowBytes: _now, usualBytes: _usual, ...rest } = pool
  return { ...rest, freeBytes: pool.totalBytes, returnedBytes: 0 }
}

/** What is short, summed over the pools: what one has to spare is no help to another. */
function missingIn(fits: readonly PoolFit[], parts: readonly MemoryPart[], as: (pool: PoolFit) => MemoryPool): Bytes {
  let sum = 0
  for (const pool of fits) {
    const limited = pool.limit === null ? 0 : totalBytes(parts, pool.limit.device)
    sum += shortWith(as(pool), pool.takesBytes, limited)
  }
  return sum
}

/** What these parts lack even where nothing else runs; 0: freeing memory would do. */
export function missingWhenEmpty(fits: readonly PoolFit[], parts: readonly MemoryPart[]): Bytes {
  return missingIn(fits, parts, emptied)
}

/** What stands between a plan with these parts and the memory that is free now, and what would usually. */
export function whatFreeing(
  verdict: Verdict,
  fits: readonly PoolFit[],
  parts: readonly MemoryPart[],
): Pick<FitReport, 'freeUpBytes' | 'usuallyMissingBytes'> {
  if (verdict !== 'too-big' && fits.every((pool) => pool.nowBytes === undefined && pool.usualBytes === undefined))
    return { freeUpBytes: null }
  const missing = missingIn(fits, parts, (pool) => (pool.nowBytes === undefined ? pool : { ...pool, freeBytes: pool.nowBytes }))
  // Where an empty machine holds it, no limit is in the way, and each pool's shortage is at most what other programs hold of it.
  // A byte: sums of fractions differ by their order.
  if (missing > 0) return { freeUpBytes: missingWhenEmpty(fits, parts) > 1 ? null : missing }
  const usually = missingIn(fits, parts, (pool) => (pool.usualBytes === undefined ? pool : { ...pool, freeBytes: pool.usualBytes }))
  return { freeUpBytes: null, ...(usually > 0 ? { usuallyMissingBytes: usually } : {}) }
}
