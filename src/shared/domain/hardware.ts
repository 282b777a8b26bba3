import type { Bytes } from './units'

export type Backend = 'cuda' | 'metal' | 'vulkan' | 'cpu'
export type GpuKind = 'discrete' | 'integrated' | 'unified' | 'software'

export interface Gpu {
  id: string
  name: string
  vendor: string
  kind: GpuKind
  /** null where nobody could say. For `unified` this memory is RAM: never add the two. */
  vramTotal: Bytes | null
  vramFree: Bytes | null
  driver: string | null
  /** Backends of llama.cpp that can use it. */
  backends: Backend[]
  /** Bytes per second, with where the figure is from. */
  bandwidth: { bytesPerSecond: number; source: string } | null
  /** Its memory is RAM (Apple, APUs, Intel shared memory): one pool, never two. A large carve-out of an APU is not in RAM and is not shared. */
  sharedWithRam: boolean
}

export interface HardwareReport {
  gpus: Gpu[]
  ram: { total: Bytes; available: Bytes }
  cpu: {
    name: string
    physicalCores: number
    logicalCores: number
    usableCores: number
    features: string[]
    bandwidth: { bytesPerSecond: number; source: string } | null
  }
  disk: { path: string; total: Bytes; free: Bytes } | null
  os: { platform: string; name: string; release: string; arch: string }
  /** One row per backend that llama.cpp could use here: works, or why not (English reason for the log; the page has words per `state`). */
  backends: BackendReport[]
  /** Apple, and APUs whose GPU memory is RAM. */
  unifiedMemory: boolean
}

export interface BackendReport {
  backend: Backend
  state: 'works' | 'no-device' | 'not-installed' | 'crashed'
  detail: string | null
  devices: string[]
}

/** What the engine's own probe sees; it wins over every other source on what it can see. */
export interface EngineProbe {
  backend: Backend
  llamaVersion: string
  devices: { name: string; totalBytes: Bytes; freeBytes: Bytes }[]
  vram: { totalBytes: Bytes; freeBytes: Bytes; unifiedBytes: Bytes }
  ram: { totalBytes: Bytes; freeBytes: Bytes }
  systemInfo: string
}

/** A backend whose probe did not answer: its process ended, or there is no binary for it. */
export interface BackendFailure {
  backend: Backend
  state: 'not-installed' | 'crashed'
  detail: string
}

export type BackendProbe = EngineProbe | BackendFailure

/** A controller as systeminformation lists it, reduced to what is used. */
export interface SystemGraphics {
  vendor: string
  model: string
  bus: string
  /** Dedicated memory; null where it could not say. */
  vramBytes: Bytes | null
  /** True: the memory is RAM. */
  vramDynamic: boolean
  driver: string | null
}

/** `freeAtProbeBytes`: what was free right after the engine was asked, whose own figure is that old. */
export interface NvidiaCard {
  name: string
  totalBytes: Bytes
  freeBytes: Bytes
  freeAtProbeBytes?: Bytes
  driver: string
}

export type NvidiaSmi = { state: 'ok'; gpus: NvidiaCard[] } | { state: 'missing' | 'failed' | 'timed-out'; detail: string }

/** What each source said, before anything is believed. */
export interface RawHardware {
  graphics: SystemGraphics[]
  nvidiaSmi: NvidiaSmi
  probes: BackendProbe[]
  /** `limit`: a control group's, null without one. */
  ram: { total: Bytes; available: Bytes; limit: Bytes | null; modules: { megatransfers: number | null }[] }
  cpu: { name: string; physicalCores: number; logicalCores: number; usableCores: number; features: string[] }
  disk: { path: string; total: Bytes; free: Bytes } | null
  os: { platform: string; name: string; release: string; arch: string }
}
