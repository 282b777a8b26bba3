import type { GenerationStats } from '@shared/domain/chat'
import type { ModelFacts } from '@shared/domain/gguf'
import type { Backend, HardwareReport } from '@shared/domain/hardware'
import { type LoadsNotes, beyondPrediction, loadTime, loadsNote } from '@shared/domain/loads'
import { totalBytes } from '@shared/domain/memory'
import { usableGpus } from '@shared/domain/pools'
import type { Bytes, Range } from '@shared/domain/units'
import type { LoadedModel } from '@shared/engine/protocol'
import type { Log } from '@shared/log'
import type { LoadRow, LoadsRepository } from '../db/repositories/loads'
import type { EngineHost } from '../engine/engineHost'
import { type KeyOf, stillValid } from './machineKey'

/** A shorter prompt leaves parts of the buffers untouched that the formula counts. */
const leastPromptTokens = 64

/** What was said of a plan before it was loaded. */
export interface ExpectedLoad {
  gpuLayers: number
  contextSize: number
  /** llama.cpp's buffers. */
  bufferBytes: Bytes
  /** Milliseconds; null: nothing near its size was loaded here. */
  ms: Range | null
}

export interface LoadRecordsOptions {
  rows: Pick<LoadsRepository, 'all' | 'put' | 'setBeyond'>
  host: Pick<EngineHost, 'loaded' | 'grown'>
  hardware: { report(): Promise<HardwareReport> }
  /** What a load with this backend holds for: device, driver and engine. */
  keyOf: KeyOf
  log: Log
  now?: () => number
}

interface Current {
  row: number
  facts: ModelFacts
  model: LoadedModel
}

/** Every real load says how right its prediction was and how long it took: that corrects what is said of the next ones. */
export class LoadRecords {
  #current: Current | null = null
  /** One after the other: the first reply may come before its load is kept. */
  #turn: Promise<void> = Promise.resolve()

  constructor(private readonly options: LoadRecordsOptions) {}

  /** A load is done. */
  loaded(modelId: string, facts: ModelFacts | null, model: LoadedModel, expected: ExpectedLoad | null): void {
    this.#current = null
    if (facts === null || facts.scripted) return
    this.#inTurn(async () => {
      const { rows, hardware, keyOf, now = Date.now } = this.options
      const { backend, gpuLayers, useMmap, contextSize, loadMs, buffers } = model
      const asPlanned = expected?.gpuLayers === gpuLayers && expected.contextSize === contextSize
      const row = rows.put({
        key: await keyOf(backend, await hardware.report()),
        modelId,
        backend,
        gpuLayers,
        useMmap: useMmap ? 1 : 0,
        weightBytes: Math.round(facts.weights.totalBytes),
        loadMs,
        predictedBytes: asPlanned ? Math.round(expected.bufferBytes) : null,
        reportedBytes: Math.round(totalBytes(buffers.parts)),
        beyondBytes: null,
        at: now(),
      })
      this.#current = { row, facts, model }
    })
  }

  /** The first long prompt of a load tells what the process takes above its buffers. */
  replied(stats: Pick<GenerationStats, 'promptTokens' | 'cachedTokens'>): void {
    const evaluated = stats.promptTokens - stats.cachedTokens
    if (evaluated < leastPromptTokens) return
    this.#inTurn(async () => {
      const { host, rows } = this.options
      const current = this.#current
      if (current === null || host.loaded?.model !== current.model || !(await this.#tells(current.model))) return
      const { bytes } = await host.grown()
      if (bytes === null) return
      this.#current = null
      const { facts, model, row } = current
      rows.setBeyond(row, Math.round(beyondPrediction(facts, model, model.buffers.parts, bytes, evaluated)))
    })
  }

  /** What loads here said of plans on the processor alone, and of those with this backend. */
  async notes(report: HardwareReport, backend: Backend): Promise<LoadsNotes> {
    const rows = await this.#valid(report, [...new Set<Backend>(['cpu', backend])])
    const note = (withGpu: boolean) => loadsNote(rows.filter(({ gpuLayers }) => gpuLayers > 0 === withGpu))
    const [alone, withGpu] = [note(false), note(true)]
    return { ...(alone === null ? {} : { alone }), ...(withGpu === null ? {} : { withGpu }) }
  }

  /** How long a load by this plan takes; null where nothing like it was loaded here. */
  async time(
    report: HardwareReport,
    plan: { backend: Backend; gpuLayers: number; useMmap: boolean },
    weightBytes: Bytes,
  ): Promise<Range | null> {
    const rows = await this.#valid(report, [plan.backend])
    const alike = (row: LoadRow) => row.gpuLayers > 0 === plan.gpuLayers > 0 && (row.useMmap === 1) === plan.useMmap
    return loadTime(rows.filter(alike), weightBytes)
  }

  /** When all that was begun is kept. */
  settled(): Promise<void> {
    return this.#turn
  }

  async #valid(report: HardwareReport, backends: readonly Backend[]): Promise<LoadRow[]> {
    const rows = this.options.rows.all().filter(({ backend }) => backends.includes(backend))
    return await stillValid(rows, report, this.options.keyOf)
  }

  /**
   * Whether the growth of the process says anything: pages of a mapped file come and go, checkpoints come when they like, and a card whose
   * memory is RAM may lie in the process or not.
   */
  async #tells({ backend, gpuLayers, useMmap, needsCheckpoints, buffers }: LoadedModel): Promise<boolean> {
    if (useMmap || needsCheckpoints || buffers.completeness !== 'complete') return false
    if (backend === 'cpu') return true
    if (gpuLayers === 0) return false
    const gpus = usableGpus(await this.options.hardware.report(), backend)
    return gpus.length > 0 && gpus.every((gpu) => !gpu.sharedWithRam)
  }

  #inTurn(work: () => Promise<void>): void {
    this.#turn = this.#turn.then(work).catch((error: unknown) => this.options.log.warn('a load was not kept', { error: String(error) }))
  }
}
