import { leastUsefulShare } from '@shared/domain/choosePlan'
import { type FitMachine, type FitOptions, type FitReport, type LoadPlan, planFit, withParts } from '@shared/domain/fit'
import { withLearned } from '@shared/domain/loads'
import { type EstimateLevel, type MemoryPart, type SizedModel, residentBytes, totalBytes } from '@shared/domain/memory'

/** What llama.cpp's dry run says of a plan. null: it could not say; null parts: it ended on this plan. */
export type AskDryRun = (plan: LoadPlan) => Promise<{ level: EstimateLevel; parts: MemoryPart[] | null } | null>

/** Dry runs at most, for the plan and for the longest context: each takes up to seconds. */
export interface DryRunLimits {
  plan: number
  context: number
}

/**
 * The plan that fits by llama.cpp's own word. Where a plan takes more than the formula said, the formula plans again with so much less
 * memory, and llama.cpp is asked again while `limits` allow, the last time about the processor alone. Layers that a person chose stand.
 */
export async function dryFit(
  model: SizedModel,
  machine: FitMachine,
  options: FitOptions,
  ask: AskDryRun,
  limits: DryRunLimits,
): Promise<FitReport> {
  const failed: FitReport[] = []
  let [tight, report] = [machine, planFit(model, machine, options)]
  for (let left = limits.plan; report.verdict !== 'too-big'; left--) {
    if (left <= 0) return { ...report, maxContext: longestByFormula(model, tight, options, report) }
    const dry = await ask(report.plan)
    if (dry === null) return report
    const judged = byDryRun(model, report, dry)
    tight = dry.parts === null ? tight : tightened(tight, machine, report, judged)
    if (judged.verdict !== 'too-big') {
      const found = { ...judged, maxContext: longestByFormula(model, tight, options, judged) }
      return limits.context === 0
        ? found
        : { ...found, maxContext: await longestContext(model, machine, tight, options, found, ask, limits) }
    }
    failed.push(judged)
    const gpuLayers = options.gpuLayers === 'auto' ? fewerLayers(model, tight, options, report, dry.parts === null, left === 2) : null
    if (gpuLayers === null || planFit(model, tight, { ...options, gpuLayers }).verdict === 'too-big') break
    report = planFit(model, machine, { ...options, gpuLayers })
  }
  // The one that freeing memory reaches with least.
  const freeUp = ({ freeUpBytes }: FitReport): number => freeUpBytes ?? Number.POSITIVE_INFINITY
  return failed.reduce((best, one) => (freeUp(one) < freeUp(best) ? one : best), failed[0] ?? report)
}

/** null: the formula knows of none that fits. `ended`: nobody knows how much too much it was. */
function fewerLayers(
  model: SizedModel,
  tight: FitMachine,
  options: FitOptions,
  { plan: { gpuLayers, totalLayers } }: FitReport,
  ended: boolean,
  lastRun: boolean,
): number | null {
  if (gpuLayers === 0) return null
  const planned = planFit(model, tight, options)
  if (planned.verdict === 'too-big') return null
  const fewer = ended ? Math.floor(gpuLayers / 2) : Math.min(gpuLayers - 1, planned.plan.gpuLayers)
  return lastRun || fewer < totalLayers * leastUsefulShare ? 0 : fewer
}

function byDryRun(model: SizedModel, report: FitReport, { level, parts }: { level: EstimateLevel; parts: MemoryPart[] | null }): FitReport {
  if (parts === null) return { ...report, level, verdict: 'too-big', maxContext: 0, freeUpBytes: null, usuallyMissingBytes: undefined }
  const better = withParts(report, withLearned(parts, report.learned), level)
  return { ...better, residentBytes: residentBytes(model, { ...better.plan, gpus: [] }, better.parts) }
}

/** The machine with so much less in it as dry runs took beyond the formula: the formula then plans what llama.cpp takes. */
function tightened(tight: FitMachine, machine: FitMachine, formula: FitReport, dry: FitReport): FitMachine {
  const pools = machine.pools.map((pool, index) => {
    const before = tight.pools[index] ?? pool
    const more = (dry.pools[index]?.takesBytes ?? 0) - (formula.pools[index]?.takesBytes ?? 0)
    const { limit } = pool
    const moreLimited = limit === null ? 0 : totalBytes(dry.parts, limit.device) - totalBytes(formula.parts, limit.device)
    return {
      ...pool,
      reserveBytes: Math.max(before.reserveBytes, pool.reserveBytes + more),
      limit: limit && { ...limit, bytes: Math.min(before.limit?.bytes ?? limit.bytes, limit.bytes - moreLimited) },
    }
  })
  return { ...machine, pools }
}

/** A split may have fewer layers at a longer context; all and none stay what they are. */
function longestByFormula(model: SizedModel, tight: FitMachine, options: FitOptions, { verdict, plan }: FitReport): number {
  const gpuLayers = verdict === 'partial-gpu' ? options.gpuLayers : plan.gpuLayers
  return Math.max(plan.contextSize, planFit(model, tight, { ...options, gpuLayers }).maxContext)
}

/** Steps of the context, as llama.cpp pads it. */
const step = 256

/** Begins with what the formula says, then goes where a straight line through what was asked meets the budget. */
async function longestContext(
  model: SizedModel,
  machine: FitMachine,
  tight: FitMachine,
  options: FitOptions,
  fit: FitReport,
  ask: AskDryRun,
  limits: DryRunLimits,
): Promise<number> {
  let [holds, breaks, before] = [fit.plan.contextSize, model.trainContextSize + step, fit]
  let next = fit.maxContext
  for (let run = 0; run < limits.context && next > holds && next < breaks; run++) {
    const gpuLayers =
      fit.verdict === 'partial-gpu' ? planFit(model, tight, { ...options, contextSize: next }).plan.gpuLayers : fit.plan.gpuLayers
    const report = planFit(model, machine, { ...options, contextSize: next, gpuLayers })
    const dry = await ask(report.plan)
    if (dry === null) break
    // Whatever the formula says of it.
    const judged = byDryRun(model, { ...report, verdict: fit.verdict }, dry)
    if (judged.verdict === fit.verdict) holds = next
    else breaks = next
    next = dry.parts === null ? Math.floor((holds + breaks) / 2 / step) * step : crossing(before, judged, breaks)
    before = dry.parts === null ? before : judged
  }
  return holds
}

/** The context at which the first of the pools would be full; below `breaks`. */
function crossing(one: FitReport, other: FitReport, breaks: number): number {
  const length = other.plan.contextSize - one.plan.contextSize
  const at = one.pools.map(({ spareBytes }, index) => {
    const perToken = (spareBytes - (other.pools[index]?.spareBytes ?? spareBytes)) / length
    return perToken > 0 ? one.plan.contextSize + spareBytes / perToken : Number.POSITIVE_INFINITY
  })
  return Math.min(breaks - step, Math.floor(Math.min(...at) / step) * step)
}
