import type { KvCacheType } from './gguf'
import type { Backend } from './hardware'
import { type EstimateLevel, type MemoryPart, type SizedModel, memoryParts, residentBytes, totalBytes } from './memory'
import { type Candidate, choose, learnedOf } from './choosePlan'
import type { Corrections } from './corrections'
import { whatFreeing } from './freeing'
import type { LoadsNote, LoadsNotes } from './loads'
import { type MemoryPool, type PoolFit, fillPools } from './poolFit'
import { type DeviceSpeed, type SpeedEstimate, predictSpeed } from './speed'
import type { Bytes, Range } from './units'

/** Where it runs. How well it runs is `SpeedGrade` (recommend.ts). */
export type Verdict = 'full-gpu' | 'partial-gpu' | 'cpu' | 'too-big'

/** What was planned; `gpuLayers` counts the output layer, so `totalLayers` is blocks + 1. */
export interface LoadPlan {
  backend: Backend
  gpuLayers: number
  totalLayers: number
  contextSize: number
  batchSize: number
  kvCacheType: KvCacheType
  flashAttention: boolean
  useMmap: boolean
}

/** `snug fit --json` (DESIGN.md §10), and what every memory bar is drawn from. */
export interface FitReport {
  verdict: Verdict
  level: EstimateLevel
  plan: LoadPlan
  /** What is reserved, by device and kind. For too-big: of the plan that other programs stand least in the way of, else the one an empty machine lacks least for. */
  parts: MemoryPart[]
  totalBytes: Bytes
  /** How much the engine process will really have grown after its first long prompt (RSS). */
  residentBytes: Bytes
  /** The longest context that keeps this verdict; 0 when nothing fits. */
  maxContext: number
  speed: SpeedEstimate
  /** GPUs first, then RAM. One tank each. */
  pools: PoolFit[]
  /** Bytes other programs would have to free so that it runs as planned, over all pools; null where it fits now or where even an empty machine is too small. */
  freeUpBytes: Bytes | null
  /** It fits now, but other programs usually hold so much of it. */
  usuallyMissingBytes?: Bytes
  /** An empty copy of it was run here: what had been said before, and what came out. */
  copy?: CopyNote
  /** What loads here said of the process; left out: there were none that did. */
  learned?: LoadsNote
  /** How long loading takes, by the loads here, milliseconds; left out: nothing near its size was loaded. */
  loadMs?: Range
}

/** What a test with an empty copy found (`emptyCopy.ts`). */
export interface CopyNote {
  predicted: { totalBytes: Bytes; speed: SpeedEstimate }
  /** totalBytes: null where the copy was loaded with other options. Not `steady`: other work ran, so the predicted speed stands. */
  measured: { totalBytes: Bytes | null; speed: SpeedEstimate; spread: number; steady: boolean }
  at: number
}

export interface FitOptions {
  contextSize: number
  kvCacheType: KvCacheType
  /** `auto`: everything, else as much as fits, else nothing. A number is taken as it is. */
  gpuLayers: number | 'max' | 'auto'
  /** null: what `plannedBatchSize` says. */
  batchSize: number | null
  flashAttention: boolean
  /** null: what `plannedMmap` says. */
  useMmap: boolean | null
}

/** A realistic context (DESIGN.md §4), never the full native one. */
export const defaultContextSize = 8192

export const defaultFitOptions: FitOptions = {
  contextSize: defaultContextSize,
  kvCacheType: 'f16',
  gpuLayers: 'auto',
  batchSize: null,
  flashAttention: true,
  useMmap: null,
}

export interface FitMachine {
  pools: readonly MemoryPool[]
  backend: Backend
  speeds: readonly DeviceSpeed[]
  /** What replies of other models here said about predictions; left out: nothing. */
  corrections?: Corrections
  /** What loads here took beyond their predictions; left out: nothing. */
  learned?: LoadsNotes
  /** The processor copies matrices into the layout of AMX; left out: no. */
  amx?: boolean
}

/**
 * Quantized V without flash attention is refused by llama.cpp, so no plan has it (DESIGN.md §10: `fit/impossible`).
 */
