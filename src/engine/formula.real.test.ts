import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { bufferKinds, memoryParts } from '@shared/domain/memory'
import type { MemoryPart } from '@shared/domain/memory'
import { MiB } from '@shared/domain/units'
import { plainCpu } from './cpuFeatures'
import { estimate } from './estimate'
import { factsFromHeader } from './ggufFacts'
import { inspectFile, readHeaderOfFile } from './ggufFile'
import { createLineKeeper, openLlama } from './llama'
import { writeShapeModel } from './shapeModel'

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

/** Cut to 12 blocks, 8,192 tokens, F16, mapped, on a device that takes 128 MiB: what llama.cpp reported, MiB (docs/accuracy.md). */
test.each([
  ['qwen3moe-30b-a3b', 'Q4_K_M', 4, 6107],
  ['gpt-oss-20b', 'MXFP4_MOE', 3, 11_016],
  ['deepseek2-30b-a3b', 'Q4_K_M', 4, 5770],
] as const)(
  'experts that a device refuses for their size lie where llama.cpp puts them: %s',
  async (shape, quantization, gpuLayers, measuredMiB) => {
    const folder = await mkdtemp(join(tmpdir(), 'snug-refused-'))
    try {
      const { path } = await writeShapeModel(join(folder, 'model.gguf'), { shape, quantization, layers: 12 })
      // Those loads were made on a processor with AVX2 and without AMX.
      const facts = factsFromHeader(await readHeaderOfFile(path), { cpu: plainCpu })
      const plan = { gpuLayers, contextSize: 8192, batchSize: 512, kvCacheType: 'f16' as const, flashAttention: true, useMmap: true }
      const total = (maxTensorBytes?: number) =>
        memoryParts(facts, {
          ...plan,
          gpus: [{ device: 'gpu0', share: 1, contextBytes: 0, ...(maxTensorBytes ? { maxTensorBytes } : {}) }],
        })
          .filter(({ kind }) => bufferKinds.includes(kind))
          .reduce((sum, { bytes }) => sum + bytes, 0) / MiB
      expect(Math.abs(total(128 * MiB) / measuredMiB - 1)).toBeLessThan(0.03)
      expect(total() / measuredMiB).toBeLessThan(0.9)
    } finally {
      await rm(folder, { recursive: true })
    }
  },
)
