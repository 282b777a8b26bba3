import { readFileSync } from 'node:fs'

/** What of the processor decides which tensors llama.cpp copies to an interleaved layout. */
export interface CpuFeatures {
  family: 'x86' | 'arm' | 'other'
  /** x86: without AVX2 nothing is repacked. */
  avx2: boolean
  avx512: boolean
  amx: boolean
}

export const plainCpu: CpuFeatures = { family: 'x86', avx2: true, avx512: false, amx: false }

/** What llama.cpp's build with AMX asks of a processor; it takes no other build where all are there. */
const amxBuild = ['amx_tile', 'amx_int8', 'avx512_vnni', 'avx512_bf16', 'avx512vbmi']

let features: CpuFeatures | null = null

/** Linux says its flags; elsewhere AVX2 is taken for granted and AVX-512 is not. */
export function cpuFeatures(): CpuFeatures {
  features ??= readFeatures()
  return features
}

/** llama.cpp would take its build with AMX. */
export function amxIsThere(): boolean {
  const flags = cpuFlags()
  return process.arch === 'x64' && amxBuild.every((name) => flags.includes(name))
}

/**
 * Under Electron it is not used: there it ended the process (signal 11) when the engine check's model was loaded, of which a matrix is Q4_K
 * and one Q8_0 (Electron 33, llama.cpp v0.4.0). In plain Node nothing of the kind happens. ADR 12.
 */
export const amxIsSafe = process.versions.electron === undefined

function readFeatures(): CpuFeatures {
  if (process.arch === 'arm64' || process.arch === 'arm') return { ...plainCpu, family: 'arm', avx2: false }
  if (process.arch !== 'x64') return { ...plainCpu, family: 'other', avx2: false }
  const flags = cpuFlags()
  if (flags.length === 0) return plainCpu
  return { family: 'x86', avx2: flags.includes('avx2'), avx512: flags.includes('avx512f'), amx: amxIsSafe && amxIsThere() }
}

/** Empty outside Linux, where there is no /proc: then the assumption above holds. */
function cpuFlags(): string[] {
  try {
    return /^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1]?.split(' ') ?? []
  } catch {
    return []
  }
}
