import type { PlatformLimit, PoolFit } from '@shared/domain/poolFit'
import type { MemoryPart } from '@shared/domain/memory'
import { type MemoryGroup, memoryGroups, sumByGroup } from '@shared/domain/memoryGroups'
import type { Bytes } from '@shared/domain/units'

/** One tank: widths are fractions of its own capacity. */
export interface Tank {
  id: string
  name: string
  segments: { group: MemoryGroup; fraction: number }[]
  /** Ends where what is free ends, whatever lies below it; narrower where the parts reach into it. */
  reserve: { from: number; width: number }
  /** Other programs' memory, at the right end. */
  other: number
  /** Where the capacity line stands: what is free for a model. */
  line: number
  /** What does not fit, drawn torn with red hatching; 0 when all fits. */
  over: number
  /** The most that the platform, or the person, lets the GPU take of it; null without one, or where it is all of it. */
  limit: { name: PlatformLimit['name']; at: number; bytes: Bytes } | null
  /** Usually free, but other programs hold it now: left of `other`. */
  held: number
}

/** What one pool looks like. Nothing of ours ever crosses the line: what does not fit becomes `over`. */
export function tankOf(pool: PoolFit, parts: readonly MemoryPart[]): Tank {
  const total = Math.max(1, pool.totalBytes)
  const free = Math.min(total, Math.max(0, pool.freeBytes + pool.returnedBytes))
  const own = pool.limit?.name === 'user' && pool.devices.every((device) => device === pool.limit?.device) ? pool.limit.bytes : free
  // A limit of the person's own is where the line stands; what is free beyond it stays empty.
  const line = Math.min(free, own) / total
  const sums = sumByGroup(parts, pool.devices)
  const takes = memoryGroups.reduce((sum, group) => sum + sums[group], 0)
  const misses = pool.spareBytes < 0 && takes > 0
  const room = misses ? Math.max(0, Math.min(line * total, takes + pool.spareBytes)) : free
  // Parts that do not fit are shortened from the end, so that the first ones keep their true width.
  let left = room
  const segments: Tank['segments'] = []
  for (const group of memoryGroups) {
    const bytes = Math.min(sums[group], left)
    left -= bytes
    if (bytes > 0) segments.push({ group, fraction: bytes / total })
  }
  const used = segments.reduce((sum, segment) => sum + segment.fraction, 0)
  const reserve = misses ? 0 : Math.max(0, Math.min(pool.reserveBytes, free - used * total)) / total
  return {
    id: pool.id,
    name: pool.name,
    segments,
    reserve: { from: free / total - reserve, width: reserve },
    other: Math.max(0, 1 - free / total),
    line,
    over: misses ? Math.min(1 - used, -pool.spareBytes / total) : 0,
    limit:
      pool.limit === null || pool.limit.bytes >= total
        ? null
        : { name: pool.limit.name, at: pool.limit.bytes / total, bytes: pool.limit.bytes },
    held: pool.nowBytes === undefined ? 0 : Math.max(0, Math.min(free, pool.freeBytes - pool.nowBytes) / total),
  }
}
