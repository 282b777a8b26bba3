import type { MemoryPool, PlatformLimit } from './poolFit'
import type { Backend, Gpu, HardwareReport } from './hardware'
import type { MemoryDevice } from './memory'
import { type Bytes, GiB, MiB } from './units'

export interface PoolOptions {
  /** What the user set; null: `reserveFor`. */
  reserveBytes: Bytes | null
  /** What the user allows models to take of each graphics card; left out or null: no limit of theirs. */
  vramBudgetBytes?: Bytes | null
  /** Bytes our own loaded model would give back, by device ("in place of"); empty for "beside it". */
  returned: Partial<Record<MemoryDevice, Bytes>>
  /** null: what is free now. `total`: the whole memory, for planning on an empty machine. */
  assume: 'free' | 'total'
}

export const defaultPoolOptions: PoolOptions = { reserveBytes: null, returned: {}, assume: 'free' }

/**
 * A GPU: max(256 MiB, 3 %), as fragmentation and contexts measure 2–3 % (facts: engine.md §1). RAM: twice that and at most 4 GiB, as a
 * machine that swaps is worse than a shorter context.
 */
export function reserveFor(kind: MemoryPool['kind'], total: Bytes): Bytes {
  return kind === 'discrete' ? Math.max(256 * MiB, total * 0.03) : Math.min(4 * GiB, Math.max(512 * MiB, total * 0.06))
}

/** Free memory that came back counts only past this margin, so that no verdict flickers while other programs breathe. */
export const steadyMarginBytes = 256 * MiB

/** What is counted as free: less than before at once, more only once it is clearly more. */
export function steadyBytes(counted: Bytes | undefined, free: Bytes, marginBytes: Bytes = steadyMarginBytes): Bytes {
  return counted !== undefined && free > counted && free - counted < marginBytes ? counted : free
}

/** The best backend that works here. */
export function bestBackend(report: HardwareReport): Backend {
  const usable = usableGpus(report, null)
  for (const backend of ['cuda', 'metal', 'vulkan'] as const) if (usable.some((gpu) => gpu.backends.includes(backend))) return backend
  return 'cpu'
}

/** GPUs that models are put on: those the backend can use; beside a discrete card an integrated one is left alone, a software rasteriser always. */
export function usableGpus(report: HardwareReport, backend: Backend | null): Gpu[] {
  const able = report.gpus.filter(
    (gpu) =>
      gpu.kind !== 'software' && gpu.vramTotal !== null && (backend === null ? gpu.backends.length > 0 : gpu.backends.includes(backend)),
  )
  return able.some((gpu) => !gpu.sharedWithRam) ? able.filter((gpu) => !gpu.sharedWithRam) : able.slice(0, 1)
}

/** What the parts on this card are called; null where models are not put on it. */
export function deviceOf(report: HardwareReport, backend: Backend, gpu: Gpu): MemoryDevice | null {
  const index = backend === 'cpu' ? -1 : usableGpus(report, backend).findIndex(({ id }) => id === gpu.id)
  return index === -1 ? null : `gpu${index}`
}

/** One pool per physical memory: each discrete card its own, shared memory and RAM together one. */
export function memoryPools(report: HardwareReport, backend: Backend, options: PoolOptions = defaultPoolOptions): MemoryPool[] {
  const gpus = backend === 'cpu' ? [] : usableGpus(report, backend)
  const returned = (devices: readonly MemoryDevice[]): Bytes => devices.reduce((sum, device) => sum + (options.returned[device] ?? 0), 0)
  const pool = (
    devices: MemoryDevice[],
    name: string,
    kind: MemoryPool['kind'],
    totalBytes: Bytes,
    freeBytes: Bytes,
    limit: PlatformLimit | null,
  ): MemoryPool => {
    const free = options.assume === 'total' ? totalBytes : Math.min(freeBytes, totalBytes)
    return {
      id: devices[0] ?? 'cpu',
      devices,
      name,
      kind,
      totalBytes,
      freeBytes: free,
      returnedBytes: Math.min(returned(devices), totalBytes - free),
      reserveBytes: Math.min(options.reserveBytes ?? reserveFor(kind, totalBytes), totalBytes),
      limit,
    }
  }
  /** The user's limit counts only where it is the lower one. */
  const limited = (device: MemoryDevice, own: PlatformLimit | null): PlatformLimit | null => {
    const bytes = options.vramBudgetBytes ?? null
    return bytes === null || (own !== null && own.bytes <= bytes) ? own : { name: 'user', device, bytes }
  }
  const shared = gpus.find((gpu) => gpu.sharedWithRam)
  if (shared !== undefined)
    return [
      pool(['gpu0', 'cpu'], shared.name, shared.kind, report.ram.total, report.ram.available, limited('gpu0', sharedLimit(report, shared))),
    ]
  return [
    ...gpus.map((gpu, index) =>
      pool([`gpu${index}`], gpu.name, gpu.kind, gpu.vramTotal ?? 0, gpu.vramFree ?? gpu.vramTotal ?? 0, limited(`gpu${index}`, null)),
    ),
    pool(['cpu'], 'RAM', 'ram', report.ram.total, report.ram.available, null),
  ]
}

/** How much of RAM the platform lends a GPU: what the engine sees (Metal's recommended working set, the GTT of an APU), else the usual share. */
function sharedLimit(report: HardwareReport, gpu: Gpu): PlatformLimit | null {
  // NVIDIA's chips with unified memory (GB10) may take all of it: no GTT, no other limit.
  if (gpu.vendor === 'NVIDIA') return null
  if (report.os.platform === 'darwin') {
    // Metal's default: two thirds up to 36 GiB of RAM, three quarters above.
    const usual = report.ram.total * (report.ram.total <= 36 * GiB ? 2 / 3 : 3 / 4)
    return { name: 'metal-working-set', device: 'gpu0', bytes: Math.min(gpu.vramTotal ?? usual, report.ram.total) }
  }
  const half = report.ram.total / 2
  return {
    name: report.os.platform === 'win32' ? 'windows-shared' : 'gtt',
    device: 'gpu0',
    bytes: Math.min(gpu.vramTotal ?? half, report.ram.total),
  }
}
