import { type PoolFit, fillPools, spareIn } from '@shared/domain/poolFit'
import type { Gpu, HardwareReport } from '@shared/domain/hardware'
import type { MemoryDevice, MemoryPart } from '@shared/domain/memory'
import { bestBackend, deviceOf, memoryPools } from '@shared/domain/pools'
import type { Settings } from '@shared/domain/settings'
import type { Bytes } from '@shared/domain/units'

export type MemoryLimits = Pick<Settings, 'reserveBytes' | 'vramBudgetBytes'>

/** The machine as it is now, as pools for the one memory bar: our own loaded parts stand in what is free, the rest is other programs'. */
export function livePools(
  report: HardwareReport,
  parts: readonly MemoryPart[],
  { reserveBytes, vramBudgetBytes }: MemoryLimits = { reserveBytes: null, vramBudgetBytes: null },
): PoolFit[] {
  const returned: Partial<Record<MemoryDevice, Bytes>> = {}
  for (const part of parts) returned[part.device] = (returned[part.device] ?? 0) + part.bytes
  const pools = memoryPools(report, bestBackend(report), { reserveBytes, vramBudgetBytes, returned, assume: 'free' })
  return fillPools(pools, parts).map((pool) => {
    if (pool.spareBytes >= 0) return pool
    // What is loaded has its place: other programs that take some of the margin make it narrower, and nothing of ours too big.
    return { ...pool, spareBytes: Math.min(0, spareIn({ ...pool, reserveBytes: 0 }, parts)) }
  })
}

/** The pool that is this card's own memory; none where its memory is RAM, or where models are not put on it. */
export function poolOfGpu(report: HardwareReport, pools: readonly PoolFit[], gpu: Gpu): PoolFit | undefined {
  const device = deviceOf(report, bestBackend(report), gpu)
  return pools.find(({ devices }) => device !== null && devices.includes(device) && !devices.includes('cpu'))
}
