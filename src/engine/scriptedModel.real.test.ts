import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  getLlama,
  GgufInsights,
  type Llama,
  type LlamaContextSequence,
  type LlamaModel,
  LlamaLogLevel,
  readGgufFileInfo,
} from 'node-llama-cpp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { cpuFeatures } from './cpuFeatures'
import { inspectFile } from './ggufFile'
import { writeGguf } from './ggufWriter'
import { scriptedContent, scriptedExpectation, type ScriptedOptions, writeScriptedModel } from './scriptedModel'

let directory = ''
let llama: Llama

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'snug-scripted-'))
  llama = await getLlama({ gpu: false, build: 'never', logLevel: LlamaLogLevel.error })
})
afterAll(async () => {
  await llama.dispose()
  await rm(directory, { recursive: true, force: true })
})

const onPrompt = '<|im_start|>user\nHi there, 你好吗？<|im_end|>\n<|im_start|>assistant\n'
const offPrompt = `${onPrompt}<think>\n\n</think>\n\n`

async function withModel<T>(
  options: ScriptedOptions,
  work: (model: LlamaModel, sequence: LlamaContextSequence, expected: Awaited<ReturnType<typeof writeScriptedModel>>) => Promise<T>,
): Promise<T> {
  const expected = await writeScriptedModel(join(directory, `模型 ${JSON.stringify(options).replaceAll(/\W/g, '_')}.gguf`), options)
  const model = await llama.loadModel({ modelPath: expected.path })
  const context = await model.createContext({ contextSize: 2048, threads: 1, sequences: 1 })
  try {
    return await work(model, context.getSequence(), expected)
  } finally {
    await context.dispose()
    await model.dispose()
  }
}

async function say(
  model: LlamaModel,
  sequence: LlamaContextSequence,
  prompt: string,
  options: { temperature?: number; seed?: number; max?: number } = {},
) {
  await sequence.clearHistory()
  const tokens = []
  for await (const token of sequence.evaluate(model.tokenize(prompt, true), {
    temperature: options.temperature ?? 0,
    seed: options.seed ?? 1,
    minP: 0,
    topK: 0,
    topP: 1,
    yieldEogToken: true,
  })) {
    if (model.isEogToken(token) || tokens.length === (options.max ?? 1500)) break
    tokens.push(token)
  }
  return { text: model.detokenize(tokens, true), count: tokens.length }
}

test('says exactly the script, with thought and without', async () => {
  await withModel({}, async (model, sequence, expected) => {
    expect(await say(model, sequence, onPrompt)).toEqual({ text: expected.raw, count: expected.tokens.on })
    expect(await say(model, sequence, offPrompt)).toEqual({ text: expected.answer, count: expected.tokens.off })
    expect(expected.thought).toContain('再想一步')
    expect(expected.answer).toContain('你好，世界！🙂')
  })
})

test('a beginning is continued exactly where it ends, an unknown one by the answer', async () => {
  await withModel({}, async (model, sequence, expected) => {
    const half = expected.answer.slice(0, expected.answer.indexOf(' coin') + 5)
    const rest = await say(model, sequence, offPrompt + half)
    expect(half + rest.text).toBe(expected.answer)
    expect((await say(model, sequence, 'no template at all')).text).toBe(expected.answer)
  })
})

test('each piece of the script is found again by the tokeniser', async () => {
  await withModel({}, async (model, _sequence, expected) => {
    expect(model.tokenize(expected.answer, false)).toHaveLength(expected.tokens.off)
    expect(model.detokenize(model.tokenize(expected.answer, false))).toBe(expected.answer)
  })
})

test('without thoughts, and with a long reply that ends', async () => {
  await withModel({ thinking: false, words: 1000 }, async (model, sequence, expected) => {
    expect(await say(model, sequence, onPrompt)).toEqual({ text: expected.answer, count: expected.tokens.off })
    expect(expected.answer.endsWith(' 999 1000')).toBe(true)
  })
})

