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
const amxFlags = ['amx_tile', 'amx_int8', 'avx512_vnni', 'avx512_bf16', 'avx512vbmi']

/** The files of its builds with AMX. */
export const amxBuilds = /sapphirerapids|granite/i

let features: CpuFeatures | null = null

/** Linux says its flags; elsewhere AVX2 is taken for granted and AVX-512 is not. */
export function cpuFeatures(): CpuFeatures {
  features ??= readFeatures()
  return features
}

/** llama.cpp would take its build with AMX. */
export function amxIsThere(): boolean {
  const flags = cpuFlags()
  return process.arch === 'x64' && amxFlags.every((name) => flags.includes(name))
}

function readFeatures(): CpuFeatures {
  if (process.arch === 'arm64' || process.arch === 'arm') return { ...plainCpu, family: 'arm', avx2: false }
  if (process.arch !== 'x64') return { ...plainCpu, family: 'other', avx2: false }
  const flags = cpuFlags()
  if (flags.length === 0) return plainCpu
  return { family: 'x86', avx2: flags.includes('avx2'), avx512: flags.includes('avx512f'), amx: amxIsThere() }
}

/** Empty outside Linux, where there is no /proc: then the assumption above holds. */
function cpuFlags(): string[] {
  try {
    return /^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1]?.split(' ') ?? []
  } catch {
    return []
  }
}
