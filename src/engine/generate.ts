import type { GenerationStats, Sampling, StopReason } from '@shared/domain/chat'
import type { GenerateRequest } from '@shared/engine/protocol'
import { SnugError } from '@shared/errors'
import type { LlamaContextSequence, LlamaModel, SequenceEvaluateOptions, Token } from 'node-llama-cpp'
import { keepCachedTokens } from './cacheText'
import { type PrefillRate, prefill } from './prefill'
import type { PromptThreads } from './promptThreads'
import { promptTokens } from './promptTokens'
import { createReplyWriter } from './replyWriter'
import { rewindTo } from './rewind'
import type { CallContext } from './server'
import type { ThreadGovernor } from './threadGovernor'
import type { Vocabulary } from './vocabulary'

export interface ModelSession {
  model: LlamaModel
  sequence: LlamaContextSequence
  vocabulary: Vocabulary
  batchSize: number
  rate: PrefillRate
  threads: ThreadGovernor
  promptThreads: PromptThreads
}

/** llama.cpp's own defaults (common/common.h), where neither the user nor the model's file says anything else. */
const samplingDefaults = { temperature: 0.8, topP: 0.95, topK: 40, minP: 0.05 }
/** Tokens that a repeat penalty looks back on; llama.cpp's default. */
const penaltyWindow = 64

/** A context never shifts by itself: what is dropped is decided, and told, before the prompt is rendered. */
const neverShift = {
  size: 1,
  strategy: () => {
    throw new SnugError('chat/context-too-small', 'the context is full')
  },
}

export function evaluateOptions(sampling: Sampling, recent: () => Token[]): SequenceEvaluateOptions {
  return {
    temperature: sampling.temperature ?? samplingDefaults.temperature,
    topP: sampling.topP ?? samplingDefaults.topP,
    topK: sampling.topK ?? samplingDefaults.topK,
    minP: sampling.minP ?? samplingDefaults.minP,
    // The library's default is the clock in seconds: two answers within one second would be the same.
    seed: sampling.seed ?? Math.floor(Math.random() * 0xffff_ffff),
    repeatPenalty:
      sampling.repeatPenalty === null || sampling.repeatPenalty === 1
        ? undefined
        : { penalty: sampling.repeatPenalty, punishTokens: recent, maxPunishTokens: penaltyWindow },
    yieldEogToken: true,
    contextShift: neverShift,
  }
}

/** One place is kept: the library counts a context as full before its last cell. */
function refuseTooLong(promptLength: number, contextSize: number): void {
  if (promptLength > contextSize - 1)
    throw new SnugError('chat/context-too-small', 'the prompt is longer than the context', { promptTokens: promptLength, contextSize })
}

/** Fewer tokens than this are evaluated again rather than kept in one of the few checkpoints. */
const checkpointGap = 32

/**
 * Where a model that cannot rewind keeps its state, as numbers of tokens: after the last two messages (an edit of the last parts
 * there, and so does another choice of thinking), and before the last token where that is not the same place within a few tokens.
 */
function checkpointPlaces(prompt: Token[], vocabulary: Vocabulary): number[] {
  const ends = prompt.flatMap((token, index) => (vocabulary.isEnd(token) ? [index + 1] : [])).slice(-2)
  const last = ends.at(-1)
  return last !== undefined && prompt.length - 1 - last < checkpointGap ? ends : [...ends, prompt.length - 1]
}

/** The library asks for its number of threads at each batch, so the change holds from the next one on. */
function setThreads({ model }: ModelSession, threads: number): void {
  if (model.llama.maxThreads !== threads) model.llama.maxThreads = threads
}

/** Brings the sequence to the prompt: what is shared stays, the rest is erased. Gives the tokens and how many need no evaluation. */
async function reuseCache(session: ModelSession, prompt: Token[]): Promise<{ tokens: Token[]; cached: number }> {
  const { sequence, vocabulary } = session
  const tokens = keepCachedTokens(sequence.contextTokens, prompt, vocabulary)
  // The last token is always evaluated: the reply's first is sampled from it.
  return { tokens, cached: await rewindTo(sequence, tokens.slice(0, -1)) }
}

