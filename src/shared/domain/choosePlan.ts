import type { FitMachine, FitOptions, Verdict } from './fit'
import { emptied } from './freeing'
import type { Backend } from './hardware'
import type { LoadsNote, LoadsNotes } from './loads'
import { type MemoryDevice, type MemoryOptions, type SizedModel, deviceBytes, plannedBatchSize, plannedMmap } from './memory'
import { type MemoryPool, shortWith, spareWith } from './poolFit'
import { type Bytes, MiB } from './units'

/** Memory of an initialised backend before anything is loaded (facts: engine.md §1: CUDA context 100–170 MiB + cuBLAS 67; the others assumed). */
export const backendContextBytes: Readonly<Record<Backend, Bytes>> = { cuda: 240 * MiB, vulkan: 96 * MiB, metal: 64 * MiB, cpu: 0 }

export function learnedOf(learned: LoadsNotes | undefined, gpuLayers: number): LoadsNote | undefined {
  return learned?.[gpuLayers > 0 ? 'withGpu' : 'alone']
}

/** A plan that may be chosen, with what each device would hold. */
export interface Candidate {
  verdict: Verdict
  memory: MemoryOptions
  /** By device: see `deviceBytes`. */
  takes: readonly Bytes[]
  /** So many layers the GPUs would hold, also where that is not what was chosen; left out: nobody looked. */
  held?: number
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

/** `known`: the GPUs hold so many layers at least and at most, as they do with a longer and a shorter context. */
export function choose(model: SizedModel, machine: FitMachine, options: FitOptions, known?: { least: number; most: number }): Candidate {
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
  const full = known === undefined && gpus.length > 0 ? judged(at(layers)) : null
  if (full?.verdict === 'full-gpu') return full

  // More layers need more of the GPUs, so the most that they hold is found from a guess, else by halving; the rest must then fit in RAM.
  const breaks = known === undefined ? layers : Math.min(layers, known.most + 1)
  const guess = full === null ? 0 : 1 + Math.floor((layers - 1) * heldShare(pools, at(1).takes, full.takes))
  const held = gpus.length === 0 ? 0 : lastThat((gpuLayers) => gpuHolds(at(gpuLayers)), breaks, known?.least, guess)
  const partial = held === 0 ? null : { ...judged(at(held)), held }
  const splits = partial !== null && partial.verdict === 'partial-gpu' ? partial : null
  if (splits !== null && held >= layers * leastUsefulShare) return splits
  const cpu = { ...judged(at(0)), held }
  if (splits !== null && cpu.verdict === 'too-big') return splits
  if (cpu.verdict === 'cpu' || known !== undefined) return cpu
  const tried = [cpu, full, partial].filter((candidate) => candidate !== null)
  return nearest(model, machine, options, tried)
}

/** How far GPUs have room on the way from what one layer takes to what all take, by the fullest of them. */
function heldShare(pools: readonly PoolPlaces[], one: readonly Bytes[], all: readonly Bytes[]): number {
  let share = 1
  for (const pool of pools) {
    const lacks = pool.pool.id === 'cpu' ? 0 : -spareOf(pool, all)
    const grows = sumOf(pool.places, all) - sumOf(pool.places, one)
    if (lacks > 0 && grows > 0) share = Math.min(share, 1 - lacks / grows)
  }
  return share
}

/** The greatest number below `end` for which it holds, where it holds up to there; `from` is not asked. A good guess is found at once. */
function lastThat(holds: (count: number) => boolean, end: number, from = 0, guess = 0): number {
  let [last, breaks] = [from, end]
  const ask = (count: number): void => {
    if (count <= last || count >= breaks) return
    if (holds(count)) last = count
    else breaks = count
  }
  for (const near of [guess, guess + 1, guess - 1]) ask(near)
  while (breaks - last > 1) ask(Math.floor((last + breaks) / 2))
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
