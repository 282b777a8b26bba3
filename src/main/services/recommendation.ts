import type { Calibration } from '@shared/domain/calibration'
import { hasAmx } from '@shared/domain/amx'
import { type Catalog, type CatalogEntry, type UseCase, catalogModel, headerGeometry } from '@shared/domain/catalog'
import {
  type FitMachine,
  type FitOptions,
  type FitReport,
  type LoadPlan,
  defaultFitOptions,
  isImpossible,
  planFit,
} from '@shared/domain/fit'
import { layerTargets } from '@shared/domain/choosePlan'
import type { MemoryPool } from '@shared/domain/poolFit'
import type { KvCacheType, ModelFacts } from '@shared/domain/gguf'
import type { Backend, HardwareReport } from '@shared/domain/hardware'
import type { MemoryDevice, SizedModel } from '@shared/domain/memory'
import { type PoolOptions, bestBackend, memoryPools, steadyBytes, usableGpus } from '@shared/domain/pools'
import { quantizationInfo } from '@shared/domain/quantization'
import { type OwnNeeds, type Recommendation, needsOf, rankRecommendations, recommendModel } from '@shared/domain/recommend'
import { type SimulatedMachine, simulateMachine } from '@shared/domain/simulate'
import type { Corrections } from '@shared/domain/corrections'
import { deviceSpeeds, replySpeed, speedAt, withMeasured } from '@shared/domain/speed'
import type { Bytes, Range } from '@shared/domain/units'
import { asUsual } from '@shared/domain/usualMemory'
import { SnugError } from '@shared/errors'
import { type AskDryRun, type DryRunLimits, dryFit } from './dryFit'
import type { LoadRecords } from './loadRecords'
import { type MeasuredLookup, type MeasuredRates, catalogueKey } from './measuredSpeeds'
import type { RunPlan } from './speedSamples'

const dryRunLimits = {
  row: { plan: 1, context: 0 },
  load: { plan: 4, context: 0 },
  details: { plan: 4, context: 3 },
} as const satisfies Record<string, DryRunLimits>

export interface RecommendationServiceOptions {
  catalog: Catalog
  hardware: { report(options?: { fresh?: boolean }): Promise<HardwareReport> }
  /** What our own loaded model would give back, by device; default nothing. */
  returned?: () => Partial<Record<MemoryDevice, Bytes>>
  /** The user's reserve; default null. */
  reserveBytes?: () => Bytes | null
  /** What the user wants of a model's speed instead of what a use usually wants; default nothing. */
  needs?: () => OwnNeeds
  /** What the user allows of each graphics card; default all. Neither holds for a simulated machine. */
  vramBudgetBytes?: () => Bytes | null
  /** What this machine was measured to do; default nothing, and the table of devices speaks. Never asked for a simulated machine. */
  calibrations?: (report: HardwareReport) => Promise<Calibration[]>
  /** What replies of other models said about predictions for this backend; default nothing, never asked for a simulated machine. */
  corrections?: (report: HardwareReport, backend: Backend, except: string | null) => Promise<Corrections>
  /** What loads here said of predictions, for this backend; default nothing, never asked for a simulated machine. */
  loads?: Pick<LoadRecords, 'notes' | 'time'>
  /** Speeds measured on this machine, by id of the library or `catalogueKey`, and plan; default none. Never asked for a simulated machine. */
  measured?: (report: HardwareReport) => Promise<MeasuredLookup>
  /** What this memory usually has free, null: too little is known; default nothing. Never asked for a simulated machine. */
  usual?: (pool: MemoryPool) => Bytes | null
  /** What empty copies did on this machine as it is; never asked for a simulated one. */
  copies?: (report: HardwareReport) => Promise<CopyLookup>
}

/** The fit of one quantization (and file, where there are several of it) with what its empty copy did here in place of what was predicted. */
export type CopyLookup = (repository: string, quantization: string, file: string | null, fit: FitReport) => FitReport

