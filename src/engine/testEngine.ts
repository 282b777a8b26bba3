import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { GenerationStats, PromptMessage, Sampling } from '@shared/domain/chat'
import type { ThinkingChoice } from '@shared/domain/thinking'
import type { EngineEvent, EngineRole, GenerateRequest, LoadRequest, PromptPiece, RenderedPrompt } from '@shared/engine/protocol'
import { SnugError } from '@shared/errors'
import { type CallOptions, createEngineClient, type EngineClient } from './client'
import { forkNode } from './forkNode'

/** Helpers of the real tests: a built worker, the models that set-up leaves, and short ways to ask. */

const root = fileURLToPath(new URL('../..', import.meta.url))

export function engineEntry(): string {
  const entry = process.env.SNUG_ENGINE_ENTRY ?? `${root}out/main/engine.js`
  if (!existsSync(entry)) throw new Error('The engine is not built: run `npm run build` first.')
  return entry
}

function setupNote(key: 'starterModel' | 'gemmaModel'): string | null {
  const note = `${root}node_modules/.cache/snug/runtime.json`
  if (!existsSync(note)) return null
  const value: unknown = (JSON.parse(readFileSync(note, 'utf8')) as Record<string, unknown>)[key]
  return typeof value === 'string' && existsSync(value) ? value : null
}
export const starterModel = process.env.SNUG_TEST_MODEL ?? setupNote('starterModel')
export const gemmaModel = process.env.SNUG_TEST_GEMMA ?? setupNote('gemmaModel')

export function startEngine(role: EngineRole): EngineClient {
  return createEngineClient(forkNode(engineEntry())(role))
}

export const loadRequest = (path: string, more: Partial<LoadRequest> = {}): LoadRequest => ({
  path,
  backend: 'cpu',
  gpuLayers: 0,
  contextSize: 2048,
  batchSize: 'auto',
  // One thread: tests run beside each other, and two threads on a busy machine collapse.
  threads: 1,
  flashAttention: 'auto',
  kvCacheType: 'f16',
  useMmap: 'auto',
  ...more,
})

export const greedy: Sampling = { temperature: 0, topP: null, topK: null, minP: null, repeatPenalty: null, seed: 1 }

export interface Said {
  answer: string
  thought: string
  raw: string
  stats: GenerationStats
  events: EngineEvent[]
}

export function render(
  tools: EngineClient,
  path: string,
  messages: PromptMessage[],
  thinking: ThinkingChoice = { mode: 'default' },
): Promise<RenderedPrompt> {
  return tools.call('render', { source: { kind: 'file', path }, messages, thinking })
}

export function generateRequest(prompt: RenderedPrompt | PromptPiece[], more: Partial<GenerateRequest> = {}): GenerateRequest {
  const rendered = Array.isArray(prompt) ? { pieces: prompt, markers: null, opensThought: false, stops: [] } : prompt
  return {
    prompt: rendered.pieces,
    sampling: greedy,
    markers: rendered.markers,
    opensThought: rendered.opensThought,
    inAnswer: 'inAnswer' in rendered && rendered.inAnswer === true,
    thoughtBudgetTokens: null,
    maxTokens: 64,
    stops: rendered.stops,
    ...more,
  }
}

export async function say(
  model: EngineClient,
  prompt: RenderedPrompt | PromptPiece[],
  more: Partial<GenerateRequest> = {},
  options: CallOptions = {},
): Promise<Said> {
  const said = { answer: '', thought: '', raw: '' }
  const events: EngineEvent[] = []
  const stats = await model.call('generate', generateRequest(prompt, more), {
    ...options,
    onEvent: (event) => {
      events.push(event)
      if (event.kind === 'delta') {
        said[event.segment] += event.text
        said.raw += event.raw
      }
      options.onEvent?.(event)
    },
  })
  return { ...said, stats, events }
}

export function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'resolved',
    (error: unknown) => (error instanceof SnugError ? error.code : `not ours: ${String(error)}`),
  )
}

/** Gone, or a zombie that nobody has collected. */
export function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return process.platform === 'linux' && / Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    // No such process.
    return true
  }
}

export async function until(check: () => boolean, limitMs: number): Promise<boolean> {
  const end = performance.now() + limitMs
  while (performance.now() < end) {
    if (check()) return true
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return check()
}
