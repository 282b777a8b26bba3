import { type Corrections, type SpeedRatio, correctionsOf, runPlace } from '@shared/domain/corrections'
import type { GenerationStats } from '@shared/domain/chat'
import type { ModelFacts } from '@shared/domain/gguf'
import type { Backend, HardwareReport } from '@shared/domain/hardware'
import type { SizedModel } from '@shared/domain/memory'
import { isSpilling } from '@shared/domain/spilling'
import type { Range } from '@shared/domain/units'
import type { LoadedModel } from '@shared/engine/protocol'
import type { KeyOf } from './machineKey'
import type { SpeedSampleRow, SpeedSamplesRepository } from '../db/repositories/speedSamples'

/** Fewer tokens say more about the start of a reply than about its rate. */
const leastEvalTokens = 32
const leastPromptTokens = 64

export type RunPlan = Pick<
  LoadedModel,
  'backend' | 'gpuLayers' | 'totalLayers' | 'contextSize' | 'batchSize' | 'kvCacheType' | 'flashAttention' | 'useMmap' | 'threads'
>

export interface SpeedSamplesOptions {
  rows: Pick<SpeedSamplesRepository, 'all' | 'put'>
  hardware: { report(): Promise<HardwareReport> }
  /** What a measurement with this backend holds for: device, driver, engine, and the calibration that predicted it. */
  keyOf: KeyOf
  /** Of this very plan at these depths, by calibration or table, without any correction. */
  predict: (model: SizedModel, plan: RunPlan, depth: number, promptDepth: number) => Promise<{ decode: Range; prefill: Range }>
  now?: () => number
}

/** Tokens before the middle of a reply. */
const depthOf = ({ promptTokens, evalTokens }: GenerationStats): number => Math.round(promptTokens + evalTokens / 2)

const middle = ([low, high]: Range): number => Math.sqrt(low * high)

/** Every reply says how right the prediction of its plan was; that corrects the predictions of other models here. */
export class SpeedSamples {
  constructor(private readonly options: SpeedSamplesOptions) {}

  async add(modelId: string, facts: ModelFacts, plan: RunPlan, stats: GenerationStats): Promise<void> {
    if (facts.scripted || stats.evalTokens < leastEvalTokens || !(stats.evalTokensPerSecond > 0)) return
    // Nothing is repacked beside a visible card: neither the processor's speed nor the card's.
    if (plan.backend !== 'cpu' && plan.gpuLayers === 0) return
    const { rows, hardware, keyOf, now = Date.now } = this.options
    const depth = depthOf(stats)
    const predicted = await this.#predicted(facts, plan, stats)
    const told = stats.promptTokens - stats.cachedTokens >= leastPromptTokens && stats.promptTokensPerSecond > 0
    rows.put({
      key: await keyOf(plan.backend, await hardware.report()),
      modelId,
      backend: plan.backend,
      gpuLayers: plan.gpuLayers,
      totalLayers: plan.totalLayers,
      threads: plan.threads,
      contextSize: plan.contextSize,
      kvCacheType: plan.kvCacheType,
      mixture: facts.geometry.experts === null ? 0 : 1,
      depth,
      decode: stats.evalTokensPerSecond,
      decodePredicted: middle(predicted.decode),
      prefill: told ? stats.promptTokensPerSecond : null,
      prefillPredicted: told ? middle(predicted.prefill) : null,
      at: now(),
    })
  }

  /** It was written far more slowly than this plan should be: the driver moves the model through RAM. */
  async isSpilling(facts: ModelFacts, plan: RunPlan, stats: GenerationStats): Promise<boolean> {
    if (plan.backend === 'cpu' || plan.gpuLayers === 0) return false
    return isSpilling(plan, stats, (await this.#predicted(facts, plan, stats)).decode[0])
  }

  #predicted(facts: ModelFacts, plan: RunPlan, stats: GenerationStats) {
    return this.options.predict(facts, plan, depthOf(stats), (stats.cachedTokens + stats.promptTokens) / 2)
  }

  /** For plans with this backend; `except`: what a model said of itself is no news for its own prediction. */
  async corrections(report: HardwareReport, backend: Backend, except: string | null): Promise<Corrections> {
    const rows = this.options.rows.all().filter(({ modelId }) => modelId !== except)
    if (rows.length === 0) return {}
    const keys = new Set([await this.options.keyOf('cpu', report), await this.options.keyOf(backend, report)])
    return correctionsOf(rows.filter(({ key }) => keys.has(key)).map(ratioOf))
  }
}

function ratioOf(row: SpeedSampleRow): SpeedRatio {
  const { modelId, gpuLayers, totalLayers, threads, mixture, decode, decodePredicted, prefill, prefillPredicted } = row
  return {
    modelId,
    place: runPlace(totalLayers - 1, { gpuLayers, gpus: [{ device: 'gpu0', share: 1, contextBytes: 0 }] }),
    mixture: mixture === 1,
    threads,
    decode: decode / decodePredicted,
    prefill: prefill === null || prefillPredicted === null ? null : prefill / prefillPredicted,
  }
}
