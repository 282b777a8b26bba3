import { resolve } from 'node:path'
import { type GenerationStats, type PromptMessage, type Sampling, defaultSampling } from '@shared/domain/chat'
import { samplingOf } from '@shared/domain/starter'
import type { ModelFacts } from '@shared/domain/gguf'
import { effectiveSampling } from '@shared/domain/preset'
import type { ThinkingChoice } from '@shared/domain/thinking'
import type { EngineEvent, LoadedModel, RenderedPrompt } from '@shared/engine/protocol'
import { SnugError } from '@shared/errors'
import type { Core } from '../main/core'
import type { BranchMessage } from '../main/services/contextPolicy'
import { nameOf } from '../main/services/libraryRows'
import type { LoadWishes } from '../main/services/loading'
import { isLostBefore } from '../main/services/replyWork'
import { budgetOf, planReply } from '../main/services/replyPrompt'

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

/** What it needs of the core. */
type Needs = Pick<Core, 'engine' | 'loading'>

/** A prompt as the model gets it. */
interface Prompt {
  rendered: RenderedPrompt
  droppedMessages: number
}

/** One model and its conversation, without a database. An engine that is gone is started again by the next turn. */
export class ChatSession {
  /** Where the prompt of the turn before began. */
  #firstMessageId: string | null = null

  private constructor(
    private readonly core: Needs,
    readonly path: string,
    readonly facts: ModelFacts,
    private readonly load: (more: { automatic: boolean; signal: AbortSignal }) => Promise<LoadedModel>,
  ) {}

  get name(): string {
    return nameOf({ facts: this.facts, path: this.path, repository: null })
  }

  static async open(
    core: Needs,
    file: string,
    wishes: LoadWishes,
    held: readonly PromptMessage[],
    signal: AbortSignal,
    onProgress: (fraction: number) => void,
  ): Promise<ChatSession> {
    const path = resolve(file)
    const facts = await core.engine.tools('inspect', { path })
    const minContextSize = Math.ceil(roughTokens(held) / 2)
    const session = new ChatSession(core, path, facts, (more) =>
      core.loading.loadFile(path, facts, wishes, { minContextSize, ...more }, onProgress),
    )
    await session.load({ automatic: false, signal })
    return session
  }

  /** These messages as they are, whole or not at all. */
  answer(messages: PromptMessage[], options: AnswerOptions, signal: AbortSignal, onEvent: (event: EngineEvent) => void): Promise<Answer> {
    return this.#write(options, signal, onEvent, async (contextSize) => {
      const { engine } = this.core
      const source = { kind: 'file' as const, path: this.path }
      const rendered = await engine.tools('render', { source, messages, thinking: options.thinking })
      const { tokens } = await engine.count(rendered.pieces)
      if (tokens >= contextSize) throw tooLong(tokens, contextSize)
      return { rendered, droppedMessages: 0 }
    })
  }

  /** The next turn of a conversation that may outgrow its context: the app's policy says what goes. */
  answerTurn(
    messages: readonly PromptMessage[],
    options: AnswerOptions,
    signal: AbortSignal,
    onEvent: (event: EngineEvent) => void,
  ): Promise<Answer> {
    return this.#write(options, signal, onEvent, async (contextSize) => {
      const planned = await planReply({
        host: this.core.engine,
        path: this.path,
        contextSize,
        system: null,
        branch: messages.map(branchMessage),
        thinking: options.thinking,
        maxTokens: options.maxTokens,
        firstMessageId: this.#firstMessageId,
        raw: '',
      })
      if (planned.tooLong) throw tooLong(planned.tokens, contextSize)
      this.#firstMessageId = planned.firstMessageId
      return planned
    })
  }

  async #write(
    options: AnswerOptions,
    signal: AbortSignal,
    onEvent: (event: EngineEvent) => void,
    prepare: (contextSize: number) => Promise<Prompt>,
  ): Promise<Answer> {
    let touched = false
    const write = async () => {
      const { contextSize } = this.core.engine.loaded?.model ?? (await this.load({ automatic: true, signal }))
      return this.#generate(await prepare(contextSize), options, signal, (event) => {
        touched = true
        onEvent(event)
      })
    }
    try {
      return await write()
    } catch (error) {
      // The engine was gone before anything of this answer was done.
      if (!isLostBefore(error) || touched || signal.aborted) throw error
      return write()
    }
  }

  async #generate(
    { rendered, droppedMessages }: Prompt,
    options: AnswerOptions,
    signal: AbortSignal,
    onEvent: (event: EngineEvent) => void,
  ): Promise<Answer> {
    let answer = ''
    let thought = ''
    const stats = await this.core.engine.generate(
      {
        prompt: rendered.pieces,
        sampling: effectiveSampling({ ...defaultSampling, ...options.sampling }, null, samplingOf(this.facts)),
        markers: rendered.markers,
        opensThought: rendered.opensThought,
        inAnswer: rendered.inAnswer ?? false,
        thoughtBudgetTokens: rendered.thinkingOff ? 0 : budgetOf(options.thinking),
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
    return {
      answer,
      thought,
      stats: droppedMessages > 0 ? { ...stats, droppedMessages } : stats,
      fallback: rendered.template.kind === 'fallback' ? rendered.template.name : null,
    }
  }
}

/** A conversation in the terminal only grows, so a place in it names a message. */
function branchMessage({ role, content, thought = '' }: PromptMessage, place: number): BranchMessage {
  const answer = { kind: 'answer' as const, text: content }
  return { id: `${place}`, role, segments: thought === '' ? [answer] : [{ kind: 'thought', text: thought }, answer] }
}

function tooLong(tokens: number, contextSize: number): SnugError {
  return new SnugError('chat/context-too-small', `the prompt has ${tokens} tokens, the context ${contextSize}`, { tokens, contextSize })
}
