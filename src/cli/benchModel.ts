import { resolve } from 'node:path'
import { halfSpread, median } from '@shared/domain/calibration'
import { defaultSampling, type GenerationStats } from '@shared/domain/chat'
import { firstTokenMs, type SpeedEstimate } from '@shared/domain/speed'
import { SnugError } from '@shared/errors'
import type { Core } from '../main/core'

export interface BenchResult {
  file: string
  promptTokens: number
  predicted: { decode: number; prefill: number; ttftMs: number; source: SpeedEstimate['source']; ranges: SpeedEstimate }
  measured: { decode: number; prefill: number; ttftMs: number; rounds: number; decodeSpread: number; ttftSpread: number }
  /** predicted ÷ measured: 1 is exact. */
  ratio: { decode: number; ttft: number }
}

const answerTokens = 48
/** A reply that ends at once says nothing about decoding. */
const leastAnswer = 8
const contextSize = 2048
const words =
  'The keeper of the lighthouse wrote down each ship that passed, the weather, the height of the sea and what the birds did that day. '

/** Loads a local file as a chat would, and asks it several times; each prompt begins differently, so that nothing is cached. */
export async function benchModel(
  core: Core,
  file: string,
  rounds: number,
  signal: AbortSignal,
  onProgress: (text: string) => void,
): Promise<BenchResult> {
  const path = resolve(file)
  const facts = await core.engine.tools('inspect', { path })
  const { speed, plan } = await core.recommendation.fitFile(facts, { contextSize })
  await core.loading.loadFile(path, facts, { contextSize }, { minContextSize: 0, signal }, (fraction) =>
    onProgress(`${Math.round(fraction * 100)} %`),
  )
  const measured: GenerationStats[] = []
  for (let round = 0; round <= rounds; round++) {
    if (signal.aborted) throw new SnugError('cancelled', 'cancelled')
    onProgress(`${round} / ${rounds}`)
    const stats = await core.engine.generate(
      {
        prompt: [{ kind: 'text', text: `${round} days ago. ${words.repeat(18)}` }],
        sampling: { ...defaultSampling, seed: round + 1 },
        markers: null,
        opensThought: false,
        thoughtBudgetTokens: null,
        maxTokens: answerTokens,
        stops: [],
      },
      { signal },
    )
    // The first round warms up: pages, threads, the size of a slice.
    if (round > 0) measured.push(stats)
  }
  const decodes = measured.filter(({ evalTokens }) => evalTokens >= leastAnswer).map(({ evalTokensPerSecond }) => evalTokensPerSecond)
  const firsts = measured.map(({ ttftMs }) => ttftMs)
  const promptTokens = measured[0]?.promptTokens ?? 0
  const found = {
    decode: decodes.length === 0 ? 0 : median(decodes),
    prefill: median(measured.map(({ promptTokensPerSecond }) => promptTokensPerSecond)),
    ttftMs: median(firsts),
  }
  // As deep as what was measured: a long prompt makes each token slower.
  const depths = { depth: promptTokens + answerTokens / 2, promptDepth: promptTokens / 2 }
  const predicted = await core.recommendation.predictReply(facts, plan, depths)
  const [ttftMs] = firstTokenMs([predicted.decode, predicted.decode], [predicted.prefill, predicted.prefill], promptTokens)
  return {
    file: path,
    promptTokens,
    predicted: { ...predicted, ttftMs, source: speed.source, ranges: speed },
    measured: { ...found, rounds, decodeSpread: halfSpread(decodes), ttftSpread: halfSpread(firsts) },
    ratio: { decode: found.decode === 0 ? 0 : predicted.decode / found.decode, ttft: ttftMs / found.ttftMs },
  }
}
