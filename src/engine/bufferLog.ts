import type { MemoryDevice, MemoryKind, MemoryPart } from '@shared/domain/memory'
import { MiB } from '@shared/domain/units'

/** Bytes by place, as llama.cpp's own memory breakdown counts them (`memoryUsage`); exact, but without kinds. */
export interface MemoryTotals {
  ram: number
  vram: number
}

/** One buffer as llama.cpp's log names it. The size is rounded to 0.01 MiB there. */
export interface LoggedBuffer extends MemoryPart {
  /** llama.cpp's name of the buffer type, e.g. `CPU_REPACK`, `Vulkan0`. */
  buffer: string
  stage: 'model' | 'context'
}

/** A log size has two decimals of a MiB. */
const rounding = 0.005 * MiB

const line = /(?:^|\s)([A-Za-z][\w.:-]*)\s+(model|KV|RS|compute|output|(?:DSV4 .*? state)) buffer size\s*=\s*([\d.]+) MiB/

function deviceOf(buffer: string): MemoryDevice {
  if (/^(CPU|BLAS|AMX)/i.test(buffer) || /_Host$/i.test(buffer)) return 'cpu'
  return `gpu${Number(buffer.match(/(\d+)(?:_\w+)?$/)?.[1] ?? 0)}`
}

function kindOf(word: string, buffer: string): MemoryKind {
  if (word === 'model') return /REPACK|^AMX$/i.test(buffer) ? 'repack' : 'weights'
  if (word === 'KV') return 'kv'
  if (word === 'compute') return 'compute'
  if (word === 'output') return 'output'
  return 'state'
}

/** Reads one log line of llama.cpp v0.4.0 (node-llama-cpp 3.21.1); null for any other line. */
export function parseBufferLine(text: string): LoggedBuffer | null {
  const match = line.exec(text)
  if (match === null) return null
  const [, buffer = '', word = '', size = '0'] = match
  return {
    buffer,
    device: deviceOf(buffer),
    kind: kindOf(word, buffer),
    stage: word === 'model' ? 'model' : 'context',
    bytes: Math.round(Number(size) * MiB),
  }
}

const placeOf = (device: MemoryDevice) => (device === 'cpu' ? 'ram' : 'vram')

/**
 * Buffers of a finished load. llama.cpp's totals are exact and its lines are rounded, so one line of each place takes the
 * difference: compute or weights, for a cache has round sizes. The output buffer is in no total. `totals-only` where the lines do not add up (some came late, or not at all).
 */
export function sumBuffers(
  logged: LoggedBuffer[],
  totals: { model: MemoryTotals; context: MemoryTotals },
): { parts: MemoryPart[]; completeness: 'complete' | 'totals-only' } {
  const parts: MemoryPart[] = []
  let complete = true
  for (const stage of ['model', 'context'] as const) {
    for (const place of ['ram', 'vram'] as const) {
      const lines = logged
        .filter((entry) => entry.stage === stage && entry.kind !== 'output' && placeOf(entry.device) === place)
        .map((entry) => ({ ...entry }))
      const total = totals[stage][place]
      const difference = total - lines.reduce((sum, entry) => sum + entry.bytes, 0)
      const rounded = lines.find((entry) => entry.kind === 'compute') ?? lines.find((entry) => entry.kind === 'weights') ?? lines[0]
      if (Math.abs(difference) <= rounding * Math.max(1, lines.length)) {
        if (rounded) rounded.bytes += difference
        parts.push(...lines.map(({ device, kind, bytes }) => ({ device, kind, bytes })))
      } else {
        complete = false
        if (total > 0) {
          parts.push({ device: place === 'ram' ? 'cpu' : 'gpu0', kind: stage === 'model' ? 'weights' : 'compute', bytes: total })
        }
      }
    }
  }
  parts.push(...logged.filter((entry) => entry.kind === 'output').map(({ device, kind, bytes }) => ({ device, kind, bytes })))
  return { parts: mergeParts(parts), completeness: complete ? 'complete' : 'totals-only' }
}

/** One part for each device and kind (a model with sliding windows has two KV buffers). */
export function mergeParts(parts: MemoryPart[]): MemoryPart[] {
  const merged = new Map<string, MemoryPart>()
  for (const part of parts) {
    if (part.bytes <= 0) continue
    const key = `${part.device}/${part.kind}`
    const known = merged.get(key)
    if (known) known.bytes += part.bytes
    else merged.set(key, { ...part })
  }
  return [...merged.values()]
}

export interface BufferLog {
  push(text: string): void
  /** Forgets what was read: before the next context. */
  clear(stage: 'model' | 'context'): void
  /** Waits until the lines add up to the totals, at most `waitMs`: the log crosses threads and can come late. */
  settle(
    totals: { model: MemoryTotals; context: MemoryTotals },
    waitMs?: number,
  ): Promise<{ parts: MemoryPart[]; completeness: 'complete' | 'totals-only' }>
}

export function createBufferLog(): BufferLog {
  let logged: LoggedBuffer[] = []
  return {
    push: (text) => {
      const entry = parseBufferLine(text)
      if (entry !== null) logged.push(entry)
    },
    clear: (stage) => {
      logged = logged.filter((entry) => entry.stage !== stage)
    },
    settle: async (totals, waitMs = 1000) => {
      const end = performance.now() + waitMs
      for (;;) {
        const sum = sumBuffers(logged, totals)
        if (sum.completeness === 'complete' || performance.now() >= end) return sum
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    },
  }
}
