import type { RenderedPrompt } from '@shared/engine/protocol'
import { type EngineClient, createEngineClient } from '../../src/engine/client'
import { forkNode } from '../../src/engine/forkNode'
import { engineEntry, greedy, loadRequest } from '../../src/engine/testEngine'

export interface Engine {
  threads: number
  contextSize: number
  batchSize: number
  /** Decoding alone, by the engine's own clock. */
  decode(tokens: number): Promise<number>
  stop(): Promise<void>
}

/** The engine process as the command line starts it, with every setting automatic. */
export async function startAutomaticEngine(path: string, rendered: RenderedPrompt): Promise<Engine> {
  const client: EngineClient = createEngineClient(forkNode(engineEntry())('model'))
  const { threads, contextSize, batchSize } = await client.call('load', loadRequest(path, { contextSize: 'auto', threads: 'auto' }))
  return {
    threads,
    contextSize,
    batchSize,
    decode: async (tokens) => {
      const stats = await client.call('generate', {
        prompt: rendered.pieces,
        sampling: greedy,
        markers: rendered.markers,
        opensThought: rendered.opensThought,
        thoughtBudgetTokens: null,
        maxTokens: tokens,
        stops: rendered.stops,
      })
      return stats.evalTokensPerSecond
    },
    stop: () => client.process.kill(),
  }
}

/** The prompt as the model's own template renders it. */
export async function renderPrompt(path: string, prompt: string): Promise<RenderedPrompt> {
  const tools = createEngineClient(forkNode(engineEntry())('tools'))
  try {
    return await tools.call('render', {
      source: { kind: 'file', path },
      messages: [{ role: 'user', content: prompt }],
      thinking: { mode: 'default' },
    })
  } finally {
    await tools.process.kill()
  }
}