export interface MachineOptions {
  /** `RTX 4090`, `24 GB`, figures, or a whole report (a file the command line read). */
  simulate?: string | SimulatedMachine | HardwareReport
  backend?: Backend
  /** Keep the loaded model ("beside it"); default: in place of it. */
  beside?: boolean
  /** What is free now, for what is about to be loaded (default of `fitFile`), or usually, for what is about to be chosen. */
  room?: 'now' | 'usual'
  /** Its own replies do not correct its prediction; `true`: nobody's do. */
  uncorrected?: string | true
}

export interface RecommendQuery extends MachineOptions {
  use?: UseCase
  contextSize?: number
  kvCacheType?: KvCacheType
  /** For this question only. */
  needs?: OwnNeeds[UseCase]
}

export interface FitQuery extends MachineOptions {
  contextSize?: number
  kvCacheType?: KvCacheType
  gpuLayers?: number | 'max' | 'auto'
  batchSize?: number
  flashAttention?: boolean
  useMmap?: boolean
  /** A better level for the plan that the formula found: llama.cpp's dry run. */
  dryRun?: AskDryRun
  /** How often it may be asked, default as before a load: until a plan fits. A row of a list: once; a model asked about: the longest context, too. */
  effort?: keyof typeof dryRunLimits
  measuredKey?: string
}

export class RecommendationService {
  /** Free bytes that were counted last, by pool: see `steadyBytes`. */
  readonly #counted = new Map<string, Bytes>()

  constructor(private readonly options: RecommendationServiceOptions) {}

  get catalog(): Catalog {
    return this.options.catalog
  }

