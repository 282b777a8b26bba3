import { createHash, randomBytes } from 'node:crypto'
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import type { LoadPlan } from '@shared/domain/fit'
import type { ModelFacts } from '@shared/domain/gguf'
import type { HardwareReport } from '@shared/domain/hardware'
import { type MemoryDevice, type MemoryPart, memoryKinds } from '@shared/domain/memory'
import type { EstimateRequest } from '@shared/engine/protocol'
import { SnugError } from '@shared/errors'
import type { Log } from '@shared/log'
import type { EngineHost } from '../engine/engineHost'

/** What the dry run says of a plan; null parts: llama.cpp ended on it, so it does not fit. */
export interface DryRunResult {
  level: 'dry-run'
  parts: MemoryPart[] | null
}

export interface DryRunsOptions {
  host: Pick<EngineHost, 'tools'>
  /** `estimates.json` in the cache folder. */
  file: string
  /** What, besides header and options, the result depends on: engine, devices, drivers. */
  surroundings: () => Promise<string>
  log: Log
  now?: () => number
}

const part = z.object({
  device: z.custom<MemoryDevice>((value) => typeof value === 'string' && /^(cpu|gpu\d+)$/.test(value)),
  kind: z.enum(memoryKinds as [MemoryPart['kind'], ...MemoryPart['kind'][]]),
  bytes: z.number().min(0),
})
const stored = z.object({
  version: z.literal(1),
  entries: z.record(z.string(), z.object({ parts: z.array(part).nullable(), at: z.number() })),
})
type Entries = z.infer<typeof stored>['entries']

const maxEntries = 2_000

/** llama.cpp's own no-allocation mode in the expendable process, kept on disk by header, surroundings and options. */
export class DryRuns {
  readonly #options: DryRunsOptions
  #entries: Promise<Entries> | null = null
  /** Writes one after the other. */
  #turn: Promise<void> = Promise.resolve()
  /** Under way, by what was asked: a page asks again whenever the free memory changes. */
  readonly #pending = new Map<string, Promise<DryRunResult | null>>()
  /** Hashes of headers, by file, size and time: a look at the library starts no process. */
  readonly #hashes = new Map<string, string>()

  constructor(options: DryRunsOptions) {
    this.#options = options
  }

