import { afterEach, expect, test } from 'vitest'
import { createFakeEngine, type FakeScript } from '../../engine/fakeEngine'
import type { EngineStatus } from '@shared/domain/library'
import type { GenerateRequest } from '@shared/engine/protocol'
import { SnugError } from '@shared/errors'
import { silentLog } from '@shared/log'
import { EngineHost, type LoadOptions } from './engineHost'
import type { EngineLimits } from './loadedModel'

const hosts: EngineHost[] = []
afterEach(async () => {
  for (const host of hosts.splice(0)) await host.dispose()
})

function start(script: FakeScript, limits: Partial<EngineLimits> = {}) {
  const fork = createFakeEngine(script)
  let clock = 0
  const host = new EngineHost({ fork, log: silentLog, limits, now: () => clock })
  hosts.push(host)
  return { fork, host, alive: () => fork.processes.filter((one) => one.alive).length, pass: (ms: number) => (clock += ms) }
}

const options: LoadOptions = {
  backend: 'auto',
  gpuLayers: 'auto',
  contextSize: 8_192,
  batchSize: 'auto',
  threads: 'auto',
  flashAttention: 'auto',
  kvCacheType: 'f16',
  useMmap: 'auto',
  minContextSize: 0,
  trainContextSize: 8_192,
  totalLayers: 32,
  hasGpu: false,
}
const request: GenerateRequest = {
  prompt: [{ kind: 'text', text: 'hello there' }],
  sampling: { temperature: 0, topP: null, topK: null, minP: null, repeatPenalty: null, seed: null },
  markers: null,
  opensThought: false,
  thoughtBudgetTokens: null,
  maxTokens: null,
  stops: [],
}
const coded = (code: string) => expect.objectContaining({ code })

test('loads, answers, and unloading ends the process', async () => {
  const { host, fork, alive } = start({ replies: [{ answer: 'one two three' }] })
  const seen: EngineStatus['state'][] = []
  host.onStatus(() => seen.push(host.status().state))
  await host.load('m', '/m.gguf', options)
  expect(host.status()).toMatchObject({ state: 'ready', modelId: 'm', contextSize: 8_192, ladder: [] })
  const texts: string[] = []
  const stats = await host.generate(request, { onEvent: (event) => event.kind === 'delta' && texts.push(event.text) })
  expect(texts.join('')).toBe('one two three')
  expect(stats.stopReason).toBe('end')
  await host.unload()
  expect(host.status()).toEqual({ state: 'empty' })
  expect(alive()).toBe(0)
  expect(fork.processes).toHaveLength(1)
  expect(seen).toContain('loading')
  await expect(host.generate(request)).rejects.toEqual(coded('model/not-loaded'))
})

test('a load tells how long it is expected to take, and each reply that ended is told', async () => {
  const told: number[] = []
  const host = new EngineHost({ fork: createFakeEngine({}), log: silentLog, replied: ({ evalTokens }) => told.push(evalTokens) })
  hosts.push(host)
  const seen: EngineStatus[] = []
  host.onStatus(() => seen.push(host.status()))
  await host.load('m', '/m.gguf', { ...options, expectedMs: [4000, 9000] })
  expect(seen.filter(({ state }) => state === 'loading')).not.toEqual([])
  for (const status of seen) if (status.state === 'loading') expect(status.expectedMs).toEqual([4000, 9000])
  await host.generate(request)
  expect(told).toHaveLength(1)
  expect(await host.grown()).toEqual({ bytes: 4e6 })
  seen.length = 0
  await host.load('m', '/m.gguf', options)
  for (const status of seen) expect(status).not.toHaveProperty('expectedMs')
})

test('lets go of the model whose row is taken off the list, and of no other', async () => {
  const { host, alive } = start({ replies: [] })
  await host.letGo('m')
  await host.load('m', '/m.gguf', options)
  await host.letGo('another')
  expect(host.status()).toMatchObject({ state: 'ready', modelId: 'm' })
  await host.letGo('m')
  expect(host.status()).toEqual({ state: 'empty' })
  expect(alive()).toBe(0)
})

