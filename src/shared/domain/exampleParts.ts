import type { SizeClassId } from './sizeClass'
import type { Backend, EngineProbe, NvidiaSmi, RawHardware, SystemGraphics } from './hardware'
import type { Verdict } from './fit'
import { GiB, MiB } from './units'

export interface ExampleMachine {
  name: string
  /** Where outputs of this form and these figures were seen; empty: put together from the documentation of the sources. */
  seen: readonly string[]
  raw: RawHardware
  expected: {
    gpus: { name: RegExp; kind: string; shared: boolean; backends: Backend[]; vramGiB?: number | null }[]
    backend: Backend
    /** One number per pool, GiB of total memory: what must never be counted twice. */
    pools: number[]
    limit?: string
    /** Largest size class in which a model of 4 bits or more fits wholly or in part. */
    fits: 'light' | 'medium' | 'heavy'
    /** The class of what is recommended first for chat, and where it runs. */
    recommends: [SizeClassId, Verdict]
  }
}

/** Issues and pull requests share one numbering. */
export function issue(repository: string, number: number): string {
  return `https://github.com/${repository}/issues/${number}`
}

export const missing: NvidiaSmi = { state: 'missing', detail: 'nvidia-smi is not installed' }

export function smi(...cards: [name: string, totalMiB: number, freeMiB: number][]): NvidiaSmi {
  return {
    state: 'ok',
    gpus: cards.map(([name, total, free]) => ({ name, totalBytes: total * MiB, freeBytes: free * MiB, driver: '580.82' })),
  }
}

export function probe(backend: Backend, ...devices: [name: string, totalGiB: number, freeGiB: number][]): EngineProbe {
  const list = devices.map(([name, total, free]) => ({ name, totalBytes: total * GiB, freeBytes: free * GiB }))
  const sum = (field: 'totalBytes' | 'freeBytes'): number => list.reduce((total, device) => total + device[field], 0)
  return {
    backend,
    llamaVersion: 'v0.4.0',
    devices: list,
    vram: { totalBytes: sum('totalBytes'), freeBytes: sum('freeBytes'), unifiedBytes: 0 },
    ram: { totalBytes: 0, freeBytes: 0 },
    systemInfo: 'CPU : AVX2 = 1 | F16C = 1 | AVX512 = 0',
  }
}

export function card(vendor: string, model: string, vramGiB: number | null, vramDynamic = false): SystemGraphics {
  return { vendor, model, bus: 'PCI', vramBytes: vramGiB === null ? null : vramGiB * GiB, vramDynamic, driver: null }
}

export function machine(ramGiB: number, availableGiB: number, rest: Partial<RawHardware>): RawHardware {
  return {
    graphics: [],
    nvidiaSmi: missing,
    probes: [probe('cpu')],
    ram: { total: ramGiB * GiB, available: availableGiB * GiB, limit: null, modules: [{ megatransfers: 5600 }, { megatransfers: 5600 }] },
    cpu: { name: 'AMD Ryzen 7 7700', physicalCores: 8, logicalCores: 16, usableCores: 8, features: ['avx2'] },
    disk: null,
    os: { platform: 'linux', name: 'Debian GNU/Linux', release: '12', arch: 'x64' },
    ...rest,
  }
}

export const mac = { platform: 'darwin', name: 'macOS', release: '26.1', arch: 'arm64' }
export const windows = { platform: 'win32', name: 'Microsoft Windows 11 Pro', release: '10.0.26100', arch: 'x64' }

export function apple(chip: string, ramGiB: number, availableGiB: number, workingSetGiB: number): RawHardware {
  return machine(ramGiB, availableGiB, {
    graphics: [{ vendor: 'Apple', model: chip, bus: 'Built-In', vramBytes: null, vramDynamic: true, driver: null }],
    probes: [probe('metal', [chip, workingSetGiB, workingSetGiB]), probe('cpu')],
    cpu: { name: chip, physicalCores: 8, logicalCores: 8, usableCores: 8, features: ['neon'] },
    os: mac,
    ram: { total: ramGiB * GiB, available: availableGiB * GiB, limit: null, modules: [] },
  })
}