export function isImpossible(options: Pick<FitOptions, 'kvCacheType' | 'flashAttention'>): boolean {
  return options.kvCacheType !== 'f16' && !options.flashAttention
}

export function planFit(model: SizedModel, machine: FitMachine, options: FitOptions, level: EstimateLevel = 'formula'): FitReport {
  const contextSize = Math.max(256, Math.min(options.contextSize, model.trainContextSize))
  const plan = choose(model, machine, { ...options, contextSize })
  const parts = memoryParts(model, plan.memory)
  const pools = fillPools(machine.pools, parts)
  const learned = learnedOf(machine.learned, plan.memory.gpuLayers)
  return {
    verdict: plan.verdict,
    level,
    plan: {
      backend: plan.memory.gpuLayers > 0 ? machine.backend : 'cpu',
      gpuLayers: plan.memory.gpuLayers,
      totalLayers: model.geometry.layers.length + 1,
      contextSize,
      batchSize: plan.memory.batchSize,
      kvCacheType: options.kvCacheType,
      flashAttention: options.flashAttention,
      useMmap: plan.memory.useMmap,
    },
    parts,
    totalBytes: totalBytes(parts),
    residentBytes: residentBytes(model, plan.memory, parts),
    maxContext: maxContext(model, machine, options, plan, contextSize),
    speed: predictSpeed(model, plan.memory, machine.speeds, machine.corrections),
    pools,
    ...whatFreeing(plan.verdict, pools, parts),
    ...(learned === undefined ? {} : { learned }),
  }
}

const rank: Readonly<Record<Verdict, number>> = { 'full-gpu': 0, 'partial-gpu': 1, cpu: 2, 'too-big': 3 }

/** The longest context, in steps of 256, that keeps this verdict; 0 where nothing fits. */
function maxContext(model: SizedModel, machine: FitMachine, options: FitOptions, { verdict, memory }: Candidate, from: number): number {
  if (verdict === 'too-big') return 0
  // Kept by the cheapest plan of that verdict, so one look per step is enough for all but the split.
  const pinned: FitOptions = verdict === 'partial-gpu' ? options : { ...options, gpuLayers: verdict === 'full-gpu' ? 'max' : 0 }
  // Of a longer context no more layers fit, of a shorter one no fewer: each step leaves fewer counts for the next.
  const held = { least: 0, most: memory.gpuLayers }
  const keeps = (contextSize: number): boolean => {
    const longer = choose(model, machine, { ...pinned, contextSize }, held)
    const kept = rank[longer.verdict] <= rank[verdict]
    if (longer.held !== undefined) held[kept ? 'most' : 'least'] = longer.held
    return kept
  }
  if (keeps(model.trainContextSize)) return model.trainContextSize
  let [holds, breaks] = [Math.floor(from / 256), Math.ceil(model.trainContextSize / 256)]
  while (breaks - holds > 1) {
    const middle = Math.floor((holds + breaks) / 2)
    if (keeps(middle * 256)) holds = middle
    else breaks = middle
  }
  return Math.max(from, holds * 256)
}

/** A better level's parts in place of the formula's, on the same plan: the pools are filled again and the verdict may only get worse. */
export function withParts(report: FitReport, parts: readonly MemoryPart[], level: EstimateLevel): FitReport {
  const given = new Set(parts.map((part) => `${part.device}/${part.kind}`))
  // What the level did not speak of stays: vocabulary, backend context, checkpoints are outside llama.cpp's buffers.
  const kept = report.parts.filter(
    (part) => (part.kind === 'overhead' || part.kind === 'checkpoint') && !given.has(`${part.device}/${part.kind}`),
  )
  const all = [...parts, ...kept]
  const pools = fillPools(report.pools, all)
  const fits = pools.every((pool) => pool.spareBytes >= 0)
  const total = totalBytes(all)
  const verdict = fits ? report.verdict : 'too-big'
  return {
    ...report,
    level,
    parts: all,
    totalBytes: total,
    residentBytes: Math.max(0, report.residentBytes + totalBytes(all, 'cpu') - totalBytes(report.parts, 'cpu')),
    pools,
    verdict,
    maxContext: fits ? report.maxContext : 0,
    usuallyMissingBytes: undefined,
    ...whatFreeing(verdict, pools, all),
  }
}
