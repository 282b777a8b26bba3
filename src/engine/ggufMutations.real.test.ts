import { type ChildProcess, fork } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { mutate, tryBytes } from './ggufMutations'
import { encodeGguf, encodeHeader } from './ggufWriter'
import { scriptedContent } from './scriptedModel'

/** What our check lets through goes to the real engine, in a process that may die. */
const wanted = process.env.SNUG_TEST_FULL === '1' ? 2000 : 40
const library = pathToFileURL(resolve('node_modules/node-llama-cpp/dist/index.js')).href
const loader = `
import { getLlama, LlamaLogLevel } from ${JSON.stringify(library)}
const llama = await getLlama({ gpu: false, build: 'never', logLevel: LlamaLogLevel.disabled, progressLogs: false })
process.on('message', async (modelPath) => {
  try {
    const model = await llama.loadModel({ modelPath, useMmap: false })
    const context = await model.createContext({ contextSize: 256, threads: 1, batchSize: 32 })
    for await (const _ of context.getSequence().evaluate(model.tokenize('hi', true), { temperature: 0 })) break
    await model.dispose()
    process.send('said')
  } catch (error) {
    process.send('refused')
  }
})
process.send('ready')
`
let directory = ''
let child: ChildProcess | null = null

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'snug-damage-'))
  await writeFile(join(directory, 'loader.mjs'), loader)
})
afterAll(async () => {
  child?.kill('SIGKILL')
  await rm(directory, { recursive: true, force: true })
})

/** The next word of the child, or how it ended. */
function next(process: ChildProcess, limitMs: number): Promise<string> {
  return new Promise((resolveWord) => {
    const settle = (word: string) => {
      clearTimeout(timer)
      process.removeAllListeners()
      resolveWord(word)
    }
    const timer = setTimeout(() => {
      process.kill('SIGKILL')
      settle('hung')
    }, limitMs)
    process.once('exit', () => settle('died'))
    process.once('message', (word: string) => settle(word))
  })
}

test('what the check accepts never hangs the engine, and hardly ever ends it', async () => {
  const content = scriptedContent({ thinking: false })
  const { header } = encodeHeader(content)
  const body = encodeGguf(content).subarray(header.length)
  const outcomes: Record<string, number> = {}
  for (let seed = 100_000, accepted = 0; accepted < wanted; seed++) {
    const bytes = Buffer.concat([mutate(header, seed), body])
    if (tryBytes(bytes) !== 'accepted') continue
    accepted++
    if (child?.connected !== true) {
      child = fork(join(directory, 'loader.mjs'), { stdio: 'ignore' })
      expect(await next(child, 20_000)).toBe('ready')
    }
    const path = join(directory, 'damaged.gguf')
    await writeFile(path, bytes)
    const word = next(child, 10_000)
    child.send(path)
    const outcome = await word
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
  }
  expect(outcomes.hung ?? 0).toBe(0)
  // llama.cpp still asserts on a few values that only it can judge: under 2 %.
  expect(outcomes.died ?? 0).toBeLessThanOrEqual(Math.max(1, wanted * 0.02))
  expect(outcomes.said ?? 0).toBeGreaterThan(wanted / 2)
}, 900_000)
