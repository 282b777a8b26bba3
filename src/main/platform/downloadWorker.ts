import { parentPort, workerData } from 'node:worker_threads'
import { toErrorValue } from '@shared/errors'
import { DownloadJob } from './downloadJob'
import type { FromDownloadWorker, ToDownloadWorker, WorkerStart } from './downloadTypes'
import { Network } from './network'

/** Network, writing and hashing of one download, off the main loop. Everything else is `DownloadJob`. */
const { spec, network: config, limits } = workerData as WorkerStart
const post = (message: FromDownloadWorker) => parentPort?.postMessage(message, [])
const network = new Network(config, (entry) => post({ type: 'network', entry }))
const stop = new AbortController()

parentPort?.on('message', (message: ToDownloadWorker) => {
  if (message.type === 'stop') stop.abort()
  else network.setOffline(message.offline)
})

void new DownloadJob(spec, { network, limits, emit: (event) => post({ type: 'event', event }) })
  .run(stop.signal)
  .then(
    () => post({ type: 'end', error: null }),
    (error: unknown) => post({ type: 'end', error: toErrorValue(error) }),
  )
  .finally(() => parentPort?.close())
