import type { KvCacheType } from './gguf'
import type { Backend } from './hardware'
import {
  type EstimateLevel,
  type MemoryDevice,
  type MemoryOptions,
  type MemoryPart,
  type SizedModel,
  deviceBytes,
  memoryParts,
  plannedBatchSize,
  plannedMmap,
  residentBytes,
  totalBytes,
} from './memory'
import type { Corrections } from './corrections'
import { emptied, whatFreeing } from './freeing'
import type { LoadsNote, LoadsNotes } from './loads'
import { type MemoryPool, type PoolFit, fillPools, shortWith, spareWith } from './poolFit'
import { type DeviceSpeed, type SpeedEstimate, predictSpeed } from './speed'
import { type Bytes, type Range, MiB } from './units'

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

/** Memory of an initialised backend before anything is loaded (facts: engine.md §1: CUDA context 100–170 MiB + cuBLAS 67; the others assumed). */
export const backendContextBytes: Readonly<Record<Backend, Bytes>> = { cuda: 240 * MiB, vulkan: 96 * MiB, metal: 64 * MiB, cpu: 0 }

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

function learnedOf(learned: LoadsNotes | undefined, gpuLayers: number): LoadsNote | undefined {
  return learned?.[gpuLayers > 0 ? 'withGpu' : 'alone']
}

interface Candidate {
  verdict: Verdict
  memory: MemoryOptions
  /** By device: see `deviceBytes`. */
  takes: readonly Bytes[]
}

/** Places in `deviceBytes` of what lies in each pool, and of what counts against its limit. */
interface PoolPlaces {
  pool: MemoryPool
  places: readonly number[]
  limited: number
}

/** One machine prices a whole catalogue. */
const placesOf = new WeakMap<FitMachine, PoolPlaces[]>()

function poolPlaces(machine: FitMachine): PoolPlaces[] {
  const known = placesOf.get(machine)
  if (known !== undefined) return known
  const gpus = layerTargets(machine)
  const placeOf = (device: MemoryDevice): number => (device === 'cpu' ? 0 : gpus.findIndex((gpu) => gpu.device === device) + 1)
  const made = machine.pools.map((pool) => {
    const places = pool.devices.filter((device) => device === 'cpu' || placeOf(device) > 0).map(placeOf)
    const limited =
      pool.limit === null || (pool.limit.device !== 'cpu' && placeOf(pool.limit.device) === 0) ? -1 : placeOf(pool.limit.device)
    return { pool, places, limited }
  })
  placesOf.set(machine, made)
  return made
}

function spareOf({ pool, places, limited }: PoolPlaces, takes: readonly Bytes[]): Bytes {
  return spareWith(pool, sumOf(places, takes), limited < 0 ? 0 : (takes[limited] ?? 0))
}

function shortOf({ places, limited }: PoolPlaces, pool: MemoryPool, takes: readonly Bytes[]): Bytes {
  return shortWith(pool, sumOf(places, takes), limited < 0 ? 0 : (takes[limited] ?? 0))
}

function sumOf(places: readonly number[], takes: readonly Bytes[]): Bytes {
  let sum = 0
  for (const place of places) sum += takes[place] ?? 0
  return sum
}

/** GPUs that layers may go to, with their share: llama.cpp splits by free memory. Software rasterisers never. */
export function layerTargets(machine: FitMachine): MemoryOptions['gpus'] {
  const known = targetsOf.get(machine)
  if (known !== undefined) return known
  const made = targetsIn(machine)
  targetsOf.set(machine, made)
  return made
}

/** One machine prices a whole catalogue. */
const targetsOf = new WeakMap<FitMachine, MemoryOptions['gpus']>()

function targetsIn(machine: FitMachine): MemoryOptions['gpus'] {
  return machine.pools.flatMap((pool) => {
    const device = pool.devices.find((candidate) => candidate !== 'cpu')
    if (device === undefined || pool.kind === 'software') return []
    const share = Math.max(
      0,
      Math.min(pool.freeBytes + pool.returnedBytes - pool.reserveBytes, pool.limit?.bytes ?? Number.POSITIVE_INFINITY),
    )
    return share > 0 ? [{ device, share, contextBytes: backendContextBytes[machine.backend] }] : []
  })
}

/** Below this share of the layers a split is not faster than the CPU alone, which then needs no GPU buffers. */
export const leastUsefulShare = 0.1

function candidateAt(
  model: SizedModel,
  { learned }: FitMachine,
  options: FitOptions,
  gpus: MemoryOptions['gpus'],
  gpuLayers: number,
): Candidate {
  const memory: MemoryOptions = {
    gpuLayers,
    contextSize: options.contextSize,
    batchSize: options.batchSize ?? plannedBatchSize(model.geometry.vocabularySize, gpuLayers > 0),
    kvCacheType: options.kvCacheType,
    flashAttention: options.flashAttention,
    useMmap: options.useMmap ?? plannedMmap(gpuLayers > 0),
    gpus: gpuLayers > 0 ? gpus : [],
    learnedOverheadBytes: learnedOf(learned, gpuLayers)?.addedBytes ?? 0,
  }
  const all = gpuLayers >= model.geometry.layers.length + 1
  return { verdict: gpuLayers === 0 ? 'cpu' : all ? 'full-gpu' : 'partial-gpu', memory, takes: deviceBytes(model, memory) }
}

