import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { memoryParts } from '@shared/domain/memory'
import type { MemoryPart } from '@shared/domain/memory'
import { estimate } from './estimate'
import { inspectFile } from './ggufFile'
import { createLineKeeper, openLlama } from './llama'

const starter = join(process.env.SNUG_CACHE ?? join(homedir(), '.cache/snug'), 'models/SmolLM2-135M-Instruct-Q4_1.gguf')

/** Set-up fetches the starter model; a machine without it skips this, and the fixed figures of `memory.test.ts` remain. */
test.skipIf(!existsSync(starter))(
  "the formula agrees with llama.cpp's dry run on the starter model: KV cache exact, total within 3 %",
  async () => {
    const open = await openLlama({ backend: 'cpu', threads: 1, onLine: () => undefined })
    const facts = await inspectFile(starter)
    const bytes = (parts: MemoryPart[], kinds: string[]) =>
      parts.reduce((sum, part) => (kinds.includes(part.kind) ? sum + part.bytes : sum), 0)
    for (const [contextSize, batchSize, kvCacheType] of [
      [512, 256, 'f16'],
      [2048, 512, 'f16'],
      [8192, 128, 'q8_0'],
      [8192, 512, 'f16'],
    ] as const) {
      const plan = { contextSize, batchSize, kvCacheType, gpuLayers: 0, flashAttention: true, useMmap: false }
      const dry = await estimate({ ...plan, path: starter, backend: 'cpu' }, open, createLineKeeper())
      const formula = memoryParts(facts, { ...plan, gpus: [] })
      expect(bytes(formula, ['kv'])).toBe(bytes(dry.parts, ['kv']))
      const buffers = ['weights', 'repack', 'kv', 'state', 'compute', 'output']
      expect(Math.abs(bytes(formula, buffers) / bytes(dry.parts, buffers) - 1)).toBeLessThan(0.03)
    }
  },
)
