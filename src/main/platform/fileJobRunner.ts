import { Worker } from 'node:worker_threads'
import { SnugError } from '@shared/errors'
import type { FileJob, FileJobStart, FromFileJob, ToFileJob } from './fileJobs'

export type RunFileJob = (job: FileJob, onProgress: (doneBytes: number) => void, signal: AbortSignal) => Promise<string[]>

/** Each job in a thread of its own, begun in the file of the download worker: one more built file would hold little else. */
export function fileJobRunner(workerFile: string): RunFileJob {
  return (fileJob, onProgress, signal) =>
    new Promise((resolve, reject) => {
      if (signal.aborted) return reject(new SnugError('cancelled', 'stopped'))
      const workerData: FileJobStart = { fileJob }
      const worker = new Worker(workerFile, { workerData, name: 'files' })
      const stop = () => worker.postMessage({ type: 'stop' } satisfies ToFileJob, [])
      signal.addEventListener('abort', stop, { once: true })
      let failure: unknown = new SnugError('internal/bug', 'the file worker ended without a word')
      let hashes: string[] | null = null
      worker.on('message', (message: FromFileJob) => {
        if (message.type === 'progress') onProgress(message.doneBytes)
        else if (message.type === 'end') hashes = message.hashes
        else failure = SnugError.from(message.error)
      })
      worker.on('error', (cause) => {
        failure = new SnugError('internal/bug', `the file worker failed: ${String(cause)}`, {}, { cause })
      })
      worker.once('exit', () => {
        signal.removeEventListener('abort', stop)
        if (hashes === null) reject(failure)
        else resolve(hashes)
      })
    })
}