/** `mostLayers`: known not to hold more, as a shorter context did not. */
function choose(model: SizedModel, machine: FitMachine, options: FitOptions, mostLayers?: number): Candidate {
  const layers = model.geometry.layers.length + 1
  const gpus = layerTargets(machine)
  const pools = poolPlaces(machine)
  const at = (gpuLayers: number): Candidate => candidateAt(model, machine, options, gpus, gpuLayers)
  const judged = (candidate: Candidate): Candidate =>
    pools.every((pool) => spareOf(pool, candidate.takes) >= 0) ? candidate : { ...candidate, verdict: 'too-big' }
  const gpuHolds = (candidate: Candidate): boolean => pools.every((one) => one.pool.id === 'cpu' || spareOf(one, candidate.takes) >= 0)

  if (options.gpuLayers !== 'auto') {
    const wanted = options.gpuLayers === 'max' ? layers : Math.min(layers, options.gpuLayers)
    return judged(at(gpus.length === 0 ? 0 : wanted))
  }
  const full = mostLayers === undefined && gpus.length > 0 ? judged(at(layers)) : null
  if (full?.verdict === 'full-gpu') return full

  // More layers need more of the GPUs, so the most that they hold is found by halving; the rest must then fit in RAM.
  const most = mostLayers === undefined ? layers : Math.min(layers, mostLayers + 1)
  const holds = gpus.length === 0 ? 0 : lastThat((gpuLayers) => gpuHolds(at(gpuLayers)), most)
  const partial = holds === 0 ? null : judged(at(holds))
  const splits = partial !== null && partial.verdict === 'partial-gpu' ? partial : null
  if (splits !== null && holds >= layers * leastUsefulShare) return splits
  const cpu = judged(at(0))
  if (splits !== null && cpu.verdict === 'too-big') return splits
  if (cpu.verdict === 'cpu' || mostLayers !== undefined) return cpu
  const tried = [cpu, full, partial].filter((candidate) => candidate !== null)
  return nearest(model, machine, options, tried)
}

/** The greatest number below `end` for which it holds, where it holds up to there; 0 is not asked. */
function lastThat(holds: (count: number) => boolean, end: number): number {
  let [last, breaks] = [0, end]
  while (breaks - last > 1) {
    const middle = Math.floor((last + breaks) / 2)
    if (holds(middle)) last = middle
    else breaks = middle
  }
  return last
}

/** One machine prices a whole catalogue. */
const emptyOf = new WeakMap<FitMachine, FitMachine>()

function emptyMachine(machine: FitMachine): FitMachine {
  const known = emptyOf.get(machine)
  if (known !== undefined) return known
  const made = { ...machine, pools: machine.pools.map(emptied) }
  emptyOf.set(machine, made)
  // Nothing is emptier than it.
  emptyOf.set(made, made)
  return made
}

/**
 * Nothing fits now. Of the plans that an empty machine holds the one for which least must be freed, pool by pool; where it holds none,
 * the one for which it lacks least: idle memory of one kind does not stand in for another.
 */
function nearest(model: SizedModel, machine: FitMachine, options: FitOptions, tried: readonly Candidate[]): Candidate {
  const empty = emptyMachine(machine)
  const gpus = layerTargets(empty)
  const places = poolPlaces(empty)
  const missing = ({ takes }: Candidate, pools: readonly MemoryPool[]): Bytes => {
    let sum = 0
    for (const [index, place] of places.entries()) sum += shortOf(place, pools[index] ?? place.pool, takes)
    return sum
  }
  const least = (from: readonly Candidate[], pools = machine.pools): Candidate => ({
    ...from.reduce((best, candidate) => (missing(candidate, pools) < missing(best, pools) ? candidate : best)),
    verdict: 'too-big',
  })
  if (gpus.length === 0 || machine === empty) return least(tried)
  const at = (gpuLayers: number): Candidate => candidateAt(model, machine, options, gpus, gpuLayers)
  const layers = model.geometry.layers.length + 1
  // A card without a free byte is no target now, but may be one again.
  const known = gpus.length === layerTargets(machine).length ? tried : [at(0), at(layers)]
  const held = known.filter((candidate) => missing(candidate, empty.pools) === 0)
  const [some] = held
  if (some !== undefined && held.some(({ memory }) => memory.gpuLayers < layers)) return least(held)
  // In one memory for all a split takes no less than the processor alone.
  if (some === undefined && machine.pools.length === 1) return least(known, empty.pools)
  const aim = some ?? choose(model, empty, options)
  if (some === undefined && aim.verdict === 'too-big') return aim
  // RAM is what is too small: so many layers that it takes the rest as it is now, whatever lies in the GPUs' memory.
  const ram = machine.pools.findIndex(({ id }) => id === 'cpu')
  const place = places[ram]
  const pool = machine.pools[ram]
  if (place === undefined || pool === undefined) return least([aim])
  const tooFew = lastThat((gpuLayers) => shortOf(place, pool, at(gpuLayers).takes) > 0, layers + 1)
  const enough = tooFew < layers ? at(tooFew + 1) : aim
  return least(missing(enough, empty.pools) === 0 ? [aim, enough] : [aim])
}

const rank: Readonly<Record<Verdict, number>> = { 'full-gpu': 0, 'partial-gpu': 1, cpu: 2, 'too-big': 3 }

/** The longest context, in steps of 256, that keeps this verdict; 0 where nothing fits. */
function maxContext(model: SizedModel, machine: FitMachine, options: FitOptions, { verdict, memory }: Candidate, from: number): number {
  if (verdict === 'too-big') return 0
  // Kept by the cheapest plan of that verdict, so one look per step is enough for all but the split.
  const pinned: FitOptions = verdict === 'partial-gpu' ? options : { ...options, gpuLayers: verdict === 'full-gpu' ? 'max' : 0 }
  const keeps = (contextSize: number): boolean =>
    rank[choose(model, machine, { ...pinned, contextSize }, memory.gpuLayers).verdict] <= rank[verdict]
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
