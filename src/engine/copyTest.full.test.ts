import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest'
import { copySpeed as speedOf } from '@shared/domain/emptyCopy'
import type { LoadPlan } from '@shared/domain/fit'
import { MiB } from '@shared/domain/units'
import type { EngineClient } from './client'
import { inspectFile } from './ggufFile'
import { writeShapeModel } from './shapeModel'
import { type ShapeName, shapes } from './shapes'
import { startEngine } from './testEngine'

const folder = mkdtempSync(join(tmpdir(), 'snug-copies-'))
let engine: EngineClient
// One process for each, as the app has: what a process took for its processor stays for all its models.
beforeEach(() => {
  engine = startEngine('tools')
})
afterEach(() => engine.process.kill())
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test.each(Object.keys(shapes) as ShapeName[])(
  'llama.cpp runs a few blocks of %s, and they give a speed of the whole',
  { timeout: 300_000 },
  async (shape) => {
    const path = join(folder, `${shape}.gguf`)
    await writeShapeModel(path, { shape, quantization: shape === 'gpt-oss-20b' ? 'MXFP4_MOE' : 'Q4_K_M' })
    const facts = await inspectFile(path)
    const plan: LoadPlan = {
      backend: 'cpu',
      gpuLayers: 0,
      totalLayers: facts.geometry.layers.length + 1,
      contextSize: 2048,
      batchSize: 128,
      kvCacheType: 'f16',
      flashAttention: true,
      useMmap: false,
    }
    const directory = join(folder, 'copy')
    // Small, so that the test is about what llama.cpp takes, not about figures.
    const target = { plan, threads: 1, budget: { whole: 64 * MiB, difference: 64 * MiB } }
    const run = await engine.call('copySpeed', { ...target, path, directory })
    expect(readdirSync(directory)).toEqual([])
    rmSync(path)
    const [slices] = run.placements.map((placement) => placement.slices)
    expect(slices).toHaveLength(2)
    expect(slices?.[1]?.blocks).toBeGreaterThan(slices?.[0]?.blocks ?? 0)
    const { speed } = speedOf(facts, target, run)
    expect(speed.typical?.decode).toBeGreaterThan(0.05)
    expect(speed.typical?.decode).toBeLessThan(2_000)
    expect(speed.decode[0]).toBeLessThanOrEqual(speed.decode[1])
  },
)
