import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { EngineClient } from './client'
import { writeScriptedModel } from './scriptedModel'
import { greedy, loadRequest, render, say, startEngine } from './testEngine'

const ask = [{ role: 'user', content: 'Speak.' }]

describe('the engine with the scripted model', () => {
  let folder: string
  let script: Awaited<ReturnType<typeof writeScriptedModel>>
  let endless: Awaited<ReturnType<typeof writeScriptedModel>>
  let tools: EngineClient
  let model: EngineClient

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'snug 脚本 '))
    script = await writeScriptedModel(join(folder, 'scripted.gguf'))
    endless = await writeScriptedModel(join(folder, 'endless.gguf'), { loop: true, contextSize: 512 })
    tools = startEngine('tools')
    model = startEngine('model')
    const loaded = await model.call('load', loadRequest(script.path))
    expect(loaded.buffers.completeness).toBe('complete')
  })
  afterAll(async () => {
    await Promise.all([tools.process.kill(), model.process.kill()])
    await rm(folder, { recursive: true, force: true })
  })

  it('is asked what it can do by its template', async () => {
    const capability = await tools.call('capability', { source: { kind: 'file', path: script.path } })
    expect(capability).toMatchObject({ kind: 'toggle', variable: 'enable_thinking' })
  })

  it('thinks and answers when thinking is on, with no tag in either', async () => {
    const said = await say(model, await render(tools, script.path, ask, { mode: 'on' }))
    expect(said.thought).toBe(script.thought)
    expect(said.answer).toBe(script.answer)
    expect(said.raw).toBe(script.raw)
    expect(said.stats).toMatchObject({ stopReason: 'end', evalTokens: script.tokens.on })
    expect(said.stats.thoughtTokens).toBeGreaterThan(5)
  })

  it('only answers when it is off: no thought token is generated', async () => {
    const prompt = await render(tools, script.path, ask, { mode: 'off' })
    expect(prompt.thinkingOff).toBe(true)
    const said = await say(model, prompt)
    expect(said).toMatchObject({ thought: '', answer: script.answer, raw: script.answer })
    expect(said.stats).toMatchObject({ thoughtTokens: 0, evalTokens: script.tokens.off })
  })

  it('closes a thought gracefully when its budget is spent', async () => {
    const prompt = await render(tools, script.path, ask, { mode: 'on' })
    const said = await say(model, prompt, { thoughtBudgetTokens: 3 })
    expect(said.stats.thoughtTokens).toBe(3)
    expect(said.thought.length).toBeGreaterThan(0)
    expect(script.thought?.startsWith(said.thought)).toBe(true)
    expect(said.answer).toBe(script.answer)
    expect(said.raw).toContain('</think>')
  })

  // 450 replies, beside whatever else the machine does.
  it('reaches the sampler with the temperature: two successors, by softmax(Δ/T)', { timeout: 300_000 }, async () => {
    const prompt = await render(tools, script.path, ask, { mode: 'off' })
    const before = script.answer.slice(0, script.answer.indexOf(script.choice.before) + script.choice.before.length)
    const pieces = [...prompt.pieces, { kind: 'template' as const, text: before }]
    const share = async (temperature: number, runs: number) => {
      let others = 0
      for (let seed = 1; seed <= runs; seed++) {
        const said = await say(model, pieces, { maxTokens: 1, sampling: { ...greedy, temperature, topK: 0, topP: 1, minP: 0, seed } })
        if (said.answer === script.choice.other) others++
        else expect(said.answer).toBe(script.choice.likely)
      }
      return others / runs
    }
    for (const [temperature, runs] of [
      [1, 300],
      [0.4, 150],
    ] as const) {
      const expected = script.choice.probabilityOfOther(temperature)
      // Four standard deviations of a binomial share.
      const slack = 4 * Math.sqrt((expected * (1 - expected)) / runs)
      expect(Math.abs((await share(temperature, runs)) - expected), `at ${temperature}`).toBeLessThan(slack)
    }
    expect(await share(0, 5)).toBe(0)
    const seeded = async () => (await say(model, pieces, { maxTokens: 1, sampling: { ...greedy, temperature: 1, seed: 7 } })).answer
    expect(await seeded()).toBe(await seeded())
  })

  it('stops at a spelling, which is never shown', async () => {
    const prompt = await render(tools, script.path, ask, { mode: 'off' })
    const said = await say(model, prompt, { stops: [...prompt.stops, '世界'] })
    expect(said.answer).toBe(script.answer.slice(0, script.answer.indexOf('世界')))
    expect(said.stats.stopReason).toBe('end')
  })

  it('joins deltas into frames and never breaks a character', async () => {
    const said = await say(model, await render(tools, script.path, ask, { mode: 'on' }))
    const deltas = said.events.flatMap((event) => (event.kind === 'delta' ? [event] : []))
    for (const delta of deltas) expect(delta.text).not.toContain('\uFFFD')
    expect(deltas.reduce((sum, delta) => sum + delta.tokens, 0)).toBe(script.tokens.on)
    expect(deltas.reduce((sum, delta) => sum + (delta.segment === 'thought' ? delta.tokens : 0), 0)).toBe(said.stats.thoughtTokens)
  })

  it('ends an endless reply when the context is full', async () => {
    const engine = startEngine('model')
    await engine.call('load', loadRequest(endless.path, { contextSize: 512 }))
    const prompt = await render(tools, endless.path, ask, { mode: 'off' })
    const said = await say(engine, prompt, { maxTokens: null })
    expect(said.stats.stopReason).toBe('context-full')
    expect(said.stats.evalTokens).toBe(512 - said.stats.promptTokens)
    expect(said.answer.startsWith(script.answer)).toBe(true)
    await engine.process.kill()
  })

  it('passes the engine check', async () => {
    const check = await tools.call('engineCheck', { backend: 'cpu', directory: folder })
    expect(check).toMatchObject({ ok: true })
    expect(check.tokensPerSecond).toBeGreaterThan(0)
  })
})