test('a loop does not end', async () => {
  await withModel({ loop: true, thinking: false }, async (model, sequence, expected) => {
    const { text } = await say(model, sequence, onPrompt, { max: 3 * expected.tokens.off })
    expect(text).toBe(expected.answer.repeat(3))
  })
})

test('the quantized form says the script too', async () => {
  await withModel({ checkQuantized: true }, async (model, sequence, expected) => {
    expect(await say(model, sequence, onPrompt)).toEqual({ text: expected.raw, count: expected.tokens.on })
    const facts = await inspectFile(expected.path)
    expect(facts.weights.bytesByType).toMatchObject({ Q4_K: 256 * 144, Q8_0: 256 * 8 * 34 })
  })
})

test('the two successors come as often as softmax(Δ/T) says', async () => {
  await withModel({ thinking: false }, async (model, sequence, expected) => {
    const prompt = onPrompt + expected.answer.slice(0, expected.answer.indexOf(expected.choice.before) + expected.choice.before.length)
    const runs = 250
    for (const temperature of [0.5, 1, 2]) {
      let others = 0
      for (let seed = 1; seed <= runs; seed++) {
        const { text } = await say(model, sequence, prompt, { temperature, seed: seed * 7919, max: 1 })
        expect([expected.choice.likely, expected.choice.other]).toContain(text)
        if (text === expected.choice.other) others++
      }
      const p = expected.choice.probabilityOfOther(temperature)
      // Four standard deviations of a binomial.
      expect(Math.abs(others / runs - p)).toBeLessThan(4 * Math.sqrt((p * (1 - p)) / runs))
    }
  })
})

test('facts agree with the library on totals', async () => {
  const { path } = await writeScriptedModel(join(directory, 'totals.gguf'), { checkQuantized: true, layers: 3 })
  const facts = await inspectFile(path)
  const insights = await GgufInsights.from(await readGgufFileInfo(path), llama)
  expect(facts.weights.totalBytes).toBe(insights.modelSize)
  expect(facts.parameters).toBe(insights.totalParameters)
  expect(facts.geometry.layers.length + 1).toBe(insights.totalLayers)
  expect(facts.trainContextSize).toBe(insights.trainContextSize)
  expect(facts.scripted).toBe(true)
})

const starter = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'snug', 'models', 'SmolLM2-135M-Instruct-Q4_1.gguf')

test.skipIf(!existsSync(starter))('facts of the starter model agree with the library', async () => {
  const facts = await inspectFile(starter)
  const insights = await GgufInsights.from(await readGgufFileInfo(starter), llama)
  expect(facts.weights.totalBytes).toBe(insights.modelSize)
  expect(facts.parameters).toBe(insights.totalParameters)
  expect(facts.geometry.layers.length + 1).toBe(insights.totalLayers)
  expect(facts).toMatchObject({
    quantization: 'Q4_1',
    sizeBytes: 98_362_432,
    trainContextSize: 8192,
    licence: 'apache-2.0',
    kind: 'model',
    scripted: false,
  })
  // Q4_1 is copied by AMX alone, and with it the tied embedding: 95.34 MiB in llama.cpp's log.
  expect(facts.weights.repackableBytes).toBe(cpuFeatures().amx ? 99_975_168 : 0)
})

test('a broken quantized matrix breaks the script, so the check checks', async () => {
  for (const broken of ['blk.0.ffn_up.weight', 'blk.0.ffn_down.weight']) {
    const options = { checkQuantized: true }
    const content = scriptedContent(options)
    const path = join(directory, 'broken.gguf')
    await writeGguf(path, {
      ...content,
      tensors: content.tensors.map((t) => (t.name === broken ? { name: t.name, dims: t.dims, type: t.type } : t)),
    })
    const model = await llama.loadModel({ modelPath: path })
    const context = await model.createContext({ contextSize: 512, threads: 1 })
    const { text } = await say(model, context.getSequence(), offPrompt, { max: 40 })
    expect(text).not.toContain(scriptedExpectation(options).answer)
    await model.dispose()
  }
})
