import type { Backend } from '@shared/domain/hardware'
import { SnugError } from '@shared/errors'
import { takeBuildWithoutAmx } from './cpuBuild'
import { getLlama, type Llama, type LlamaGpuType, LlamaLogLevel } from 'node-llama-cpp'

export type EngineLog = (level: 'debug' | 'info' | 'warn' | 'error', text: string) => void

export interface OpenLlama {
  llama: Llama
  backend: Backend
  /** Graphics devices that layers can go to; empty for `cpu`. */
  devices: string[]
}

export interface LlamaOptions {
  backend: Backend | 'auto'
  threads: number
  /** Default true. False: a model that AMX computes wrongly, see `takeBuildWithoutAmx`. */
  amx?: boolean
  onLine: (level: LlamaLogLevel, text: string) => void
}

const levels: Partial<Record<LlamaLogLevel, 'debug' | 'info' | 'warn' | 'error'>> = {
  [LlamaLogLevel.fatal]: 'error',
  [LlamaLogLevel.error]: 'error',
  [LlamaLogLevel.warn]: 'warn',
  [LlamaLogLevel.info]: 'info',
}

/** Passes warnings and errors on; llama.cpp says a hundred lines of information at each load, which stay in the process. */
export function forwardLine(log: EngineLog, level: LlamaLogLevel, text: string): void {
  const own = levels[level]
  const line = text.trim()
  if (line !== '' && (own === 'error' || own === 'warn')) log(own, line)
}

const gpuOf: Record<Backend | 'auto', 'auto' | LlamaGpuType> = { auto: 'auto', cuda: 'cuda', metal: 'metal', vulkan: 'vulkan', cpu: false }

/** The prebuilt llama.cpp with this backend. Nothing is ever downloaded or compiled here. A backend without devices is the CPU. */
export async function openLlama({ backend, threads, amx = true, onLine }: LlamaOptions): Promise<OpenLlama> {
  const open = async (gpu: 'auto' | LlamaGpuType) => {
    if (gpu === false && !amx) await takeBuildWithoutAmx()
    return await getLlama({
      gpu,
      build: 'never',
      skipDownload: true,
      progressLogs: false,
      logLevel: LlamaLogLevel.info,
      logger: onLine,
      maxThreads: threads,
      // Snug's fit keeps a reserve of its own and says so; a hidden second one would refuse what was promised.
      vramPadding: 0,
      ramPadding: 0,
    })
  }
  let llama: Llama
  try {
    llama = await open(gpuOf[backend])
  } catch (error) {
    throw new SnugError('engine/unavailable', `no llama.cpp for ${backend}: ${messageOf(error)}`, { backend }, { cause: error })
  }
  const devices = llama.gpu === false || !llama.supportsGpuOffloading ? [] : await llama.getGpuDeviceNames()
  if (llama.gpu === false) return { llama, backend: 'cpu', devices: [] }
  if (devices.length > 0) return { llama, backend: llama.gpu, devices }
  if (backend !== 'auto') {
    await llama.dispose()
    throw new SnugError('engine/unavailable', `${backend} sees no device here`, { backend, reason: 'no-device' })
  }
  await llama.dispose()
  return { llama: await open(false), backend: 'cpu', devices: [] }
}

export const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error))

/** Keeps the last lines of llama.cpp, for the reason of a failed load. */
export function createLineKeeper(kept = 400) {
  const lines: { level: LlamaLogLevel; text: string }[] = []
  return {
    push: (level: LlamaLogLevel, text: string) => {
      // Dots are llama.cpp's progress bar.
      for (const line of text.split('\n')) if (/[^.\s]/.test(line)) lines.push({ level, text: line.trim() })
      if (lines.length > kept) lines.splice(0, lines.length - kept)
    },
    clear: () => void lines.splice(0),
    some: (pattern: RegExp) => lines.some(({ text }) => pattern.test(text)),
    /** Errors, or the very last lines where there are none. */
    reasons: (): string[] => {
      const errors = lines.filter(({ level }) => levels[level] === 'error').map(({ text }) => text)
      return (errors.length > 0 ? errors : lines.map(({ text }) => text)).slice(-8)
    },
    find: (pattern: RegExp): RegExpExecArray | null => {
      for (let index = lines.length - 1; index >= 0; index--) {
        const match = pattern.exec(lines[index]?.text ?? '')
        if (match) return match
      }
      return null
    },
  }
}
export type LineKeeper = ReturnType<typeof createLineKeeper>

const memoryWords =
  /insufficient memory|not enough (?:memory|vram|ram)|out of memory|cannot allocate|failed to allocate|alloc(?:ation)? (?:of|failed)|unable to allocate|too large for the available|std::bad_alloc|OutOfDeviceMemory/i
const impossibleWords = /V cache quantization requires flash_attn|quantized V cache|Falling back to estimation heuristic/i

/** llama.cpp's and node-llama-cpp's words become our codes here, and nowhere else. */
export function loadError(error: unknown, lines: LineKeeper, path: string): SnugError {
  if (error instanceof SnugError) return error
  const message = messageOf(error)
  const reasons = lines.reasons()
  const all = [message, ...reasons].join('\n')
  const data = { path, lines: reasons }
  if (error instanceof Error && error.name === 'AbortError') return new SnugError('cancelled', 'cancelled')
  if (impossibleWords.test(all))
    return new SnugError('fit/impossible', message, { ...data, reason: 'kv-needs-flash-attention' }, { cause: error })
  if ((error instanceof Error && error.constructor.name === 'InsufficientMemoryError') || memoryWords.test(all))
    return new SnugError('engine/out-of-memory', message, data, { cause: error })
  if (/unknown model architecture|unsupported (?:model|architecture)/i.test(all))
    return new SnugError('model/unsupported', message, data, { cause: error })
  return new SnugError('engine/load-failed', message, data, { cause: error })
}
