import { readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { amxBuilds, amxIsThere } from './cpuFeatures'

/**
 * Weights in huge pages: with small ones a token's pass over them misses the TLB some ten thousand times. Read by glibc's malloc when a
 * program starts, from 2.35 on; older ones and other systems ignore it. The kernel still decides (`madvise`), and has small pages where it must.
 */
export const hugePagesEnv: Record<string, string> =
  process.platform === 'linux'
    ? {
        GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1',
        // ggml's trace of an abort frees what another malloc gave (ADR 9), and it starts a debugger, for which a person would wait.
        GGML_NO_BACKTRACE: '1',
      }
    : {}

/** `dlfcn.h` of glibc: the library stays, although Node closes it again because it is no addon. */
const RTLD_NODELETE = 0x1000

/** The packages whose builds may be loaded next, each with a copy of the same libraries for the processor. */
const packages = ['', '-vulkan', '-cuda'].map((backend) => `linux-${process.arch}${backend}`)

/**
 * Electron's program brings a malloc of its own, which every library in it uses and which knows no huge pages. ggml's base library,
 * which holds all large buffers and frees what it takes itself, is loaded here with its own names first, so that it finds glibc's; so is
 * the one library that frees a buffer of the base library with its own `free`: the processor's with AMX (ADR 9). Call it before
 * node-llama-cpp is imported.
 */
export function giveGgmlHugePages(): void {
  const { RTLD_NOW, RTLD_GLOBAL, RTLD_DEEPBIND } = constants.dlopen
  if (process.platform !== 'linux' || RTLD_DEEPBIND === undefined) return
  const own = RTLD_NOW | RTLD_DEEPBIND | RTLD_NODELETE
  try {
    const [main, ...others] = packages.map(librariesOf).filter((folder) => folder !== null)
    if (main === undefined) return
    // First, and for everybody: what C++ allocates in one library and frees in another must stay with one malloc, Electron's.
    keepLibrary('libstdc++.so.6', RTLD_NOW | RTLD_GLOBAL | RTLD_NODELETE)
    // The same file in the packages of all backends (hugePages.test.ts), so that it serves whichever is loaded next.
    keepLibrary(join(main, 'libggml-base.so'), own)
    if (!amxIsThere()) return
    for (const folder of [main, ...others])
      for (const file of readdirSync(folder)) if (amxBuilds.test(file)) keepLibrary(join(folder, file), own)
  } catch {
    // No such library on this system: llama.cpp then takes its memory from Electron's malloc, in small pages.
  }
}

/** null: this package is not installed here. */
function librariesOf(name: string): string | null {
  try {
    return join(dirname(createRequire(import.meta.url).resolve(`@node-llama-cpp/${name}`)), '../bins', name)
  } catch {
    return null
  }
}

function keepLibrary(path: string, flags: number): void {
  try {
    process.dlopen({ exports: {} }, path, flags)
  } catch (error) {
    // Node's words for every library that is no addon of it; it is loaded all the same.
    if (!String(error).includes('did not self-register')) throw error
  }
}
