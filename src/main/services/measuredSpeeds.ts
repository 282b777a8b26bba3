import { median } from '@shared/domain/calibration'
import type { GenerationStats } from '@shared/domain/chat'
import type { LoadPlan } from '@shared/domain/fit'
import type { HardwareReport } from '@shared/domain/hardware'
import type { MeasuredSpeedRow, MeasuredSpeedsRepository } from '../db/repositories/measuredSpeeds'
import type { ModelRow } from '../db/repositories/models'
import { type KeyOf, stillValid } from './machineKey'

/** The median of so many replies: one that was written while the machine was busy does not move it. */
const lastReplies = 9
/** A shorter piece of prompt says more about the start of a reply than about the rate. */
const leastPromptTokens = 64

/** Of a plan what decides its speed; context and batch hardly do. */
export type MeasuredPlan = Pick<LoadPlan, 'backend' | 'gpuLayers' | 'kvCacheType'>

export interface MeasuredRates {
  decode: number
  prefill?: number
}

/** By id of the library or `catalogueKey`: what replies with this very plan had on this machine as it is. */
export type MeasuredLookup = (modelId: string, plan: MeasuredPlan) => MeasuredRates | null

export interface MeasuredSpeedsOptions {
  rows: Pick<MeasuredSpeedsRepository, 'all' | 'put'>
  /** On the list: a model of the catalogue is known by its copies. */
  models: { all(): Pick<ModelRow, 'id' | 'repository' | 'facts'>[] }
  hardware: { report(): Promise<HardwareReport> }
  /** What a measurement with this backend holds for. */
  keyOf: KeyOf
  now?: () => number
}

const planKey = (modelId: string, { backend, gpuLayers, kvCacheType }: MeasuredPlan): string =>
  JSON.stringify([modelId, backend, gpuLayers, kvCacheType])

/** How a model of a repository is asked for. */
export function catalogueKey(repository: string, quantization: string): string {
  return `${repository.toLowerCase()}:${quantization.toUpperCase()}`
}

/** What replies measured, each for its model, plan and machine: a split says nothing of all on the card, nor one card of another. */
export class MeasuredSpeeds {
  /** Of this run of Snug. */
  readonly #recent = new Map<string, { decode: number[]; prefill: number[] }>()

  constructor(private readonly options: MeasuredSpeedsOptions) {}

  async lookup(report: HardwareReport): Promise<MeasuredLookup> {
    const known = new Map((await this.current(report)).map((row) => [planKey(row.modelId, row), row]))
    if (known.size === 0) return () => null
    const copies = new Map<string, string[]>()
    for (const { id, repository, facts } of this.options.models.all()) {
      if (repository === null || facts === null) continue
      const key = catalogueKey(repository, facts.quantization)
      copies.set(key, [...(copies.get(key) ?? []), id])
    }
    return (key, plan) => {
      const rows = [key, ...(copies.get(key) ?? [])].flatMap((id) => known.get(planKey(id, plan)) ?? [])
      const [row] = rows.toSorted((a, b) => b.at - a.at)
      if (row === undefined) return null
      return row.prefill === null ? { decode: row.decode } : { decode: row.decode, prefill: row.prefill }
    }
  }

  /** Of the machine as it is now, the newest first. */
  async current(report: HardwareReport): Promise<MeasuredSpeedRow[]> {
    return await stillValid(this.options.rows.all(), report, this.options.keyOf)
  }

  /** After a reply: the median of the last ones, which follows changes of the machine and ignores an odd one. */
  async add(
    modelId: string,
    plan: MeasuredPlan,
    stats: Pick<GenerationStats, 'evalTokensPerSecond' | 'promptTokensPerSecond' | 'promptTokens' | 'cachedTokens'>,
  ): Promise<void> {
    if (!(stats.evalTokensPerSecond > 0)) return
    const { rows, hardware, keyOf, now = Date.now } = this.options
    const key = await keyOf(plan.backend, await hardware.report())
    const place = planKey(modelId, plan)
    const before = rows.all().find((row) => row.key === key && planKey(row.modelId, row) === place)
    const known = (value: number | null | undefined): number[] => (value == null ? [] : [value])
    // What was kept is the median of the runs of Snug before, so it counts as one reply of this one.
    const recent = this.#recent.get(key + place) ?? { decode: known(before?.decode), prefill: known(before?.prefill) }
    this.#recent.set(key + place, recent)
    const after = (values: number[], value: number): number => {
      values.push(value)
      if (values.length > lastReplies) values.shift()
      return median(values)
    }
    const told = stats.promptTokens - stats.cachedTokens >= leastPromptTokens && stats.promptTokensPerSecond > 0
    const { backend, gpuLayers, kvCacheType } = plan
    rows.put({
      modelId,
      backend,
      gpuLayers,
      kvCacheType,
      key,
      decode: after(recent.decode, stats.evalTokensPerSecond),
      prefill: told ? after(recent.prefill, stats.promptTokensPerSecond) : (before?.prefill ?? null),
      replies: (before?.replies ?? 0) + 1,
      at: now(),
    })
  }
}
