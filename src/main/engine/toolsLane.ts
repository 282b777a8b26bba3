import { createEngineClient, type EngineClient } from '../../engine/client'
import type { CallName, EngineCalls, ForkEngine } from '@shared/engine/protocol'
import { SnugError } from '@shared/errors'
import type { Log } from '@shared/log'
import { cpuMsOf } from '../platform/processTime'

/** Milliseconds after which the process is ended, by call; measured from when the worker is ready and takes the call up. */
const limitsMs: Partial<Record<CallName, number>> = {
  tokenize: 20_000,
  estimate: 30_000,
  probe: 30_000,
  engineCheck: 60_000,
}
/**
 * A template may take this much of the processor. The clock alone would blame a template for a busy machine; where the system does not
 * tell another process's time, the clock must do, with more patience.
 */
const templateCpuMs = 2_000
/** A header as well: a clock of ten seconds is short where ten programs want the processor. */
const headerCpuMs = 10_000
const clockMs = 4_000
/** What uses no time of the processor waits for something else: it ends here. */
const longestMs = 30_000
const cpuLookMs = 100
const readyMs = 20_000
/** An idle worker is ended: it starts again in a third of a second. */
const idleMs = 5 * 60 * 1_000
/** Calls that a person waits for go before long ones. */
const urgent: readonly CallName[] = ['render', 'capability']
const limitedByCpu: readonly CallName[] = [...urgent, 'inspect', 'header']

interface Job {
  name: CallName
  args: unknown
  /** null: limited by the processor time of the worker. */
  timeoutMs: number | null
  signal: AbortSignal | undefined
  resolve: (value: unknown) => void
  reject: (error: unknown) => void
}

export interface TemplateLimit {
  cpuMs: number
  cpuMsOf: (pid: number | undefined) => number | null
}

/** The one expendable process: one call at a time, so that ending it for one call never costs another. */
export class ToolsLane {
  readonly #fork: ForkEngine
  readonly #log: Log
  readonly #template: TemplateLimit
  readonly #jobs: Job[] = []
  #client: EngineClient | null = null
  #running = false
  #disposed = false
  #idle: NodeJS.Timeout | undefined

  constructor(fork: ForkEngine, log: Log, template: TemplateLimit = { cpuMs: templateCpuMs, cpuMsOf }) {
    this.#fork = fork
    this.#log = log
    this.#template = template
  }

  call<C extends CallName>(
    name: C,
    args: EngineCalls[C]['args'],
    timeoutMs = limitedByCpu.includes(name) ? null : (limitsMs[name] ?? 30_000),
    signal?: AbortSignal,
  ): Promise<EngineCalls[C]['reply']> {
    return new Promise<EngineCalls[C]['reply']>((resolve, reject) => {
      if (this.#disposed) return reject(new SnugError('cancelled', 'the engine host is closed'))
      const job: Job = { name, args, timeoutMs, signal, resolve: (value) => resolve(value as EngineCalls[C]['reply']), reject }
      const before = urgent.includes(name) ? this.#jobs.findIndex((waiting) => !urgent.includes(waiting.name)) : -1
      if (before >= 0) this.#jobs.splice(before, 0, job)
      else this.#jobs.push(job)
      void this.#run()
    })
  }

  async dispose(): Promise<void> {
    this.#disposed = true
    clearTimeout(this.#idle)
    for (const job of this.#jobs.splice(0)) job.reject(new SnugError('cancelled', 'the engine host is closed'))
    await this.#end()
  }

  async #run(): Promise<void> {
    if (this.#running) return
    this.#running = true
    clearTimeout(this.#idle)
    for (let job = this.#jobs.shift(); job !== undefined; job = this.#jobs.shift()) {
      try {
        job.resolve(await this.#answer(job))
      } catch (error) {
        job.reject(await this.#explain(error, job))
      }
    }
    this.#running = false
    this.#idle = setTimeout(() => void this.#end(), idleMs).unref()
  }

  async #answer(job: Job): Promise<unknown> {
    if (job.signal?.aborted === true) throw new SnugError('cancelled', 'cancelled')
    const client = await this.#start()
    const signal = job.signal ? { signal: job.signal } : {}
    // The pairing of name and args is checked by `call`; a queue cannot carry it.
    const answer = client.call(job.name, job.args as never, { timeoutMs: job.timeoutMs ?? longestMs, ...signal })
    return job.timeoutMs === null ? this.#withinCpu(answer, client, job.name) : answer
  }

  /** Rejects as stalled when the worker has spent too much of the processor on this call. */
  async #withinCpu<T>(answer: Promise<T>, client: EngineClient, call: CallName): Promise<T> {
    const look = this.#template.cpuMsOf
    const cpuMs = this.#cpuMs(call)
    const { pid } = client.process
    const [before, started] = [look(pid), performance.now()]
    let timer: NodeJS.Timeout | undefined
    const spent = new Promise<never>((_, reject) => {
      timer = setInterval(() => {
        const now = look(pid)
        const over = before === null || now === null ? performance.now() - started > Math.max(clockMs, 2 * cpuMs) : now - before > cpuMs
        if (over) reject(new SnugError('engine/stalled', `${call} took more than ${cpuMs} ms of the processor`, { call }))
      }, cpuLookMs)
    })
    try {
      return await Promise.race([answer, spent])
    } finally {
      clearInterval(timer)
      // after a race that the clock won, the answer is the ended process's rejection
      answer.catch(() => undefined)
    }
  }

  #cpuMs(call: CallName): number {
    return urgent.includes(call) ? this.#template.cpuMs : headerCpuMs
  }

  async #start(): Promise<EngineClient> {
    if (this.#client !== null && this.#client.closed === null) return this.#client
    const client = createEngineClient(this.#fork('tools'))
    client.onLog((level, text) => this.#log[level](text))
    this.#client = client
    await readyWithin(client, readyMs)
    return client
  }

  /** After a timeout the worker is ended; what that says depends on what was asked. */
  async #explain(error: unknown, job: Job): Promise<unknown> {
    if (!(error instanceof SnugError)) return error
    const late = error.code === 'engine/stalled'
    // A cancelled call may still be running in the worker: the next one must not wait behind it.
    if (late || error.code === 'cancelled') await this.#end()
    if (!late && error.code !== 'engine/crashed') return error
    this.#log.warn('the tools process was lost', { call: job.name, code: error.code, message: error.message })
    const data = { ...error.data, call: job.name, limitMs: job.timeoutMs ?? this.#cpuMs(job.name) }
    if (job.name === 'render' || job.name === 'capability') {
      return new SnugError(late ? 'template/too-slow' : 'template/failed', `the chat template: ${error.message}`, data, { cause: error })
    }
    if ((job.name === 'inspect' || job.name === 'header') && !late) {
      return new SnugError('model/corrupt-file', `reading the header ended the worker: ${error.message}`, data, { cause: error })
    }
    return error
  }

  async #end(): Promise<void> {
    const client = this.#client
    this.#client = null
    if (client !== null && client.closed === null) await client.process.kill()
  }
}

/** A worker that never says it is ready is ended and counts as stalled. */
export async function readyWithin(client: EngineClient, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new SnugError('engine/stalled', `the engine process did not start within ${ms} ms`)), ms)
  })
  try {
    await Promise.race([client.ready(), late])
  } catch (error) {
    if (client.closed === null) await client.process.kill()
    throw error
  } finally {
    clearTimeout(timer)
  }
}
