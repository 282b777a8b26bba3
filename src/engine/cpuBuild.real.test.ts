import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { slicePlans, writeSlice } from './calibrationShapes'
import { deepseek2 } from './shapeKinds'
import { writeShape } from './shapeModel'
import { inspectFile } from './ggufFile'
import { loadRequest, say, startEngine } from './testEngine'

const bpe = { tokenizer: 'gpt2' as const, pre: 'qwen2', tied: false, contextSize: 4096 }
const latent = deepseek2(
  { architecture: 'deepseek2', layers: 3, width: 512, feedForward: 512, heads: 4, kvHeads: 1, headDim: 320, vocabulary: 2048, ...bpe },
  { queryRank: 256, rank: 256, nope: 64, rope: 64, value: 64, experts: 8, used: 2, expertWidth: 256, shared: 1, denseLayers: 1 },
)

let folder = ''
let path = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'snug-latent-'))
  path = join(folder, 'latent.gguf')
  await writeShape(path, {
    name: 'latent',
    shape: latent,
    layers: latent.layers,
    fill: 'diverse',
    fileType: 7,
    typeOf: ({ role }) => (role === 'norm' || role === 'plain' || role === 'router' ? 'F32' : 'Q8_0'),
  })
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** On a processor with AMX flash attention ends the process, and without it the stacks are computed wrongly, unless AMX is avoided. */
it('latent attention says the same with and without flash attention, and takes what the file says', async () => {
  expect((await inspectFile(path)).weights.stacked).toBe(true)
  const answers: string[] = []
  for (const flashAttention of [true, false]) {
    const model = startEngine('model')
    try {
      const { buffers } = await model.call('load', loadRequest(path, { flashAttention, contextSize: 512 }))
      expect(buffers.completeness).toBe('complete')
      expect(buffers.parts.filter(({ kind }) => kind === 'repack')).toEqual([])
      answers.push((await say(model, [{ kind: 'template', text: 'hello there' }], { maxTokens: 8 })).raw)
    } finally {
      await model.process.kill()
    }
  }
  expect(answers[0]).not.toBe('')
  expect(answers[1]).toBe(answers[0])
})

/** Interleaved or in AMX's layout, as the processor has it. */
it('a tied embedding of a type that is copied is copied for the output, and stays for the input', async () => {
  const tied = join(folder, 'tied.gguf')
  await writeSlice(tied, slicePlans(3, false).find(({ role }) => role === 'vocabulary') ?? expect.unreachable())
  const { weights } = await inspectFile(tied)
  expect(weights.repackableBytes).toBeGreaterThan(weights.outputBytes)
  const model = startEngine('model')
  try {
    const { buffers } = await model.call('load', loadRequest(tied, { contextSize: 512 }))
    const taken = (kind: string) => buffers.parts.filter((part) => part.kind === kind).reduce((sum, { bytes }) => sum + bytes, 0)
    // The log has two decimals of a MiB.
    expect(Math.abs(taken('repack') - weights.repackableBytes)).toBeLessThan(6_000)
    expect(Math.abs(taken('weights') - (weights.plainBytesWhenRepacked ?? 0))).toBeLessThan(6_000)
  } finally {
    await model.process.kill()
  }
})
