import type { HardwareReport } from '@shared/domain/hardware'
import { bestBackend, memoryPools, reserveFor } from '@shared/domain/pools'
import { type Bytes, GiB } from '@shared/domain/units'

export interface Device {
  id: string
  name: string
  totalBytes: Bytes
  /** What may be filled: the reserve stays free. */
  usableBytes: Bytes
  here: boolean
}

/** Memory as sold, GiB; the makers' specifications, as in domain/deviceBandwidth. */
const sold: readonly [name: string, gib: number][] = [
  ['RTX 4060', 8],
  ['RTX 4070', 12],
  ['RTX 4080', 16],
  ['RTX 4090', 24],
  ['RTX 5090', 32],
  ['RTX 6000 Ada', 48],
  ['A100', 80],
  ['H100', 80],
  ['H200', 141],
  ['B200', 180],
]

/** `limit`: what the platform lends the GPU of a memory that it shares. */
function device(id: string, name: string, totalBytes: Bytes, kind: 'discrete' | 'ram', here: boolean, limit: Bytes = totalBytes): Device {
  return { id, name, totalBytes, usableBytes: Math.min(totalBytes - reserveFor(kind, totalBytes), limit), here }
}

/** What stands here first, then cards that can be bought. */
export function deviceChoices(report: HardwareReport | undefined): Device[] {
  const here =
    report === undefined
      ? []
      : memoryPools(report, bestBackend(report)).map((pool) =>
          device(`here-${pool.id}`, pool.name, pool.totalBytes, pool.kind === 'discrete' ? 'discrete' : 'ram', true, pool.limit?.bytes),
        )
  return [...here, ...sold.map(([name, gib]) => device(name, name, gib * GiB, 'discrete', false))]
}