  /** For `fitFile`: asks about the plan that the formula found. null: it could not say, the formula stands. */
  of(path: string, facts: Pick<ModelFacts, 'parts' | 'trainContextSize'>) {
    return async (plan: LoadPlan): Promise<DryRunResult | null> => {
      const request: EstimateRequest = {
        path,
        // A context that the model was not made for can end the process (a KV tensor above a device's limit).
        contextSize: Math.min(plan.contextSize, Math.max(256, facts.trainContextSize)),
        batchSize: plan.batchSize,
        gpuLayers: plan.gpuLayers,
        kvCacheType: plan.kvCacheType,
        flashAttention: plan.flashAttention,
        useMmap: plan.useMmap,
        backend: plan.backend,
      }
      const key = await this.#key(request, facts.parts)
      const known = key === null ? undefined : (await this.#load())[key]
      if (known !== undefined) return { level: 'dry-run', parts: known.parts }
      const result = await this.#ask(request)
      if (key !== null && result !== null) await this.#keep(key, result)
      return result
    }
  }

  /** As `of`, but nobody waits long for it: what is not known by then is worked out for the next time, and the formula stands. */
  soon(path: string, facts: Pick<ModelFacts, 'parts' | 'trainContextSize'>, waitMs = 1_000) {
    const run = this.of(path, facts)
    return (plan: LoadPlan): Promise<DryRunResult | null> => {
      const key = JSON.stringify([path, plan])
      let result = this.#pending.get(key)
      if (result === undefined) {
        result = run(plan).finally(() => this.#pending.delete(key))
        this.#pending.set(key, result)
      }
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<null>((resolve) => {
        timer = setTimeout(() => resolve(null), waitMs)
      })
      // A refusal that comes too late is found by whoever asks again.
      result.catch(() => {})
      return Promise.race([result, late]).finally(() => clearTimeout(timer))
    }
  }

  async #ask(request: EstimateRequest): Promise<DryRunResult | null> {
    for (const last of [false, true]) {
      try {
        const { parts } = await this.#options.host.tools('estimate', request)
        return { level: 'dry-run', parts }
      } catch (error) {
        if (!(error instanceof SnugError)) throw error
        if (error.code === 'fit/impossible') throw error
        this.#options.log.warn('a dry run failed', { code: error.code, message: error.message })
        if (error.code !== 'engine/crashed') return null
        // Once can be bad luck (the system was short of memory); twice is the configuration.
        if (last) return { level: 'dry-run', parts: null }
      }
    }
    return null
  }

  /** The tools process hashes the headers of all parts; null where it cannot: then nothing is kept. */
  async #key({ path, ...options }: EstimateRequest, parts: readonly string[]): Promise<string | null> {
    try {
      const headers: string[] = []
      for (const name of parts.length > 1 ? parts : [null]) {
        const file = name === null ? path : join(dirname(path), name)
        const { size, mtimeMs } = await stat(file)
        const known = [file, size, mtimeMs].join('\n')
        let hash = this.#hashes.get(known)
        if (hash === undefined) {
          const check = await this.#options.host.tools('header', { path: file, size: Number.MAX_SAFE_INTEGER })
          if (!check.complete) return null
          hash = check.sha256
          this.#hashes.set(known, hash)
        }
        headers.push(hash)
      }
      return createHash('sha256')
        .update(JSON.stringify([headers, options, await this.#options.surroundings()]))
        .digest('hex')
    } catch (error) {
      this.#options.log.warn('a header could not be hashed', { path, error: String(error) })
      return null
    }
  }

  #load(): Promise<Entries> {
    this.#entries ??= readEntries(this.#options.file)
    return this.#entries
  }

  async #keep(key: string, { parts }: DryRunResult): Promise<void> {
    const entries = await this.#load()
    entries[key] = { parts, at: (this.#options.now ?? Date.now)() }
    this.#turn = this.#turn.then(() => this.#write(entries))
    await this.#turn
  }

  async #write(entries: Entries): Promise<void> {
    const { file, log } = this.#options
    const temporary = `${file}.${randomBytes(6).toString('hex')}.partial`
    try {
      // Another process may have kept some, too.
      const all = Object.entries({ ...(await readEntries(file)), ...entries }).sort(([, a], [, b]) => b.at - a.at)
      await mkdir(dirname(file), { recursive: true })
      await writeFile(temporary, JSON.stringify({ version: 1, entries: Object.fromEntries(all.slice(0, maxEntries)) }), { mode: 0o600 })
      await rename(temporary, file)
    } catch (error) {
      // A result that is not kept is worked out again.
      log.warn('a dry run was not kept', { error: String(error) })
      await rm(temporary, { force: true })
    }
  }
}

/** The built worker stands for llama.cpp and for our own terms; drivers and devices decide what goes where. */
export async function dryRunSurroundings(worker: string, { cpu, gpus }: Pick<HardwareReport, 'cpu' | 'gpus'>): Promise<string> {
  const file = await stat(worker).catch(() => null)
  return JSON.stringify([file?.size, file?.mtimeMs, cpu.name, gpus.map((gpu) => [gpu.name, gpu.driver, gpu.vramTotal])])
}

/** Missing, older or damaged: empty. */
async function readEntries(file: string): Promise<Entries> {
  try {
    const parsed = stored.safeParse(JSON.parse(await readFile(file, 'utf8')))
    return parsed.success ? parsed.data.entries : {}
  } catch {
    // No file yet, or no JSON: what it held is worked out again.
    return {}
  }
}
