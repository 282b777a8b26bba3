import { deviceSpec } from './deviceBandwidth'
import type { HardwareReport } from './hardware'
import { type Bytes, GiB } from './units'

/** Share of a card that a desktop and its driver leave free (facts of the look's machine: 11.0 of 12.0 GiB). */
const freeShare = 0.92

/** Share of RAM that a system leaves free. */
const freeRamShare = 0.8

/** Another machine, as a person describes it: a device of the table, or figures alone; null: as the device has it, or as it is here. */
export interface SimulatedMachine {
  device: string | null
  /** 0: no graphics card. */
  vramBytes: Bytes | null
  ramBytes: Bytes | null
}

/** For choosing by name: one of each kind that people have or ask about, each a row of the table with its memory. */
export const simulatedDevices: readonly string[] = [
  'RTX 3050 Laptop 4 GB',
  'RTX 3060 12 GB',
  'RTX 4060 8 GB',
  'RTX 4060 Ti 16 GB',
  'RTX 4070 12 GB',
  'RTX 4080 16 GB',
  'RTX 4090 24 GB',
  'RTX 5070 Ti 16 GB',
  'RTX 5090 32 GB',
  'RX 7800 XT 16 GB',
  'RX 7900 XTX 24 GB',
  'Arc B580 12 GB',
  'Strix Halo 128 GB',
  'Apple M2 16 GB',
  'Apple M4 Pro 24 GB',
  'Apple M4 Max 64 GB',
  'L40S 48 GB',
  'H100 80 GB',
  'H200 141 GB',
]

export interface SimulatedGpu {
  name: string
  vramBytes: Bytes
}

/** `RTX 4090`, `RTX 4060 Ti 16GB`, `24 GB`, `Apple M4 Max 64GB`; null: no such device in the table. */
export function parseSimulated(text: string): SimulatedGpu | null {
  const size = /(\d+(?:\.\d+)?)\s*(?:gib|gb|g)\b/i.exec(text)
  const name = text.replace(size?.[0] ?? '', '').trim()
  const spec = name === '' ? null : deviceSpec(name)
  const gigabytes = size?.[1] === undefined ? (spec?.vramGiB[0] ?? null) : Number(size[1])
  if (gigabytes === null || !Number.isFinite(gigabytes) || gigabytes <= 0 || (name !== '' && spec === null)) return null
  return { name: name === '' ? `${gigabytes} GB` : name, vramBytes: gigabytes * GiB }
}

/** null: no such device in the table. */
export function simulateMachine(report: HardwareReport, { device, vramBytes, ramBytes }: SimulatedMachine): HardwareReport | null {
  const own = ramBytes === null ? report : { ...report, ram: { total: ramBytes, available: ramBytes * freeRamShare } }
  if (device === null && (vramBytes ?? 0) <= 0) return { ...own, gpus: [], unifiedMemory: false }
  const named = parseSimulated(device ?? `${(vramBytes ?? 0) / GiB} GB`)
  return named === null ? null : simulateGpu(own, vramBytes === null ? named : { ...named, vramBytes })
}

/** This machine with another card in it. An Apple chip or an APU brings its own memory: then all of it is one pool. */
export function simulateGpu(report: HardwareReport, gpu: SimulatedGpu): HardwareReport {
  const spec = deviceSpec(gpu.name)
  const apple = spec?.maker === 'Apple'
  const maker = spec?.maker ?? 'NVIDIA'
  const shared = apple || spec?.match.test('strix halo') === true || /gb10|spark|780m|680m|890m|iris/i.test(gpu.name)
  const backend = maker === 'Apple' ? 'metal' : maker === 'NVIDIA' ? 'cuda' : 'vulkan'
  const bandwidth = spec === null ? null : { bytesPerSecond: spec.bytesPerSecond, source: spec.source }
  const ram = shared ? { total: gpu.vramBytes, available: gpu.vramBytes * freeRamShare } : report.ram
  return {
    ...report,
    gpus: [
      {
        id: 'gpu0',
        name: gpu.name,
        vendor: maker,
        kind: apple ? 'unified' : shared ? 'integrated' : 'discrete',
        vramTotal: apple ? gpu.vramBytes * (gpu.vramBytes <= 36 * GiB ? 2 / 3 : 3 / 4) : shared ? gpu.vramBytes / 2 : gpu.vramBytes,
        vramFree: shared ? null : gpu.vramBytes * freeShare,
        driver: null,
        backends: [backend],
        bandwidth,
        sharedWithRam: shared,
      },
    ],
    ram,
    cpu: apple ? { ...report.cpu, bandwidth } : report.cpu,
    os: apple ? { platform: 'darwin', name: 'macOS', release: '', arch: 'arm64' } : report.os,
    unifiedMemory: shared,
  }
}
