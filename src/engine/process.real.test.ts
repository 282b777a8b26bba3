import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engineEnv } from './engineEnv'
import { writeScriptedModel } from './scriptedModel'
import { codeOf, engineEntry, generateRequest, isGone, loadRequest, render, say, startEngine, until } from './testEngine'

describe('worker processes', () => {
  let folder: string
  let path: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'snug-process-'))
    path = (await writeScriptedModel(join(folder, 'endless.gguf'), { loop: true, contextSize: 100_000 })).path
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  it('rejects open calls when the process is killed, and a new one works', async () => {
    const tools = startEngine('tools')
    const prompt = await render(tools, path, [{ role: 'user', content: 'Speak.' }], { mode: 'off' })
    const first = startEngine('model')
    await first.call('load', loadRequest(path))
    let deltas = 0
    const reply = codeOf(first.call('generate', generateRequest(prompt, { maxTokens: null }), { onEvent: () => deltas++ }))
    await until(() => deltas > 3, 5000)
    process.kill(first.process.pid ?? 0, 'SIGKILL')
    expect(await reply).toBe('engine/crashed')
    expect(first.closed).toContain('SIGKILL')
    expect(await codeOf(first.call('count', { prompt: prompt.pieces }))).toBe('engine/crashed')

    const second = startEngine('model')
    await second.call('load', loadRequest(path))
    expect((await say(second, prompt, { maxTokens: 5 })).stats.evalTokens).toBe(5)
    await Promise.all([tools.process.kill(), second.process.kill()])
  })

  it('is ended within seconds when it hangs', async () => {
    const tools = startEngine('tools')
    await tools.ready()
    const pid = tools.process.pid ?? 0
    process.kill(pid, 'SIGSTOP')
    expect(await codeOf(tools.call('inspect', { path }, { timeoutMs: 100 }))).toBe('engine/stalled')
    const started = performance.now()
    await tools.process.kill()
    expect(performance.now() - started).toBeLessThan(4000)
    expect(isGone(pid)).toBe(true)
  })

  it.each(['busy', 'idle'] as const)('leaves no orphan when the app is killed with -9 (%s)', async (work) => {
    const call = { seq: 1, call: 'load', args: loadRequest(path) }
    const prompt = [{ kind: 'template', text: 'Speak.' }]
    const generate = { seq: 2, call: 'generate', args: { ...generateRequest(prompt as never), maxTokens: null } }
    const app = `
      const { fork } = require('node:child_process')
      const worker = fork(${JSON.stringify(engineEntry())}, [], { env: ${JSON.stringify(engineEnv('model'))}, stdio: ['ignore', 'ignore', 'ignore', 'ipc'] })
      worker.on('message', (message) => {
        if (message.type === 'ready') ${work === 'busy' ? `worker.send(${JSON.stringify(call)})` : "process.stdout.write('PID ' + worker.pid + '\\n')"}
        if (message.type === 'reply') worker.send(${JSON.stringify(generate)})
        if (message.type === 'event' && message.seq === 2) process.stdout.write('PID ' + worker.pid + '\\n')
      })`
    const parent = spawn(process.execPath, ['-e', app], { stdio: ['ignore', 'pipe', 'inherit'] })
    let out = ''
    parent.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text
    })
    expect(await until(() => /PID \d+/.test(out), 30_000)).toBe(true)
    const pid = Number(/PID (\d+)/.exec(out)?.[1])
    expect(isGone(pid)).toBe(false)
    parent.kill('SIGKILL')
    expect(await until(() => isGone(pid), 5000)).toBe(true)
  })

  it('gets an environment without secrets, with one pool thread', () => {
    const env = engineEnv('tools', { PATH: '/bin', HTTPS_PROXY: 'http://user:secret@proxy', HF_TOKEN: 'secret', CUDA_VISIBLE_DEVICES: '0' })
    expect(env).toEqual({ PATH: '/bin', CUDA_VISIBLE_DEVICES: '0', UV_THREADPOOL_SIZE: '1', SNUG_ENGINE_ROLE: 'tools' })
  })
})
