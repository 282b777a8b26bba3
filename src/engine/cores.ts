import { readdirSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'

/** `0-3,8` as /proc and cgroup write sets of processors. */
export function parseCpuList(list: string): number[] {
  return list
    .trim()
    .split(',')
    .filter((range) => range !== '')
    .flatMap((range) => {
      const [first, last] = range.split('-').map(Number)
      if (first === undefined || Number.isNaN(first)) return []
      const end = last === undefined || Number.isNaN(last) ? first : last
      return Array.from({ length: Math.max(0, end - first + 1) }, (_, index) => first + index)
    })
}

/** Whole processors that cgroup v2's `cpu.max` (`quota period`, microseconds) allows; null for no limit. */
export function parseCpuMax(text: string): number | null {
  const [quota, period] = text.trim().split(/\s+/)
  if (quota === undefined || quota === 'max') return null
  const share = Number(quota) / Number(period ?? 100_000)
  return Number.isFinite(share) && share > 0 ? Math.max(1, Math.floor(share)) : null
}

export interface CoreFacts {
  /** Logical processors that this process may run on. */
  allowed: number[]
  /** The physical core of a logical processor, as any string that is equal for siblings. */
  coreOf: (processor: number) => string
  /** Whole processors of the cgroup's quota. */
  quota: number | null
}

/** Physical cores that may be used: a second thread on one core does not help llama.cpp, and one more than the quota makes it collapse. */
export function countUsableCores({ allowed, coreOf, quota }: CoreFacts): number {
  const physical = new Set(allowed.map(coreOf)).size
  return Math.max(1, Math.min(physical, quota ?? Number.POSITIVE_INFINITY))
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    // Not there: another platform, another cgroup version, or a sandbox. The next source answers.
    return null
  }
}

function cgroupQuota(): number | null {
  const own = read('/proc/self/cgroup') ?? ''
  const path = own.match(/^0::(.*)$/m)?.[1]?.trim() ?? '/'
  const limits: number[] = []
  // Every ancestor's limit applies as well.
  const parts = path.split('/').filter((part) => part !== '' && part !== '..')
  for (let depth = parts.length; depth >= 0; depth--) {
    const text = read(`/sys/fs/cgroup/${parts.slice(0, depth).join('/')}/cpu.max`)
    const limit = text === null ? null : parseCpuMax(text)
    if (limit !== null) limits.push(limit)
  }
  const quota = read('/sys/fs/cgroup/cpu/cpu.cfs_quota_us')
  const period = read('/sys/fs/cgroup/cpu/cpu.cfs_period_us')
  if (quota !== null && period !== null && Number(quota) > 0) {
    const limit = parseCpuMax(`${quota.trim()} ${period.trim()}`)
    if (limit !== null) limits.push(limit)
  }
  return limits.length === 0 ? null : Math.min(...limits)
}

/**
 * Cores for the compute threads of this process. Linux: affinity, cgroup quota and core siblings counted.
 * Elsewhere llama.cpp's own count of cores that are good for arithmetic, or the processors that Node sees.
 */
export function usableCores(mathCores?: number): number {
  const affinity = read('/proc/self/status')?.match(/^Cpus_allowed_list:\s*(.+)$/m)?.[1]
  if (affinity === undefined) return Math.max(1, mathCores ?? availableParallelism())
  const online = (() => {
    try {
      return new Set(readdirSync('/sys/devices/system/cpu').filter((name) => /^cpu\d+$/.test(name)))
    } catch {
      // No sysfs (some containers): every allowed processor counts as a core of its own.
      return null
    }
  })()
  const allowed = parseCpuList(affinity).filter((processor) => online === null || online.has(`cpu${processor}`))
  const coreOf = (processor: number) => {
    const topology = `/sys/devices/system/cpu/cpu${processor}/topology`
    const core = read(`${topology}/core_id`)
    return core === null ? `cpu${processor}` : `${read(`${topology}/physical_package_id`) ?? ''}:${core}`.replaceAll('\n', '')
  }
  return countUsableCores({ allowed: allowed.length > 0 ? allowed : [0], coreOf, quota: cgroupQuota() })
}
