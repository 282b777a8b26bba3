import type { GpuKind } from './hardware'
import { type MemoryDevice, type MemoryPart, totalBytes } from './memory'
import type { Bytes } from './units'

/** A limit of the platform below the size of the memory, drawn and named. */
export interface PlatformLimit {
  /** Metal's recommended working set, Linux' GTT for APUs, Windows' shared memory (never used silently), what the user allows. */
  name: 'metal-working-set' | 'gtt' | 'windows-shared' | 'user'
  /** Parts on these devices count against it. */
  device: MemoryDevice
  bytes: Bytes
}

/**
 * One physical memory: one tank on screen. Unified memory is one pool that holds `gpu0` and `cpu`, so nothing is counted twice;
 * a machine with two cards has three.
 */
export interface MemoryPool {
  id: MemoryDevice
  /** Devices whose parts lie in it. */
  devices: MemoryDevice[]
  name: string
  kind: 'ram' | GpuKind
  /** The width of the bar. */
  totalBytes: Bytes
  /** Free, other programs' memory taken off: the capacity line is drawn at `freeBytes + returnedBytes`. */
  freeBytes: Bytes
  /** What is free now, where `freeBytes` is the larger usual amount; and what is usually free, where now is the larger. */
  nowBytes?: Bytes
  usualBytes?: Bytes
  /** What our own loaded model would give back ("in place of"); 0 for "beside it". */
  returnedBytes: Bytes
  /** A margin at the capacity line, never a part. */
  reserveBytes: Bytes
  limit: PlatformLimit | null
}

export interface PoolFit extends MemoryPool {
  /** free + returned − reserve, and no more than the platform's limit where all parts count against it. */
  budgetBytes: Bytes
  /** Sum of the parts that lie here; the reserve is not in it. */
  takesBytes: Bytes
  /** budget − takes: "2.1 GiB to spare", negative by what is missing. */
  spareBytes: Bytes
}

/** Each pool with what lies in it. The reserve is never part of what is taken. */
export function fillPools(pools: readonly MemoryPool[], parts: readonly MemoryPart[]): PoolFit[] {
  return pools.map((pool) => {
    const takesBytes = pool.devices.reduce((sum, device) => sum + totalBytes(parts, device), 0)
    const spareBytes = spareIn(pool, parts)
    const free = Math.max(0, pool.freeBytes + pool.returnedBytes - pool.reserveBytes)
    const only = pool.limit !== null && pool.devices.every((device) => device === pool.limit?.device)
    const { id, devices, name, kind, totalBytes: total, freeBytes, returnedBytes, reserveBytes, limit, nowBytes, usualBytes } = pool
    const budgetBytes = only && limit !== null ? Math.min(free, limit.bytes) : free
    // Named one by one: copying the object took a tenth of pricing the catalogue.
    return {
      id,
      devices,
      name,
      kind,
      totalBytes: total,
      freeBytes,
      returnedBytes,
      reserveBytes,
      limit,
      budgetBytes,
      takesBytes,
      spareBytes,
      nowBytes,
      usualBytes,
    }
  })
}

/** What a pool has left with these parts in it; negative by what is missing. */
export function spareIn(pool: MemoryPool, parts: readonly MemoryPart[]): Bytes {
  const own = parts.filter((part) => pool.devices.includes(part.device))
  return spareWith(pool, totalBytes(own), pool.limit === null ? 0 : totalBytes(own, pool.limit.device))
}

/** What would have to be freed in a pool that takes so much: where less is free than its margin, the rest of the margin, too. */
export function shortWith(pool: MemoryPool, takes: Bytes, limited: Bytes): Bytes {
  const spare = spareWith(pool, takes, limited)
  return spare >= 0 ? 0 : Math.max(-spare, takes + pool.reserveBytes - pool.freeBytes - pool.returnedBytes)
}

/** `limited`: what of it counts against the pool's limit. */
export function spareWith(pool: MemoryPool, takes: Bytes, limited: Bytes): Bytes {
  const free = Math.max(0, pool.freeBytes + pool.returnedBytes - pool.reserveBytes)
  if (pool.limit === null) return free - takes
  const within = pool.limit.bytes - limited
  // Where all of the pool counts against the limit, it is also all there is to spare.
  const only = pool.devices.every((device) => device === pool.limit?.device)
  return only || within < 0 ? Math.min(free - takes, within) : free - takes
}
