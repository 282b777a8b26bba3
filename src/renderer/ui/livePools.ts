import { type PoolFit, fillPools } from '@shared/domain/poolFit'
import type { HardwareReport } from '@shared/domain/hardware'
import type { MemoryDevice, MemoryPart } from '@shared/domain/memory'
import { bestBackend, memoryPools } from '@shared/domain/pools'
import type { Bytes } from '@shared/domain/units'

/** The machine as it is now, as pools for the one memory bar: our own loaded parts stand in what is free, the rest is other programs'. */
export function livePools(report: HardwareReport, parts: readonly MemoryPart[], vramBudgetBytes: Bytes | null = null): PoolFit[] {
  const returned: Partial<Record<MemoryDevice, Bytes>> = {}
  for (const part of parts) returned[part.device] = (returned[part.device] ?? 0) + part.bytes
  return fillPools(memoryPools(report, bestBackend(report), { reserveBytes: 0, vramBudgetBytes, returned, assume: 'free' }), parts)
}