export async function generate(session: ModelSession, request: GenerateRequest, call: CallContext): Promise<GenerationStats> {
  const { sequence, vocabulary, model } = session
  const started = performance.now()
  const rendered = promptTokens(request.prompt, vocabulary)
  if (rendered.length === 0) throw new SnugError('usage/invalid', 'the prompt is empty')
  refuseTooLong(rendered.length, sequence.contextSize)
  const meter = sequence.tokenMeter.getState()
  const { tokens, cached } = await reuseCache(session, rendered)
  const writer = createReplyWriter({
    emit: call.emit,
    detokenize: (part, specials, before) => model.detokenize(part, specials, before),
    showsSpecial: showsSpecial(request, vocabulary),
    stops: request.stops,
    markers: request.markers,
    opensThought: request.opensThought,
    thoughtOff: request.thoughtBudgetTokens === 0 && !request.opensThought,
    inAnswer: request.inAnswer === true,
  })
  const closing = request.markers === null ? [] : vocabulary.tokenize(request.markers.gracefulClose, true)
  const budgetSpent = () =>
    closing.length > 0 && request.thoughtBudgetTokens !== null && writer.inThought && writer.thoughtTokens >= request.thoughtBudgetTokens

  const prompt = [...tokens]
  if (budgetSpent() && request.markers !== null) {
    // A budget of nothing: the thought that the prompt opens is closed before the model writes.
    prompt.push(...closing)
    writer.inject(request.markers.gracefulClose)
  }
  refuseTooLong(prompt.length, sequence.contextSize)
  if (session.threads.collapsed) session.promptThreads.atMost(session.threads.decode)
  const whole = await prefill({
    sequence,
    tokens: prompt.slice(0, -1),
    cached,
    checkpoints: sequence.needsCheckpoints ? checkpointPlaces(prompt, vocabulary) : [],
    batchSize: session.batchSize,
    rate: session.rate,
    threads: session.promptThreads,
    onSlice: () => setThreads(session, session.promptThreads.count),
    call,
  })

  // The meter counts tokens that were evaluated; the prompt's last one is sampled from, which it counts apart.
  const promptEvaluated = Math.min(tokens.length, sequence.tokenMeter.diff(meter).usedInputTokens + (whole ? 1 : 0))
  // Sampled tokens need a place each, but for the last, which is never evaluated.
  let room = sequence.contextSize - prompt.length
  const wanted = request.maxTokens ?? Number.POSITIVE_INFINITY
  let stopReason: StopReason = whole ? 'end' : 'stopped'
  let firstAt: number | null = null
  let lastAt = performance.now()
  let generated = 0
  let decodes = 0
  const recent: Token[] = prompt.slice(-penaltyWindow)
  // Without a new token the sequence stays at the prompt's last but one.
  const last = prompt[prompt.length - 1]
  if (whole && wanted <= 0) stopReason = 'max-tokens'
  else if (whole && last !== undefined) {
    session.threads.begin()
    const iterator = sequence.evaluate(
      [last],
      evaluateOptions(request.sampling, () => recent.slice(-penaltyWindow)),
    )
    let input: Token[] | undefined
    try {
      for (;;) {
        if (firstAt !== null) setThreads(session, session.threads.decode)
        const step = input === undefined ? await iterator.next() : await iterator.next(input)
        const now = performance.now()
        if (firstAt === null) firstAt = now
        else {
          decodes++
          // A closed thought puts several tokens into one step: that is no decode to measure.
          if (input?.length === 1) session.threads.measured(now - lastAt)
        }
        lastAt = now
        if (step.done) break
        const token = step.value
        if (vocabulary.isEnd(token)) break
        generated++
        recent.push(token)
        if (recent.length > 4 * penaltyWindow) recent.splice(0, 2 * penaltyWindow)
        if (writer.push(token)) break
        if (call.signal.aborted) stopReason = 'stopped'
        else if (generated >= wanted) stopReason = 'max-tokens'
        else if (generated >= room) stopReason = 'context-full'
        if (stopReason !== 'end') break
        input = [token]
        if (request.markers !== null && writer.isWhole && budgetSpent()) {
          room -= closing.length
          if (generated >= room) {
            stopReason = 'context-full'
            break
          }
          input.push(...closing)
          recent.push(...closing)
          writer.inject(request.markers.gracefulClose)
        }
      }
    } finally {
      await iterator.return()
    }
  }
  writer.end()

  const promptMs = (firstAt ?? lastAt) - started
  const evalMs = firstAt === null ? 0 : lastAt - firstAt
  return {
    promptTokens: tokens.length,
    cachedTokens: tokens.length - promptEvaluated,
    promptMs,
    evalTokens: generated,
    thoughtTokens: writer.thoughtTokens,
    evalMs,
    ttftMs: promptMs,
    promptTokensPerSecond: promptMs > 0 ? (promptEvaluated / promptMs) * 1000 : 0,
    evalTokensPerSecond: evalMs > 0 ? (decodes / evalMs) * 1000 : 0,
    stopReason,
  }
}

/** A control token is text only where a marker or a stop is spelled with it; any other is nothing that a reader should see. */
function showsSpecial(request: GenerateRequest, vocabulary: Vocabulary): (token: Token) => boolean {
  const markers = request.markers
  const spelled = [
    ...request.stops,
    ...(markers === null
      ? []
      : [
          ...markers.open,
          ...markers.close,
          ...markers.answerOpen,
          ...markers.answerClose,
          ...(markers.skip ?? []),
          ...(markers.header ? [markers.header.start, markers.header.end] : []),
        ]),
  ].join('\n')
  const shown = new Set<Token>()
  for (const { token, spelling } of vocabulary.controls()) if (spelled.includes(spelling)) shown.add(token)
  return (token) => !vocabulary.isControl(token) || shown.has(token)
}
