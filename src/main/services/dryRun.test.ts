import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { EngineEstimate } from '@shared/engine/protocol'
import { SnugError } from '@shared/errors'
import { silentLog } from '@shared/log'
import { afterAll, expect, test } from 'vitest'
import type { EngineHost } from '../engine/engineHost'
import { DryRuns } from './dryRun'

const folder = mkdtempSync(join(tmpdir(), 'snug-dry-'))
const model = join(folder, 'm.gguf')
writeFileSync(model, 'its header is hashed by the tools process, which is none here')
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const plan = {
  backend: 'cpu' as const,
  gpuLayers: 0,
  totalLayers: 3,
  contextSize: 8192,
  batchSize: 512,
  kvCacheType: 'f16' as const,
  flashAttention: true,
  useMmap: false,
}
const facts = { parts: ['m.gguf'], trainContextSize: 4096 }
const parts = [{ device: 'cpu' as const, kind: 'kv' as const, bytes: 7 }]

function dryRuns(answer: () => EngineEstimate | Promise<EngineEstimate>, options: { file?: string; where?: string } = {}) {
  const asked: unknown[] = []
  const hashed: unknown[] = []
  const tools = async (call: string, args: unknown) => {
    if (call === 'header') hashed.push(args)
    if (call === 'header') return { complete: true, headerBytes: 1, sha256: 'a', splitCount: 1, splitNumber: 1 }
    asked.push(args)
    return answer()
  }
  const runs = new DryRuns({
    host: { tools } as unknown as EngineHost,
    file: join(folder, options.file ?? `${Math.random()}.json`),
    surroundings: async () => options.where ?? 'here',
    log: silentLog,
  })
  return {
    asked,
    hashed,
    run: (more: Partial<typeof plan> = {}) => runs.of(model, facts)({ ...plan, ...more }),
    soon: (waitMs: number) => runs.soon(model, facts, waitMs)(plan),
  }
}

const fails = (code: 'engine/crashed' | 'engine/stalled' | 'fit/impossible') => (): EngineEstimate => {
  throw new SnugError(code, code)
}

test('the context is capped by what the model was made for', async () => {
  const { asked, run } = dryRuns(() => ({ level: 'dry-run', parts }))
  await run()
  expect(asked).toEqual([expect.objectContaining({ contextSize: 4096, path: model })])
})

test('kept by header, options and surroundings, also for the next start', async () => {
  const answer = (): EngineEstimate => ({ level: 'dry-run', parts })
  const first = dryRuns(answer, { file: 'kept.json' })
  expect(await first.run()).toEqual({ level: 'dry-run', parts })
  await first.run()
  await first.run({ useMmap: true })
  expect(first.asked).toHaveLength(2)
  const next = dryRuns(answer, { file: 'kept.json' })
  expect(await next.run()).toEqual({ level: 'dry-run', parts })
  expect(next.asked).toHaveLength(0)
  const elsewhere = dryRuns(answer, { file: 'kept.json', where: 'another driver' })
  await elsewhere.run()
  expect(elsewhere.asked).toHaveLength(1)
  expect(Object.keys((JSON.parse(readFileSync(join(folder, 'kept.json'), 'utf8')) as { entries: object }).entries)).toHaveLength(3)
  expect(readdirSync(folder).filter((name) => name.endsWith('.partial'))).toEqual([])
})

test('ended twice on a plan: it does not fit; once only: bad luck', async () => {
  const dead = dryRuns(fails('engine/crashed'), { file: 'dead.json' })
  expect(await dead.run()).toEqual({ level: 'dry-run', parts: null })
  expect(dead.asked).toHaveLength(2)
  expect(await dead.run()).toEqual({ level: 'dry-run', parts: null })
  expect(dead.asked).toHaveLength(2)
  let first = true
  const unlucky = dryRuns(() => {
    if (!first) return { level: 'dry-run', parts }
    first = false
    throw new SnugError('engine/crashed', 'out of memory')
  })
  expect(await unlucky.run()).toEqual({ level: 'dry-run', parts })
})

test('no answer in time says nothing and is not kept; a refusal is passed on', async () => {
  const slow = dryRuns(fails('engine/stalled'))
  expect(await slow.run()).toBeNull()
  await slow.run()
  expect(slow.asked).toHaveLength(2)
  await expect(dryRuns(fails('fit/impossible')).run()).rejects.toMatchObject({ code: 'fit/impossible' })
})

test('nobody waits long for what is not known: the formula stands, and the next look finds it', async () => {
  let finish: (estimate: EngineEstimate) => void = () => {}
  const slow = dryRuns(() => new Promise<EngineEstimate>((resolve) => (finish = resolve)))
  expect(await slow.soon(20)).toBeNull()
  expect(await slow.soon(20)).toBeNull()
  expect(slow.asked).toHaveLength(1)
  finish({ level: 'dry-run', parts })
  expect(await slow.soon(2_000)).toEqual({ level: 'dry-run', parts })
  expect(await slow.soon(2_000)).toEqual({ level: 'dry-run', parts })
  expect(slow.asked).toHaveLength(1)
  expect(slow.hashed).toHaveLength(1)
  await expect(dryRuns(fails('fit/impossible')).soon(2_000)).rejects.toMatchObject({ code: 'fit/impossible' })
})

test('a damaged file is as good as none', async () => {
  for (const content of ['{', '[]', '{"version":1,"entries":{"x":{"parts":[{"device":"moon","kind":"kv","bytes":1}],"at":1}}}']) {
    writeFileSync(join(folder, 'damaged.json'), content)
    expect(await dryRuns(() => ({ level: 'dry-run', parts }), { file: 'damaged.json' }).run()).toEqual({ level: 'dry-run', parts })
  }
})
