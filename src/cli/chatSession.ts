import { resolve } from 'node:path'
import { type GenerationStats, type PromptMessage, type Sampling, defaultSampling } from '@shared/domain/chat'
import { samplingOf } from '@shared/domain/starter'
import type { ModelFacts } from '@shared/domain/gguf'
import { effectiveSampling } from '@shared/domain/preset'
import type { ThinkingChoice } from '@shared/domain/thinking'
import type { EngineEvent } from '@shared/engine/protocol'
import { SnugError } from '@shared/errors'
import type { Core } from '../main/core'
import { nameOf } from '../main/services/libraryRows'
import type { LoadWishes } from '../main/services/loading'

export interface AnswerOptions {
  sampling: Partial<Sampling>
  thinking: ThinkingChoice
  maxTokens: number | null
}

export interface Answer {
  answer: string
  thought: string
  stats: GenerationStats
  /** Name of the format used where the model's own template could not be. */
  fallback: string | null
}

/** About how many tokens a text has, at most: Chinese has about one per character, Latin text a quarter of that. */
function roughTokens(messages: readonly PromptMessage[]): number {
  return messages.reduce((sum, { content, thought }) => sum + content.length + (thought?.length ?? 0) + 16, 0)
}

/** One loaded model and its conversation, without a database. */
export class ChatSession {
  private constructor(
    private readonly core: Core,
    readonly path: string,
    readonly facts: ModelFacts,
  ) {}

  get name(): string {
    return nameOf({ facts: this.facts, path: this.path, repository: null })
  }

  static async open(
    core: Core,
    file: string,
    wishes: LoadWishes,
    held: readonly PromptMessage[],
    signal: AbortSignal,
    onProgress: (fraction: number) => void,
  ): Promise<ChatSession> {
    const path = resolve(file)
    const facts = await core.engine.tools('inspect', { path })
    await core.loading.loadFile(path, facts, wishes, Math.ceil(roughTokens(held) / 2), signal, onProgress)
    return new ChatSession(core, path, facts)
  }

  async answer(
    messages: PromptMessage[],
    options: AnswerOptions,
    signal: AbortSignal,
    onEvent: (event: EngineEvent) => void,
  ): Promise<Answer> {
    const { engine } = this.core
    const rendered = await engine.tools('render', { source: { kind: 'file', path: this.path }, messages, thinking: options.thinking })
    const contextSize = engine.loaded?.model.contextSize ?? 0
    const { tokens } = await engine.count(rendered.pieces)
    if (tokens >= contextSize)
      throw new SnugError('chat/context-too-small', `the prompt has ${tokens} tokens, the context ${contextSize}`, { tokens, contextSize })
    let answer = ''
    let thought = ''
    const budget = options.thinking.mode === 'off' ? null : (options.thinking.budgetTokens ?? null)
    const stats = await engine.generate(
      {
        prompt: rendered.pieces,
        sampling: effectiveSampling({ ...defaultSampling, ...options.sampling }, null, samplingOf(this.facts)),
        markers: rendered.markers,
        opensThought: rendered.opensThought,
        inAnswer: rendered.inAnswer ?? false,
        thoughtBudgetTokens: rendered.thinkingOff ? 0 : budget,
        maxTokens: options.maxTokens,
        stops: rendered.stops,
      },
      {
        signal,
        onEvent: (event) => {
          if (event.kind === 'delta') {
            if (event.segment === 'thought') thought += event.text
            else answer += event.text
          }
          onEvent(event)
        },
      },
    )
    return { answer, thought, stats, fallback: rendered.template.kind === 'fallback' ? rendered.template.name : null }
  }
}

/** Leaves out the oldest turns, whole, and keeps the system message: for a conversation in the terminal that outgrew its context. */
export function withoutOldestTurn(messages: readonly PromptMessage[]): PromptMessage[] | null {
  const head = messages.findIndex((message) => message.role !== 'system')
  const next = messages.findIndex((message, index) => index > head && message.role === 'user')
  return head < 0 || next < 0 ? null : [...messages.slice(0, head), ...messages.slice(next)]
}
