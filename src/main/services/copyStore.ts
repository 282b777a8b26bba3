import { randomBytes } from 'node:crypto'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { CopyResult } from '@shared/domain/emptyCopy'
import type { CopySubject } from '@shared/ipc/copies'
import type { Log } from '@shared/log'
import { z } from 'zod'

/** A result, and what it holds for: another driver, engine or device is another machine (`machineKey`). */
export interface StoredCopy {
  /** null: a local file, which no page lists. */
  subject: CopySubject | null
  machine: string
  at: number
  result: CopyResult
}

const range = z.tuple([z.number().positive(), z.number().positive()])
const result = z.object({
  plan: z.object({
    backend: z.enum(['cuda', 'metal', 'vulkan', 'cpu']),
    gpuLayers: z.number(),
    totalLayers: z.number(),
    contextSize: z.number(),
    batchSize: z.number(),
    kvCacheType: z.enum(['f16', 'q8_0', 'q4_0']),
    flashAttention: z.boolean(),
    useMmap: z.boolean(),
  }),
  memory: z.array(
    z.object({
      device: z.custom<CopyResult['memory'][number]['device']>((value) => typeof value === 'string' && /^(cpu|gpu\d+)$/.test(value)),
      kind: z.enum(['weights', 'repack', 'kv', 'state', 'checkpoint', 'compute', 'output', 'overhead']),
      bytes: z.number().min(0),
    }),
  ),
  speed: z.object({
    decode: range,
    prefill: range,
    ttftMs: range,
    source: z.literal('copy'),
    typical: z.object({ decode: z.number(), prefill: z.number() }),
  }),
  spread: z.number(),
  threads: z.number(),
  load: z.number().nullable(),
  tookMs: z.number(),
  diskBytes: z.number(),
})
/** Of the file's form and of the way of measuring: what another one said is measured again. */
const version = 2
const stored = z.object({
  version: z.literal(version),
  entries: z.array(
    z.object({
      subject: z.object({ repository: z.string(), file: z.string().nullable(), quantization: z.string() }),
      machine: z.string(),
      at: z.number(),
      result,
    }),
  ),
})

const mostEntries = 300

/** In the cache folder: what is lost is measured again in seconds. Newest first. */
export class CopyStore {
  readonly #file: string
  readonly #log: Log
  #entries: Promise<StoredCopy[]> | null = null

  constructor(file: string, log: Log) {
    this.#file = file
    this.#log = log
  }

  all(): Promise<StoredCopy[]> {
    this.#entries ??= read(this.#file)
    return this.#entries
  }

  /** In place of an older result of the same file. What no page lists is not kept. */
  async put(entry: StoredCopy): Promise<void> {
    const { subject } = entry
    if (subject === null) return
    // Another process may have kept some, too.
    const before = await read(this.#file)
    const others = before.filter((row) => row.subject?.repository !== subject.repository || row.subject.file !== subject.file)
    const entries = [entry, ...others].slice(0, mostEntries)
    this.#entries = Promise.resolve(entries)
    const temporary = `${this.#file}.${randomBytes(6).toString('hex')}.partial`
    try {
      await mkdir(dirname(this.#file), { recursive: true })
      await writeFile(temporary, JSON.stringify({ version, entries }), { mode: 0o600 })
      await rename(temporary, this.#file)
    } catch (error) {
      // It holds until Snug ends.
      this.#log.warn('what an empty copy did was not kept', { error: String(error) })
      await rm(temporary, { force: true })
    }
  }
}

/** Missing, older or damaged: empty. */
async function read(file: string): Promise<StoredCopy[]> {
  try {
    const parsed = stored.safeParse(JSON.parse(await readFile(file, 'utf8')))
    return parsed.success ? parsed.data.entries : []
  } catch {
    // No file yet, or no JSON.
    return []
  }
}
