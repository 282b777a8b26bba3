import { Worker } from 'node:worker_threads'
import { SnugError } from '@shared/errors'
import { DownloadJob } from './downloadJob'
import {
  type DownloadLimits,
  type FromDownloadWorker,
  type JobEvent,
  type JobLimits,
  type JobSpec,
  type ToDownloadWorker,
  type WorkerStart,
  jobLimits,
} from './downloadTypes'
import type { Network } from './network'
import type { HostToken } from './networkConfig'
import { Pace } from './pace'

/** Runs one download to its end. Rejects with what went wrong, `cancelled` when stopped; what is on disk by then was told. */
export interface DownloadRunner {
  run(spec: JobSpec, onEvent: (event: JobEvent) => void, signal: AbortSignal): Promise<void>
  /** Also for what is under way. */
  setOffline(offline: boolean): void
  setLimits(limits: DownloadLimits): void
  /** From the next request of what is under way on. */
  setTokens(tokens: readonly HostToken[]): void
}

/** Each download in a worker thread of its own: `out/main/downloadWorker.js`. */
export class WorkerRunner implements DownloadRunner {
  readonly #workers = new Set<Worker>()
  readonly #pace = new Pace()
  #connections: number | null = null

  constructor(
    readonly workerFile: string,
    readonly network: Network,
    readonly limits: JobLimits = jobLimits,
  ) {}

  setOffline(offline: boolean): void {
    for (const worker of this.#workers) post(worker, { type: 'offline', offline })
  }

  setLimits({ bytesPerSecond, connections }: DownloadLimits): void {
    this.#pace.set(bytesPerSecond)
    this.#connections = connections
    for (const worker of this.#workers) post(worker, { type: 'connections', connections })
  }

  async #tellProxy(worker: Worker, origin: string): Promise<void> {
    post(worker, { type: 'proxy', origin, answer: await this.network.systemProxy(origin) })
  }

  setTokens(tokens: readonly HostToken[]): void {
    for (const worker of this.#workers) post(worker, { type: 'tokens', tokens: [...tokens] })
  }

  run(spec: JobSpec, onEvent: (event: JobEvent) => void, signal: AbortSignal): Promise<void> {
    const limits = { ...this.limits, maxConnections: this.#connections ?? this.limits.maxConnections ?? null }
    const workerData: WorkerStart = { spec, network: this.network.config, limits, pace: this.#pace.memory }
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(new SnugError('cancelled', 'stopped'))
      const worker = new Worker(this.workerFile, { workerData, name: 'download' })
      this.#workers.add(worker)
      const stop = () => post(worker, { type: 'stop' })
      signal.addEventListener('abort', stop, { once: true })
      let failure: SnugError | null = new SnugError('internal/bug', 'the download worker ended without a word')
      worker.on('message', (message: FromDownloadWorker) => {
        if (message.type === 'event') onEvent(message.event)
        else if (message.type === 'network') this.network.record(message.entry)
        else if (message.type === 'proxy') void this.#tellProxy(worker, message.origin)
        else if (message.type === 'keep') post(worker, { type: 'kept' })
        else failure = message.error === null ? null : SnugError.from(message.error)
      })
      worker.on('error', (cause) => {
        failure = new SnugError('internal/bug', `the download worker failed: ${String(cause)}`, {}, { cause })
      })
      worker.once('exit', () => {
        this.#workers.delete(worker)
        signal.removeEventListener('abort', stop)
        if (failure === null) resolve()
        else reject(failure)
      })
    })
  }
}

/** The same in this thread, for tests from sources. */
export class InProcessRunner implements DownloadRunner {
  readonly #jobs = new Set<DownloadJob>()
  readonly #pace = new Pace()
  #connections: number | null = null

  constructor(
    readonly network: Network,
    readonly limits: JobLimits = jobLimits,
  ) {}

  setOffline(offline: boolean): void {
    this.network.setOffline(offline)
  }

  setLimits({ bytesPerSecond, connections }: DownloadLimits): void {
    this.#pace.set(bytesPerSecond)
    this.#connections = connections
    for (const job of this.#jobs) job.setConnections(connections)
  }

  setTokens(tokens: readonly HostToken[]): void {
    this.network.setTokens(tokens)
  }

  async run(spec: JobSpec, onEvent: (event: JobEvent) => void, signal: AbortSignal): Promise<void> {
    const limits = { ...this.limits, maxConnections: this.#connections ?? this.limits.maxConnections ?? null }
    const job = new DownloadJob(spec, { network: this.network, limits, emit: onEvent, pace: this.#pace })
    this.#jobs.add(job)
    await job.run(signal).finally(() => this.#jobs.delete(job))
  }
}

function post(worker: Worker, message: ToDownloadWorker): void {
  worker.postMessage(message, [])
}
