import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { cliFile, snug as inPlace } from '../../e2e/fixtures/cli'
import { type RunningHub, startHub } from '../../e2e/fixtures/hubServer'
import { writeShapeModel } from '../engine/shapeModel'

/** "Test here" from the command line: the header of a model at the hub or at an address, and nothing of its weights. */
const folder = mkdtempSync(join(tmpdir(), 'snug-bench-'))
const file = 'llama-1b-Q4_K_M.gguf'
const repository = 'maker/llama-1b-GGUF'
let server: RunningHub
let size = 0

beforeAll(async () => {
  if (!existsSync(cliFile)) throw new Error('The command line is not built: run `npm run build` first.')
  await writeShapeModel(join(folder, file), { shape: 'llama-1b', quantization: 'Q4_K_M', layers: 4 })
  size = statSync(join(folder, file)).size
  server = await startHub({ repositories: { [repository]: { files: { [file]: join(folder, file) } } } })
})
afterAll(async () => {
  await server.close()
  rmSync(folder, { recursive: true, force: true })
})

interface Bench {
  source: { repository: string | null; address: string }
  plan: { contextSize: number; backend: string }
  predicted: { totalBytes: number; level: string }
  measured: { totalBytes: number; level: string; speed: { typical: { decode: number; prefill: number } }; spread: number }
  ratio: { memory: number; decode: number; prefill: number }
}

const place = () => ({ folder, endpoint: server.endpoint })
const snug = async (...args: string[]) => await inPlace(place(), ...args)

test.each([
  ['OWNER/NAME:QUANT', (): string => `${repository}:Q4_K_M`, repository],
  ['the address of a file at the hub', (): string => `${server.endpoint}/${repository}/resolve/main/${file}`, repository],
  ['the address of a file anywhere', (): string => `${server.endpoint}/plain/${file}`, null],
] as const)('bench %s', async (_, target, from) => {
  server.stats.storageBytes = 0
  const { code, out, err } = await snug('bench', target(), '--context', '2048')
  expect(code, err).toBe(0)
  const bench = out as Bench
  expect(bench.source.repository).toBe(from)
  expect(bench.plan.contextSize).toBe(2048)
  // Memory is what llama.cpp really took: the dry run before it must have been right.
  expect(bench.measured.level).toBe('measured')
  expect(bench.predicted.level).toBe('dry-run')
  expect(bench.ratio.memory).toBeGreaterThan(0.9)
  expect(bench.ratio.memory).toBeLessThan(1.1)
  for (const speed of [bench.measured.speed.typical.decode, bench.measured.speed.typical.prefill]) expect(speed).toBeGreaterThan(0)
  // Its header only, and no copy is left behind.
  expect(server.stats.storageBytes).toBeLessThan(size / 4)
  expect(readdirSync(join(folder, 'cache', 'copies'))).toEqual([])
  expect(existsSync(join(folder, 'data', 'models', 'maker'))).toBe(false)
})

test('bench says in words what it found, and what cannot be had', async () => {
  const said = await inPlace({ ...place(), words: true }, 'bench', `${repository}:Q4_K_M`, '--context', '2048')
  expect(said.code, said.err).toBe(0)
  expect(said.text).toMatch(/GB|GiB|MB|MiB/)
  const missing = await snug('bench', `${repository}:Q8_0`)
  expect([missing.code, missing.error]).toMatchObject([1, { code: 'hub/not-found', data: { has: ['Q4_K_M'] } }])
  const nowhere = await snug('bench', `${server.endpoint}/plain/none.gguf`)
  expect(nowhere.code).toBe(1)
})
