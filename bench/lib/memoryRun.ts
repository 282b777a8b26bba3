import { fork } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { link, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { backendContextBytes } from '@shared/domain/choosePlan'
import type { ModelFacts } from '@shared/domain/gguf'
import type { Backend } from '@shared/domain/hardware'
import { type MemoryOptions, type MemoryPart, memoryParts, residentBytes } from '@shared/domain/memory'
import { MiB } from '@shared/domain/units'
import type { LoadedModel, LoadRequest } from '@shared/engine/protocol'
import { silentLog } from '@shared/log'
import { startHub } from '../../e2e/fixtures/hubServer'
import { type EngineClient, createEngineClient } from '../../src/engine/client'
import { forkNode } from '../../src/engine/forkNode'
import { writeShapeModel } from '../../src/engine/shapeModel'
import { engineEntry, gemmaModel, generateRequest, loadRequest, starterModel } from '../../src/engine/testEngine'
import { EngineHost } from '../../src/main/engine/engineHost'
import { Network } from '../../src/main/platform/network'
import { DryRuns } from '../../src/main/services/dryRun'
import { RemoteModels } from '../../src/main/services/remoteModels'
import { childScript } from './childScript'
import type { LibraryAnswer, LibraryQuestion } from './libraryEstimate.child'
import { type MemoryRow, type RowModel, modelName } from './memoryRows'

export interface Prediction {
  formula: { parts: MemoryPart[]; residentBytes: number }
  /** null: llama.cpp could not say. */
  dryRun: { parts: MemoryPart[]; residentBytes: number } | null
  /** node-llama-cpp's own figures; null where its simulation ended the process. */
  library: LibraryAnswer | null
}

/** Of the process, in bytes, from before the load to after the first long prompt. */
export interface Growth {
  total: number
  anonymous: number
  /** Mapped files: weights with mmap, and the libraries. */
  mapped: number
  /** What of `total` the load alone took. */
  afterLoad: number
  promptTokens: number
  loadMs: number
  promptMs: number
}

export interface Measurement {
  real: Pick<LoadedModel, 'buffers' | 'flashAttention' | 'gpuLayers' | 'totalLayers'>
  /** One for each load; none where the process says nothing (a graphics card, another system). */
  growths: Growth[]
}

export interface RowResult extends Measurement {
  row: MemoryRow
  prediction: Prediction
}

/** Where a real file lies; null where set-up has not fetched it. */
export function realFile(model: RowModel): string | null {
  if (model.kind !== 'real') return null
  return model.file === 'starter' ? starterModel : gemmaModel
}

export class MemoryRun {
  readonly #folder: string
  readonly #asksLibrary: boolean
  readonly #tools: EngineHost
  readonly #backends = new Map<Backend, string | null>()
  #files = 0

  constructor(folder: string, options: { library?: boolean } = {}) {
    this.#folder = folder
    this.#asksLibrary = options.library ?? true
    this.#tools = new EngineHost({ fork: forkNode(engineEntry()), log: silentLog })
  }

  /** Predicts all rows of one model from its header over HTTP, and only then puts the file where it can be loaded. null: not measured. */
  async model(
    model: RowModel,
    rows: readonly MemoryRow[],
    measurement: (row: MemoryRow, prediction: Prediction, measure: () => Promise<Measurement>) => Promise<Measurement | null>,
  ): Promise<RowResult[]> {
    const folder = join(this.#folder, String(this.#files++))
    const name = `${modelName(model).replace(/[^\w.-]+/g, '-')}.gguf`
    const published = realFile(model) ?? join(folder, 'hub', name)
    await mkdir(folder, { recursive: true })
    if (model.kind === 'shape') await writeShapeModel(published, model)
    try {
      const predictions = await this.#predict(published, name, folder, rows)
      const path = model.kind === 'real' ? published : join(folder, name)
      if (model.kind === 'shape') await link(published, path)
      const results: RowResult[] = []
      for (const [index, row] of rows.entries()) {
        const prediction = predictions[index]
        if (prediction === undefined) continue
        const measured = await measurement(row, prediction, () => measure(path, row))
        if (measured !== null) results.push({ row, prediction, ...measured })
      }
      return results
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }

  /** Why rows of a backend cannot be measured here; null where they can. */
  async missing(backend: Backend): Promise<string | null> {
    const known = this.#backends.get(backend)
    if (known !== undefined) return known
    const why = await this.#tools.tools('probe', { backend }).then(
      ({ devices }) => (backend === 'cpu' || devices.length > 0 ? null : 'no device'),
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    )
    this.#backends.set(backend, why)
    return why
  }

  dispose(): Promise<void> {
    return this.#tools.dispose()
  }

  async #predict(published: string, name: string, folder: string, rows: readonly MemoryRow[]): Promise<Prediction[]> {
    // The hash would cost reading gigabytes of holes; a header is checked by its own bytes.
    const sha256 = createHash('sha256').update(name).digest('hex')
    const server = await startHub({ repositories: { 'snug/shapes': { files: { [name]: { path: published, sha256 } } } } })
    const remote = new RemoteModels({
      network: new Network({ offline: false, token: null, proxy: null }),
      hub: { endpoint: server.endpoint },
      folder: join(folder, 'headers'),
      check: (path, size) => this.#tools.tools('header', { path, size }),
      inspect: (path) => this.#tools.tools('inspect', { path }),
      log: silentLog,
    })
    const dryRuns = new DryRuns({
      host: this.#tools,
      file: join(folder, 'estimates.json'),
      surroundings: async () => 'bench',
      log: silentLog,
    })
    try {
      const { path, facts } = await remote.ofAddress(`${server.endpoint}/snug/shapes/resolve/main/${encodeURIComponent(name)}`)
      const predictions: Prediction[] = []
      for (const row of rows) predictions.push(await predictRow(dryRuns, path, facts, row, this.#asksLibrary))
      return predictions
    } finally {
      remote.dispose()
      await server.close()
    }
  }
}

/** One fresh load in a process of its own. */
async function measure(path: string, row: MemoryRow): Promise<Measurement> {
  const client = createEngineClient(forkNode(engineEntry())('model'))
  try {
    await client.ready()
    const before = residentOf(client)
    const { buffers, flashAttention, gpuLayers, totalLayers, loadMs } = await client.call('load', loadOf(path, row))
    // What lies on a graphics card is in no process, and a software rasteriser is too slow to run.
    const inProcess = row.backend === 'cpu' && process.platform === 'linux'
    return {
      real: { buffers, flashAttention, gpuLayers, totalLayers },
      growths: inProcess ? [{ ...(await growthOf(client, row, before)), loadMs }] : [],
    }
  } finally {
    await client.process.kill()
  }
}

function loadOf(path: string, row: MemoryRow): LoadRequest {
  const { backend, gpuLayers, contextSize, batchSize, kvCacheType, flashAttention, useMmap } = row
  // One thread: two wait for each other where other programs run as well, and the memory is the same.
  return loadRequest(path, { backend, gpuLayers, contextSize, batchSize, kvCacheType, flashAttention, useMmap, threads: 1 })
}

async function predictRow(dryRuns: DryRuns, path: string, facts: ModelFacts, row: MemoryRow, asksLibrary: boolean): Promise<Prediction> {
  const totalLayers = facts.geometry.layers.length + 1
  const gpuLayers = row.gpuLayers === 'max' ? totalLayers : row.gpuLayers
  const { backend, contextSize, batchSize, kvCacheType, flashAttention, useMmap } = row
  const options: MemoryOptions = {
    gpuLayers,
    contextSize,
    batchSize,
    kvCacheType,
    flashAttention,
    useMmap,
    gpus: backend === 'cpu' ? [] : [{ device: 'gpu0', share: 1, contextBytes: backendContextBytes[backend], ...limitOf(backend) }],
  }
  const formula = memoryParts(facts, options)
  const dry = await dryRuns.of(
    path,
    facts,
  )({ backend, gpuLayers, totalLayers, contextSize, batchSize, kvCacheType, flashAttention, useMmap })
  const resident = (parts: MemoryPart[]) => ({ parts, residentBytes: residentBytes(facts, options, parts) })
  return {
    formula: resident(formula),
    dryRun: dry?.parts == null ? null : resident(dry.parts),
    library: !asksLibrary
      ? null
      : await askLibrary({ path, backend, gpuLayers, contextSize, batchSize, kvCacheType, flashAttention, useMmap }),
  }
}

/** Mesa's software rasteriser takes no tensor above 128 MiB (`maxStorageBufferRange`); cards take gigabytes. */
function limitOf(backend: MemoryRow['backend']): { maxTensorBytes?: number } {
  return backend === 'vulkan' && process.env.GGML_VK_VISIBLE_DEVICES === '0' ? { maxTensorBytes: 128 * MiB } : {}
}

function askLibrary(question: LibraryQuestion): Promise<LibraryAnswer | null> {
  const child = fork(childScript('libraryEstimate'), [], { execArgv: [], stdio: ['ignore', 'ignore', 'ignore', 'ipc'] })
  return new Promise((resolve) => {
    child.once('message', (message: { value: LibraryAnswer } | { error: string }) => resolve('value' in message ? message.value : null))
    child.once('exit', () => resolve(null))
    child.send(question)
  })
}

function residentOf({ process: worker }: EngineClient): { total: number; anonymous: number; mapped: number } {
  if (process.platform !== 'linux') return { total: 0, anonymous: 0, mapped: 0 }
  const status = readFileSync(`/proc/${worker.pid ?? 0}/status`, 'utf8')
  const of = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0) * 1024
  return { total: of('VmRSS'), anonymous: of('RssAnon'), mapped: of('RssFile') }
}

async function growthOf(client: EngineClient, row: MemoryRow, before: ReturnType<typeof residentOf>): Promise<Omit<Growth, 'loadMs'>> {
  const loaded = residentOf(client)
  const { promptTokens, promptMs } = await client.call(
    'generate',
    generateRequest(await longPrompt(client, row.promptTokens), { maxTokens: 4 }),
  )
  // What a reply leaves is given back right after it.
  await new Promise((resolve) => setTimeout(resolve, 500))
  const after = residentOf(client)
  return {
    total: after.total - before.total,
    anonymous: after.anonymous - before.anonymous,
    mapped: after.mapped - before.mapped,
    afterLoad: loaded.total - before.total,
    promptTokens,
    promptMs,
  }
}

/** Text of about so many tokens; what it says does not matter to the memory. */
async function longPrompt(client: EngineClient, tokens: number) {
  let seed = 7
  const letters = () => {
    let text = ''
    // Digits, which no made-up vocabulary joins, with real words' spaces.
    for (let index = 0; index < tokens; index++) text += String((seed = (seed * 48_271) % 2_147_483_647) % 10)
    return text
  }
  const prompt = (text: string) => [{ kind: 'text' as const, text }]
  const text = letters()
  const { tokens: counted } = await client.call('count', { prompt: prompt(text) })
  return prompt(counted > tokens ? text.slice(0, Math.floor((text.length * tokens) / counted)) : text)
}
