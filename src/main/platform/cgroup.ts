import { readFileSync } from 'node:fs'
import os from 'node:os'

/** Limits of a control group (containers, systemd slices): version 2 and 1, this process' own group and the root of the mount. */

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    // Not Linux, or no such controller: there is no limit to know.
    return null
  }
}

function groupPaths(controller: string, table: string | null = read('/proc/self/cgroup')): { version: 1 | 2; path: string }[] {
  return (table ?? '').split('\n').flatMap((line): { version: 1 | 2; path: string }[] => {
    const [id, names, path] = line.split(':')
    if (path === undefined) return []
    if (id === '0') return [{ version: 2, path }]
    return names?.split(',').includes(controller) === true ? [{ version: 1, path }] : []
  })
}

/** The folder of a group inside its mount, and every folder above: each may limit. */
function folders(mount: string, path: string): string[] {
  const parts = path.split('/').filter((part) => part !== '' && part !== '..')
  return parts.map((_, index) => `${mount}/${parts.slice(0, parts.length - index).join('/')}`).concat(mount)
}

/** Cores that the group's quota allows, e.g. 1.5; null without a quota. */
export function groupCores(): number | null {
  const quotas = groupPaths('cpu').flatMap(({ version, path }) =>
    version === 2
      ? folders('/sys/fs/cgroup', path).map((folder) => parseCpuMax(read(`${folder}/cpu.max`)))
      : folders('/sys/fs/cgroup/cpu', path).map((folder) =>
          parseCpuMax([read(`${folder}/cpu.cfs_quota_us`), read(`${folder}/cpu.cfs_period_us`)].join(' ')),
        ),
  )
  const known = quotas.filter((quota) => quota !== null)
  return known.length === 0 ? null : Math.min(...known)
}

/** `150000 100000` is 1.5 cores; `max 100000` and `-1 100000` are no limit. */
export function parseCpuMax(text: string | null): number | null {
  const [quota, period] = (text ?? '').split(' ').map(Number)
  if (quota === undefined || period === undefined || !(quota > 0) || !(period > 0)) return null
  return quota / period
}

/** The group's limit with what of it is in use (page cache that can be dropped taken off); null without one below the machine's RAM. */
export function groupMemoryLimit(): { bytes: number; used: number } | null {
  const limits = groupPaths('memory').flatMap(({ version, path }) =>
    folders(version === 2 ? '/sys/fs/cgroup' : '/sys/fs/cgroup/memory', path).map((folder) => {
      const names =
        version === 2
          ? ['memory.max', 'memory.current', 'inactive_file']
          : ['memory.limit_in_bytes', 'memory.usage_in_bytes', 'total_inactive_file']
      const bytes = Number(read(`${folder}/${names[0]}`) ?? 'max')
      const current = Number(read(`${folder}/${names[1]}`) ?? 0)
      const droppable = Number(new RegExp(`^${names[2]} (\\d+)$`, 'm').exec(read(`${folder}/memory.stat`) ?? '')?.[1] ?? 0)
      return { bytes, used: Math.max(0, current - droppable) }
    }),
  )
  const real = limits.filter((limit) => limit.bytes > 0 && limit.bytes < os.totalmem())
  return real.length === 0 ? null : real.reduce((least, limit) => (limit.bytes - limit.used < least.bytes - least.used ? limit : least))
}

/** What programs can still take: Linux' own estimate, Node's elsewhere, and no more than the group leaves. */
export function availableRam(limit: { bytes: number; used: number } | null): number {
  const kilobytes = /^MemAvailable:\s+(\d+) kB/m.exec(read('/proc/meminfo') ?? '')?.[1]
  const free = kilobytes === undefined ? availableElsewhere() : Number(kilobytes) * 1024
  return limit === null ? free : Math.max(0, Math.min(free, limit.bytes - limit.used))
}

/** `os.freemem()` on macOS leaves out inactive pages that can be taken at once; `process.availableMemory` (Node 20.13) counts them. */
function availableElsewhere(): number {
  return typeof process.availableMemory === 'function' ? Math.max(os.freemem(), process.availableMemory()) : os.freemem()
}