test('goes down the ladder and says what it changed', async () => {
  const { host, alive } = start({
    handlers: {
      load: (args) => {
        if (args.kvCacheType === 'f16') throw new SnugError('engine/out-of-memory', 'no room')
        return loadedModel(args.contextSize)
      },
    },
  })
  await host.load('m', '/m.gguf', { ...options, minContextSize: 3_000 })
  expect(host.status()).toMatchObject({
    state: 'ready',
    contextSize: 3_000,
    ladder: [
      { change: 'context', from: 8_192, to: 4_096, because: 'engine/out-of-memory' },
      { change: 'context', from: 4_096, to: 3_000 },
      { change: 'kv-cache', from: 'f16', to: 'q8_0' },
    ],
  })
  expect(alive()).toBe(1)
})

test('a load that fails for good says why, leaves no process, and offers the CPU only beside a GPU', async () => {
  const { host, alive } = start({
    handlers: {
      load: () => {
        throw new SnugError('model/corrupt-file', 'cut short')
      },
    },
  })
  await expect(host.load('m', '/m.gguf', { ...options, hasGpu: true })).rejects.toEqual(coded('model/corrupt-file'))
  expect(host.status()).toMatchObject({ state: 'failed', error: { code: 'model/corrupt-file' }, canTryCpu: true })
  await expect(host.load('m', '/m.gguf', options)).rejects.toEqual(coded('model/corrupt-file'))
  expect(host.status()).toMatchObject({ state: 'failed', canTryCpu: false })
  expect(alive()).toBe(0)
})

test('a hang in load is ended; progress keeps a slow load alive', async () => {
  const hang = start({ handlers: { load: (_args, call) => call.stall() } }, { loadStallMs: 60 })
  await expect(hang.host.load('m', '/m.gguf', options)).rejects.toEqual(coded('engine/stalled'))
  expect(hang.alive()).toBe(0)

  const slow = start(
    {
      handlers: {
        load: async (args, call) => {
          for (let part = 1; part <= 6; part++) {
            await new Promise((resolve) => setTimeout(resolve, 30))
            call.emit({ kind: 'load-progress', fraction: part / 6 })
          }
          return loadedModel(args.contextSize)
        },
      },
    },
    { loadStallMs: 120 },
  )
  const fractions: number[] = []
  await slow.host.load('m', '/m.gguf', options, (fraction) => fractions.push(fraction))
  expect(fractions).toHaveLength(6)
})

test('a reply that stalls is ended, and stopping one that does not answer ends the process without counting a crash', async () => {
  const { host, alive } = start(
    { replies: [{ answer: 'a b c d', fault: { kind: 'stall', afterDeltas: 2 } }] },
    { generateStallMs: 80, stopMs: 40 },
  )
  await host.load('m', '/m.gguf', options)
  await expect(host.generate(request)).rejects.toEqual(coded('engine/stalled'))
  expect(host.status()).toMatchObject({ state: 'failed', error: { code: 'engine/stalled' } })
  expect(alive()).toBe(0)

  await host.load('m', '/m.gguf', options)
  const abort = new AbortController()
  const reply = host.generate(request, { signal: abort.signal })
  setTimeout(() => abort.abort(), 30)
  await expect(reply).rejects.toEqual(coded('cancelled'))
  await expect.poll(() => host.status().state).toBe('empty')
})

test('three crashes in five minutes stop automatic restarts; asking for it starts anew', async () => {
  const { host, fork, pass } = start({ replies: [{ answer: 'a b c d', fault: { kind: 'exit', afterDeltas: 1 } }] })
  const restart = () => host.load('m', '/m.gguf', { ...options, automatic: true })
  for (let crash = 0; crash < 3; crash++) {
    await restart()
    await expect(host.generate(request)).rejects.toEqual(coded(crash < 2 ? 'engine/crashed' : 'engine/unavailable'))
    pass(60_000)
  }
  expect(host.status()).toMatchObject({ state: 'failed', error: { code: 'engine/unavailable' } })
  await expect(restart()).rejects.toEqual(coded('engine/unavailable'))
  pass(4 * 60_000)
  await restart()
  fork.processes.at(-1)?.crash()
  await expect.poll(() => host.status().state).toBe('failed')
  await host.load('m', '/m.gguf', { ...options, backend: 'cpu' })
  expect(host.status().state).toBe('ready')
})