  /** The whole catalogue, priced and ranked for this machine and use. */
  async recommend(query: RecommendQuery = {}): Promise<Recommendation[]> {
    const use = query.use ?? 'chat'
    const fit = fitOptions(query)
    const machine = await this.machine({ room: 'usual', ...query })
    const [copies, measured] = [await this.copies(query), await this.#measured(query)]
    const needs = { ...needsOf(use, this.options.needs?.()), ...query.needs }
    const priced = this.options.catalog.entries.flatMap((entry) => {
      const contextSize = query.contextSize ?? needs.contextSize
      const copied = (quantization: string, priced: FitReport): FitReport =>
        entry.repositories.reduce(
          (before, repository) => (before.copy === undefined ? copies(repository, quantization, null, before) : before),
          priced,
        )
      const measuredHere = (quantization: string, plan: LoadPlan): MeasuredRates | null =>
        entry.repositories.reduce<MeasuredRates | null>(
          (found, repository) => found ?? measured(catalogueKey(repository, quantization), plan),
          null,
        )
      return recommendModel(entry, machine, { use, needs, fit: { ...fit, contextSize }, copied, measured: measuredHere }) ?? []
    })
    return rankRecommendations(priced)
  }

  /** A file whose header is known (`ModelFacts`), or any sized model. */
  async fitFile(model: SizedModel, query: FitQuery = {}): Promise<FitReport> {
    const machine = await this.machine(query)
    const options = fitOptions(query)
    // The dry run gives one figure for all GPUs together: with several the formula's split is the better answer.
    const several = machine.pools.filter((pool) => pool.devices.some((device) => device !== 'cpu')).length > 1
    const report =
      several || query.dryRun === undefined
        ? planFit(model, machine, options)
        : await dryFit(model, machine, options, query.dryRun, dryRunLimits[query.effort ?? 'load'])
    const measured = query.measuredKey === undefined ? null : (await this.#measured(query))(query.measuredKey, report.plan)
    const loadMs = query.simulate === undefined ? await this.#loadTime(report.plan, model.weights.totalBytes) : null
    return {
      ...report,
      ...(measured === null ? {} : { speed: withMeasured(report.speed, measured) }),
      ...(loadMs === null ? {} : { loadMs }),
    }
  }

  /**
   * Files of a repository of which only name and size are known. The header of one of them has the geometry of all, and so has the
   * catalogue for its own repositories (formula); any other is priced with the geometry of the catalogue's dense model nearest in size,
   * and says so by its level (rule).
   */
  async fitRepository(
    repository: string,
    files: readonly { quantization: string; sizeBytes: Bytes; file?: string }[],
    query: FitQuery = {},
    header: ModelFacts | null = null,
  ): Promise<Record<string, FitReport>> {
    const machine = await this.machine({ room: 'usual', ...query })
    const options = fitOptions(query)
    const known = header === null ? this.entryOf(repository) : headerGeometry(header)
    const copies = await this.copies(query)
    return Object.fromEntries(
      files.flatMap(({ quantization, sizeBytes, file }) => {
        const bits = quantizationInfo(quantization)?.bitsPerWeight ?? (header === null ? 5 : (sizeBytes * 8) / header.parameters)
        const entry = known ?? this.nearest((sizeBytes * 8) / bits)
        if (entry === null || sizeBytes <= 0) return []
        // The vocabulary is in every file and takes none of the memory of the weights.
        const row = { name: quantization, bitsPerWeight: bits, sizeBytes: Math.max(1, sizeBytes - (header?.headerBytes ?? 0)) }
        const fit = planFit(catalogModel(entry, row, machine.amx), machine, options, known === null ? 'rule' : 'formula')
        return [[quantization, copies(repository, quantization, file ?? null, fit)] as const]
      }),
    )
  }

  /** What empty copies did here, for a machine that is not a simulated one. */
  async copies(query: MachineOptions = {}): Promise<CopyLookup> {
    const { copies, hardware } = this.options
    if (query.simulate !== undefined || copies === undefined) return (_repository, _quantization, _file, fit) => fit
    return await copies(await hardware.report())
  }

  /** The catalogue's entry for a repository, by name; null for one that is not in it. */
  entryOf(repository: string): CatalogEntry | null {
    const wanted = repository.toLowerCase()
    const named = (entry: CatalogEntry): boolean => entry.repositories.some((name) => name.toLowerCase() === wanted)
    return this.options.catalog.entries.find(named) ?? null
  }

  /** The machine as the arithmetic sees it: pools, backend, speeds. */
  async machine(query: MachineOptions = {}): Promise<FitMachine> {
    const real = await this.options.hardware.report()
    const simulated = query.simulate !== undefined
    const report = simulated ? simulatedReport(real, query.simulate) : real
    const backend = query.backend ?? bestBackend(report)
    const returned = simulated || query.beside === true ? {} : (this.options.returned?.() ?? {})
    const reserveBytes = simulated ? null : (this.options.reserveBytes?.() ?? null)
    const vramBudgetBytes = simulated ? null : (this.options.vramBudgetBytes?.() ?? null)
    const pools: PoolOptions = { reserveBytes, vramBudgetBytes, returned, assume: 'free' }
    const gpus = backend === 'cpu' ? [] : usableGpus(report, backend)
    const calibrations = simulated ? [] : ((await this.options.calibrations?.(report)) ?? [])
    const { uncorrected = null } = query
    const corrections = simulated || uncorrected === true ? {} : ((await this.options.corrections?.(report, backend, uncorrected)) ?? {})
    const speeds = deviceSpeeds({ ...report, gpus }, backend, calibrations)
    const free = memoryPools(report, backend, pools)
    const amx = hasAmx(report.cpu.features)
    if (simulated) return { pools: free, backend, speeds, corrections, amx }
    const learned = (await this.options.loads?.notes(report, backend)) ?? {}
    const steady = free.map((pool) => this.#steady(pool))
    return { pools: query.room === 'usual' ? steady.map((pool) => this.#usual(pool)) : steady, backend, speeds, corrections, learned, amx }
  }

  async #loadTime(plan: LoadPlan, weightBytes: Bytes): Promise<Range | null> {
    const { loads, hardware } = this.options
    return loads === undefined ? null : loads.time(await hardware.report(), plan, weightBytes)
  }

  #steady(pool: MemoryPool): MemoryPool {
    // With what our own model gives back: loading and unloading it changes nothing.
    const room = pool.freeBytes + pool.returnedBytes
    const counted = this.#counts(`${pool.name}/${pool.devices.join()}/${pool.returnedBytes > 0}`, room)
    return { ...pool, freeBytes: Math.max(0, pool.freeBytes - (room - counted)) }
  }

  #usual(pool: MemoryPool): MemoryPool {
    const usual = this.options.usual?.(pool) ?? null
    if (usual === null) return pool
    const loaded = this.options.returned?.() ?? {}
    const ours = pool.devices.reduce((sum, device) => sum + (loaded[device] ?? 0), 0)
    return asUsual(pool, this.#counts(`${pool.name}/${pool.devices.join()}/usual`, usual), ours)
  }

  #counts(key: string, room: Bytes): Bytes {
    const counted = steadyBytes(this.#counted.get(key), room)
    this.#counted.set(key, counted)
    return counted
  }

  /** Tokens per second of a model with this very plan and so many tokens before, by calibration or table alone. */
  async predictPlan(model: SizedModel, plan: RunPlan, depth: number, promptDepth?: number): Promise<{ decode: Range; prefill: Range }> {
    const machine = await this.machine({ backend: plan.backend, uncorrected: true })
    return speedAt(model, { ...plan, gpus: plan.gpuLayers > 0 ? layerTargets(machine) : [] }, machine.speeds, depth, promptDepth)
  }

  /** What a reply by this plan is expected to reach: tokens per second, with everything that is known of this machine. */
  async predictReply(model: SizedModel, plan: LoadPlan, reply: { depth: number; promptDepth: number }) {
    const machine = await this.machine({ backend: plan.backend })
    const options = { ...plan, gpus: plan.gpuLayers > 0 ? layerTargets(machine) : [] }
    return replySpeed(model, options, machine.speeds, reply, machine.corrections)
  }

  /** What this machine reached says nothing of another one. */
  async #measured(query: MachineOptions): Promise<MeasuredLookup> {
    const { measured, hardware } = this.options
    return query.simulate !== undefined || measured === undefined ? () => null : await measured(await hardware.report())
  }

  private nearest(parameters: number): CatalogEntry | null {
    const dense = this.options.catalog.entries.filter((entry) => entry.geometry.experts === null && entry.geometry.slidingWindow === null)
    const distance = (entry: CatalogEntry): number => Math.abs(Math.log(entry.parameters / parameters))
    return dense.toSorted((a, b) => distance(a) - distance(b))[0] ?? null
  }
}

function fitOptions(query: FitQuery | RecommendQuery): FitOptions {
  const given = query as FitQuery
  const options: FitOptions = {
    contextSize: given.contextSize ?? defaultFitOptions.contextSize,
    kvCacheType: given.kvCacheType ?? defaultFitOptions.kvCacheType,
    gpuLayers: given.gpuLayers ?? defaultFitOptions.gpuLayers,
    batchSize: given.batchSize ?? null,
    flashAttention: given.flashAttention ?? defaultFitOptions.flashAttention,
    useMmap: given.useMmap ?? null,
  }
  if (isImpossible(options))
    throw new SnugError('fit/impossible', 'llama.cpp needs flash attention for a quantized V cache', {
      kvCacheType: options.kvCacheType,
      flashAttention: false,
    })
  return options
}

function simulatedReport(real: HardwareReport, simulate: MachineOptions['simulate']): HardwareReport {
  if (simulate === undefined) return real
  if (typeof simulate !== 'string' && 'gpus' in simulate) return simulate
  const wanted = typeof simulate === 'string' ? { device: simulate, vramBytes: null, ramBytes: null } : simulate
  const report = simulateMachine(real, wanted)
  if (report === null)
    throw new SnugError('usage/invalid', `no device named "${wanted.device}" in the table`, { usage: 'device', name: wanted.device })
  return report
}
