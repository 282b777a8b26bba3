import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { MiB } from '@shared/domain/units'
import { writeEmptyCopy } from './emptyCopy'
import { firstBytes } from './ggufEntries'
import { inspectFile, readHeaderOfFile } from './ggufFile'
import { countOf } from './ggufRead'
import { type ModelHeader, planCopy, readModelHeader, rhythm, sliceBytes, writeSlice } from './modelSlice'
import { writeShapeModel } from './shapeModel'
import { repeatedBlocks } from './shapeFill'

const folder = mkdtempSync(join(tmpdir(), 'snug-slice-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('the rhythm of blocks', () => {
  test.each([
    ['aaaaaaaa', 0, 1],
    ['baaaaaaa', 1, 1],
    ['sssssfsssssfssss', 0, 6],
    ['rrrarrrarrra', 0, 4],
    ['bbcdcdcdcdcd', 2, 2],
  ])('%s', (kinds, lead, period) => {
    expect(rhythm([...kinds])).toEqual({ lead, period })
  })
})

test('the smaller slice of a hybrid has blocks of both memories', async () => {
  const path = join(folder, 'hybrid.gguf')
  await writeShapeModel(path, { shape: 'granite-h-3b', quantization: 'Q4_K_M' })
  const model = await readModelHeader(path)
  const [small, large] = planCopy(model, { whole: 64 * MiB, difference: 64 * MiB }).slices
  const kinds = new Set(small?.donors.map((block) => model.facts.geometry.layers[block]?.kind))
  expect(kinds).toEqual(new Set(['full', 'recurrent']))
  expect(large?.donors.length).toBeGreaterThan(small?.donors.length ?? 0)
})

describe('a mixture with a dense block first (30 thousand million parameters)', () => {
  let model: ModelHeader
  beforeAll(async () => {
    const path = join(folder, 'deepseek.gguf')
    await writeShapeModel(path, { shape: 'deepseek2-30b-a3b', quantization: 'Q4_K_M' })
    model = await readModelHeader(path)
  })

  test('few blocks stand for all: the first its own, the others of all types alike, with fewer experts', () => {
    const { slices, whole } = planCopy(model)
    expect(whole).toBe(false)
    const [small, large] = slices
    expect(small).toEqual({ donors: [0], experts: 16 })
    expect(large?.donors.slice(0, 1)).toEqual([0])
    expect(large?.donors.length).toBeGreaterThan(2)
    expect(new Set(large?.donors).size).toBe(large?.donors.length)
    if (large === undefined) throw new Error('no second slice')
    expect(sliceBytes(model, large)).toBeLessThan(1200 * MiB)
  })

  test('it is written with the keys of the model, the types of the donors, and nothing of the other blocks', async () => {
    const path = join(folder, 'deepseek-slice.gguf')
    await writeSlice(path, model, { donors: [0, 20], experts: 16 })
    const [header, facts] = [await readHeaderOfFile(path), await inspectFile(path)]
    expect(facts.architecture).toBe('deepseek2')
    expect(facts.geometry.layers).toHaveLength(2)
    expect(facts.geometry.experts).toEqual({ count: 16, used: 4 })
    expect(facts.tokenizer.tokens).toBe(154_880)
    expect(countOf(header, 'deepseek2.leading_dense_block_count')).toBe(1)
    const tensor = (name: string) => header.tensors.find((candidate) => candidate.name === name)
    const source = (name: string) => model.tensors.find((candidate) => candidate.name === name)
    expect(tensor('blk.1.ffn_down_exps.weight')?.type).toBe(source('blk.20.ffn_down_exps.weight')?.type)
    expect(tensor('blk.1.ffn_gate_exps.weight')?.dims).toEqual([2048, 1536, 16])
    expect(tensor('blk.1.ffn_gate_inp.weight')?.dims).toEqual([2048, 16])
    expect(tensor('blk.0.ffn_gate.weight')?.dims).toEqual(source('blk.0.ffn_gate.weight')?.dims)
    expect(tensor('output.weight')?.bytes).toBe(source('output.weight')?.bytes)
    // The embedding is a hole but for the rows that are read.
    expect(statSync(path).blocks * 512).toBeLessThan(facts.sizeBytes - 100 * MiB)
  })

  test('a copy without weights has its header and its size, and takes no room', async () => {
    // The place is taken by the model itself: nothing is ever written over.
    await expect(writeEmptyCopy(model.path, folder)).rejects.toThrow('EEXIST')
    const target = mkdtempSync(join(folder, 'copy-'))
    const path = await writeEmptyCopy(model.path, target)
    expect(statSync(path).size).toBe(model.facts.sizeBytes)
    expect(statSync(path).blocks * 512).toBeLessThan(model.facts.headerBytes + MiB)
    const bytes = model.facts.headerBytes
    expect((await firstBytes(model.path, bytes)).equals(await firstBytes(path, bytes))).toBe(true)
  })
})

test('a small model is run whole', async () => {
  const path = join(folder, 'small.gguf')
  await writeShapeModel(path, { shape: 'llama-1b', quantization: 'Q4_K_M', layers: 6 })
  const model = await readModelHeader(path)
  expect(planCopy(model)).toEqual({ slices: [{ donors: [0, 1, 2, 3, 4, 5], experts: null }], whole: true })
})

test.each(['Q2_K', 'Q3_K', 'IQ1_M', 'IQ2_XXS', 'IQ3_S', 'TQ1_0', 'TQ2_0', 'NVFP4', 'Q4_K', 'MXFP4'] as const)(
  'blocks of %s are as long as asked, and never all alike',
  (type) => {
    const bytes = Buffer.concat([...repeatedBlocks(type, 5 * MiB, 3)].map((part) => Buffer.from(part)))
    expect(bytes.byteLength).toBe(5 * MiB)
    expect(new Set(bytes.subarray(0, 4096)).size).toBeGreaterThan(100)
  },
)
