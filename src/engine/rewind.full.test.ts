import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { EngineClient } from './client'
import { gemmaModel, loadRequest, say, startEngine } from './testEngine'

/** Gemma 3 270M: a window of 512 tokens, and a base model without a template, so the texts are plain. */
describe.skipIf(gemmaModel === null)('a model that cannot rewind', () => {
  const path = gemmaModel ?? ''
  let model: EngineClient
  let fresh: EngineClient
  beforeAll(async () => {
    ;[model, fresh] = [startEngine('model'), startEngine('model')]
    const [loaded] = await Promise.all([model, fresh].map((engine) => engine.call('load', loadRequest(path, { contextSize: 1536 }))))
    expect(loaded?.needsCheckpoints).toBe(true)
    expect(loaded?.buffers.completeness).toBe('complete')
  })
  afterAll(() => Promise.all([model.process.kill(), fresh.process.kill()]))

  const story = Array.from({ length: 110 }, (_, index) => `Day ${index}: the cat sat.`).join(' ')
  const piece = (text: string) => [{ kind: 'template' as const, text }]

  /** What the pattern makes certain: figures near a tie differ with the slices of a prompt, as the arithmetic is rounded. */
  const night = (kept: number) => piece(`${story.slice(0, kept)} Night 1: the cat`)

  it('takes up its checkpoint after an edit, though its window has moved on', async () => {
    const first = await say(model, piece(`${story}<end_of_turn>\nDay 0: the cat sat. Day 1: the cat sat. Day 2:`), { maxTokens: 300 })
    expect(first.stats.cachedTokens).toBe(0)
    // More than the cache holds beyond a window, so the last 512 tokens before the edit are no longer whole.
    expect(first.stats.evalTokens).toBe(300)

    const edited = piece(`${story}<end_of_turn>\nNight 1: the cat`)
    const again = await say(model, edited, { maxTokens: 2 })
    expect(again.stats.promptTokens - again.stats.cachedTokens).toBeLessThan(16)
    expect(again.answer).toBe(' sat.')
    expect((await say(fresh, edited, { maxTokens: 2 })).answer).toBe(again.answer)

    const repeated = await say(model, edited, { maxTokens: 2 })
    expect(repeated.stats.promptTokens - repeated.stats.cachedTokens).toBe(1)
    expect(repeated.answer).toBe(again.answer)
  })

  it('only erases where the window is whole, and starts again where nothing reaches', async () => {
    const late = await say(fresh, night(2000), { maxTokens: 2 })
    expect(late.stats.promptTokens - late.stats.cachedTokens).toBeLessThan(16)
    expect(late.answer).toBe(' sat.')
    const early = await say(fresh, night(300), { maxTokens: 2 })
    expect(early.stats.cachedTokens).toBe(0)
    expect(early.answer).toBe(' sat.')
  })
})