test('a restart takes the plan that worked', async () => {
  const asked: unknown[] = []
  const { host, fork } = start({
    handlers: {
      load: (args) => {
        asked.push(args.contextSize)
        if (args.contextSize === 8_192) throw new SnugError('engine/out-of-memory', 'no room')
        return loadedModel(args.contextSize)
      },
    },
  })
  await host.load('m', '/m.gguf', options)
  fork.processes.at(-1)?.crash('signal SIGKILL')
  await expect.poll(() => host.status().state).toBe('failed')
  await host.load('m', '/m.gguf', { ...options, automatic: true })
  expect(asked).toEqual([8_192, 4_096, 4_096])
  expect(host.status()).toMatchObject({ state: 'ready', ladder: [{ change: 'context', to: 4_096 }] })
})

test('another load or an unload takes the place of a load in progress', async () => {
  const { host, alive } = start({
    handlers: { load: (args, call) => (args.path === '/slow.gguf' ? call.stall() : loadedModel(args.contextSize)) },
  })
  const slow = host.load('slow', '/slow.gguf', options)
  const cancelled = expect(slow).rejects.toEqual(coded('cancelled'))
  await new Promise((resolve) => setTimeout(resolve, 20))
  await host.load('m', '/m.gguf', options)
  await cancelled
  expect(host.status()).toMatchObject({ state: 'ready', modelId: 'm' })
  expect(alive()).toBe(1)
})

test('a template that hangs costs the tools process and nothing else', async () => {
  const { host, fork } = start({
    handlers: {
      render: (args, call) => (args.messages.length === 0 ? call.stall() : { ...rendered, text: 'ok' }),
      inspect: (_args, call) => {
        call.exit('signal SIGABRT')
        return call.stall()
      },
    },
  })
  await host.load('m', '/m.gguf', options)
  const source = { kind: 'file' as const, path: '/m.gguf' }
  const bad = host.tools('render', { source, messages: [], thinking: { mode: 'default' } }, 50)
  const good = host.tools('render', { source, messages: [{ role: 'user', content: 'x' }], thinking: { mode: 'default' } })
  await expect(bad).rejects.toEqual(coded('template/too-slow'))
  expect((await good).text).toBe('ok')
  await expect(host.tools('inspect', { path: '/bad.gguf' })).rejects.toEqual(coded('model/corrupt-file'))
  expect((await host.tools('tokenize', { path: '/m.gguf', prompt: [] })).tokens).toEqual([])
  expect(host.status()).toMatchObject({ state: 'ready' })
  expect(fork.processes.filter((one) => one.role === 'tools')).toHaveLength(3)
})

test('dispose leaves nothing running, even in the middle of a load', async () => {
  const { host, alive } = start({ handlers: { load: (_args, call) => call.stall() } })
  const load = expect(host.load('m', '/m.gguf', options)).rejects.toEqual(coded('cancelled'))
  await host.tools('tokenize', { path: '/m.gguf', prompt: [] })
  expect(alive()).toBe(2)
  await host.dispose()
  await load
  expect(alive()).toBe(0)
  await expect(host.tools('tokenize', { path: '/m.gguf', prompt: [] })).rejects.toEqual(coded('cancelled'))
})

const rendered = {
  text: '',
  pieces: [],
  thinking: { kind: 'none' as const },
  markers: null,
  opensThought: false,
  thinkingOff: false,
  stops: [],
  template: { kind: 'own' as const },
}

function loadedModel(contextSize: number | 'auto') {
  return {
    backend: 'cpu' as const,
    gpuLayers: 0,
    totalLayers: 32,
    contextSize: contextSize === 'auto' ? 8_192 : contextSize,
    batchSize: 512,
    threads: 1,
    flashAttention: false,
    kvCacheType: 'f16' as const,
    useMmap: true,
    trainContextSize: 8_192,
    loadMs: 1,
    buffers: { parts: [], completeness: 'complete' as const },
    needsCheckpoints: false,
  }
}
