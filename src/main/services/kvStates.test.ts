import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { LoadedModel } from '@shared/engine/protocol'
import { silentLog } from '@shared/log'
import { KvStates } from './kvStates'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'snug-kv-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const model: LoadedModel = {
  backend: 'cpu',
  gpuLayers: 0,
  totalLayers: 2,
  contextSize: 512,
  batchSize: 512,
  threads: 1,
  flashAttention: false,
  kvCacheType: 'f16',
  useMmap: true,
  trainContextSize: 512,
  loadMs: 1,
  buffers: { parts: [{ device: 'cpu', kind: 'kv', bytes: 1_000 }], completeness: 'complete' },
  needsCheckpoints: false,
}

function setUp(gone: string[] = [], limitBytes?: number) {
  const calls: string[] = []
  let content = ''
  const host = {
    loaded: { modelId: 'm', model, pid: 1 } as { modelId: string; model: LoadedModel; pid: number } | null,
    saveState: async (path: string) => {
      calls.push(`save ${content}`)
      writeFileSync(path, content.padEnd(100))
      writeFileSync(`${path}.json`, 'note')
      return { bytes: 100 }
    },
    loadState: async (path: string) => {
      content = readFileSync(path, 'utf8').trim()
      calls.push(`load ${content}`)
      if (content === 'bad') throw new Error('not ours')
      return { tokens: 1 }
    },
  }
  const states = new KvStates({ host, folder, keeps: (id) => !gone.includes(id), log: silentLog, ...(limitBytes ? { limitBytes } : {}) })
  const enter = async (id: string) => {
    await states.enter(id)
    content = id
  }
  return { states, host, calls, enter }
}

test('switching saves one and brings the other back; staying does nothing', async () => {
  const { calls, enter } = setUp()
  await enter('a')
  await enter('a')
  await enter('b')
  await enter('a')
  await enter('b')
  expect(calls).toEqual(['save a', 'save b', 'load a', 'save a', 'load b'])
})

test('a new process has nothing to save, but takes a state back', async () => {
  const { calls, enter, host } = setUp()
  await enter('a')
  await enter('b')
  host.loaded = { modelId: 'm', model, pid: 2 }
  await enter('a')
  expect(calls).toEqual(['save a', 'load a'])
  host.loaded = { modelId: 'm', model: { ...model, contextSize: 1_024 }, pid: 3 }
  await enter('a')
  expect(calls).toHaveLength(2)
})

test('a state that is refused is deleted and costs no reply', async () => {
  const { enter } = setUp()
  await enter('a')
  await enter('b')
  const [file = ''] = readdirSync(folder).filter((name) => name.endsWith('.state'))
  writeFileSync(join(folder, file), 'bad')
  await enter('a')
  expect(readdirSync(folder).some((name) => name === file)).toBe(false)
})

test('states of deleted conversations go, then the least recently used', async () => {
  const { states, enter } = setUp(['gone'], 250)
  for (const id of ['gone', 'one', 'two', 'three', 'last']) {
    await enter(id)
    for (const name of readdirSync(folder)) if (name.startsWith('one.')) utimesSync(join(folder, name), 1, 1)
  }
  await states.prune()
  expect(
    readdirSync(folder)
      .map((name) => `${name.split('.')[0]}.${name.split('.').at(-1)}`)
      .sort(),
  ).toEqual(['three.json', 'three.state', 'two.json', 'two.state'])
})

test('what is being saved is no leftover for a pruning beside it', async () => {
  const { states, host, enter } = setUp()
  const save = host.saveState
  host.saveState = async (path) => {
    // As the engine writes it: under another name until it is whole.
    writeFileSync(`${path}.part`, 'half')
    await new Promise((resolve) => setTimeout(resolve, 30))
    renameSync(`${path}.part`, path)
    return await save(path)
  }
  await enter('a')
  const switched = enter('b')
  await states.prune()
  await switched
  expect(readdirSync(folder).filter((name) => name.endsWith('.state'))).toHaveLength(1)
  writeFileSync(join(folder, 'x.state.part'), 'left by a kill')
  await states.prune()
  expect(readdirSync(folder).some((name) => name.endsWith('.part'))).toBe(false)
})
