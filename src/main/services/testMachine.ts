import type { BackendProbe, HardwareReport } from '@shared/domain/hardware'
import { GiB } from '@shared/domain/units'

/** For tests: two cores, no card, half of the memory free. */
export const machine: HardwareReport = {
  gpus: [],
  ram: { total: 16 * GiB, available: 8 * GiB },
  cpu: { name: 'CPU', physicalCores: 2, logicalCores: 2, usableCores: 2, features: [], bandwidth: null },
  disk: null,
  os: { platform: 'linux', name: 'Linux', release: '6', arch: 'x64' },
  backends: [],
  unifiedMemory: false,
}

/** What the engine says of it. */
export const cpuProbe = (llamaVersion: string): BackendProbe => ({
  backend: 'cpu',
  llamaVersion,
  devices: [],
  vram: { totalBytes: 0, freeBytes: 0, unifiedBytes: 0 },
  ram: { totalBytes: 0, freeBytes: 0 },
  systemInfo: '',
})
