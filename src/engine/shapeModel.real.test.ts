import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getLlama, GgufInsights, type Llama, LlamaLogLevel, readGgufFileInfo } from 'node-llama-cpp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { inspectFile } from './ggufFile'
import { writeShapeModel } from './shapeModel'
import { type ShapeName, shapes } from './shapes'
import type { ShapeQuantization } from './shapeTypes'

let directory = ''
let llama: Llama
const warnings: string[] = []

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'snug-shape-'))
  const logger = (_level: LlamaLogLevel, message: string) => {
    warnings.push(message)
  }
  llama = await getLlama({ gpu: false, build: 'never', logLevel: LlamaLogLevel.warn, logger })
})
afterAll(async () => {
  await llama.dispose()
  await rm(directory, { recursive: true, force: true })
})

/** Parameters in thousand millions, weights in GiB at the quantization, as published for the model that the shape is of. */
const known: [ShapeName, ShapeQuantization, parameters: number, gibibytes: number][] = [
  ['llama-1b', 'Q4_K_M', 1.24, 0.75],
  ['llama-8b', 'Q4_K_M', 8.03, 4.58],
  ['qwen3-4b', 'Q8_0', 4.02, 3.98],
  ['gemma3-4b', 'Q4_K_M', 3.88, 2.31],
  ['qwen3moe-30b-a3b', 'Q4_K_M', 30.5, 17.28],
  ['gpt-oss-20b', 'MXFP4_MOE', 20.9, 11.27],
  ['deepseek2-30b-a3b', 'Q4_K_M', 29.9, 17],
  ['qwen35-4b', 'Q4_K_M', 4.2, 2.5],
  ['granite-h-3b', 'Q8_0', 3.2, 3.2],
]

/** One dense, one mixture of experts, one latent, one hybrid; all of them in the full run. */
const quick: ShapeName[] = ['llama-1b', 'gpt-oss-20b', 'deepseek2-30b-a3b', 'qwen35-4b']
const chosen = known.filter(([shape]) => process.env.SNUG_TEST_FULL === '1' || quick.includes(shape))

test.each(chosen)(
  '%s at %s: size as published, taken by llama.cpp, cache as it counts',
  async (shape, quantization, parameters, gibibytes) => {
    const path = join(directory, `${shape}.gguf`)
    const { bytes } = await writeShapeModel(path, { shape, quantization })
    if (process.platform === 'linux') expect((await stat(path)).blocks * 512).toBeLessThan(120e6)
    const facts = await inspectFile(path)
    expect(facts.sizeBytes).toBe(bytes)
    expect(facts.quantization).toBe(quantization)
    expect(Math.abs(facts.parameters / 1e9 / parameters - 1)).toBeLessThan(0.06)
    expect(Math.abs(facts.weights.totalBytes / 1024 ** 3 / gibibytes - 1)).toBeLessThan(0.08)
    expect(facts.geometry.layers).toHaveLength(shapes[shape].layers)

    warnings.length = 0
    const insights = await GgufInsights.from(await readGgufFileInfo(path), llama)
    const model = await insights.estimateModelResourceRequirementsV2({ gpuLayers: 0, useMmap: false })
    expect(warnings.join('\n')).not.toMatch(/heuristic|failed|error/i)
    expect(model.cpuRam).toBe(facts.weights.totalBytes)
    const at = async (contextSize: number) =>
      (
        await insights.estimateContextResourceRequirementsV2({
          contextSize,
          modelGpuLayers: 0,
          batchSize: 256,
          flashAttention: true,
          useMmap: false,
        })
      ).cpuRam
    const grown = (await at(16384)) - (await at(8192))
    expect(warnings.join('\n')).not.toMatch(/heuristic|failed|error/i)
    const perToken = facts.geometry.layers.reduce((sum, l) => sum + (l.kind === 'full' ? l.kvHeads * (l.headDimK + l.headDimV) * 2 : 0), 0)
    // Besides the cache the attention mask grows (2 bytes for each cell and token of a batch), and the compute buffer may even shrink a little.
    expect(Math.abs(grown / (perToken * 8192) - 1)).toBeLessThan(perToken * 8192 < 100e6 ? 0.25 : 0.08)
    await rm(path)
  },
)

test('diverse blocks give logits that are numbers', async () => {
  const path = join(directory, 'small.gguf')
  await writeShapeModel(path, { shape: 'granite-h-3b', quantization: 'Q4_K_M', layers: 6, fill: 'diverse' })
  const model = await llama.loadModel({ modelPath: path })
  const context = await model.createContext({ contextSize: 256, threads: 1, batchSize: 32 })
  const said = new Set<number>()
  for (const token of [300, 500, 700]) {
    const sequence = context.getSequence()
    for await (const next of sequence.evaluate([token as never], { temperature: 0 })) {
      said.add(next)
      break
    }
    void sequence.dispose()
  }
  // Logits that are no numbers would all lead to the same token.
  expect(said.size).toBeGreaterThan(1)
  await context.dispose()
  await model.dispose()
  await rm(path)
})
