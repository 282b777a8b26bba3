import { parentPort, workerData } from 'node:worker_threads'
import { toErrorValue } from '@shared/errors'
import { DownloadJob } from './downloadJob'
import type { FromDownloadWorker, ToDownloadWorker, WorkerStart } from './downloadTypes'
import { type FileJobStart, runFileJob } from './fileJobs'
import { Network } from './network'
import { Pace } from './pace'

/** Network, writing and hashing of one download, off the main loop; other work on whole files has threads that begin here as well. */
const start = workerData as WorkerStart | FileJobStart
if (parentPort !== null) {
  if ('fileJob' in start) runFileJob(parentPort, start)
  else download(start)
}

function download({ spec, network: config, limits, pace }: WorkerStart): void {
  const post = (message: FromDownloadWorker) => parentPort?.postMessage(message, [])
  const asked = new Map<string, ((answer: string) => void)[]>()
  const systemProxy = (origin: string) =>
    new Promise<string>((tell) => {
      asked.set(origin, [...(asked.get(origin) ?? []), tell])
      post({ type: 'proxy', origin })
    })
  const network = new Network(config, (entry) => post({ type: 'network', entry }), systemProxy)
  const stop = new AbortController()
  let kept = () => {}

  const job = new DownloadJob(spec, {
    network,
    limits,
    emit: (event) => post({ type: 'event', event }),
    kept: () =>
      new Promise<void>((resolve) => {
        kept = resolve
        post({ type: 'keep' })
      }),
    pace: new Pace(pace),
  })

  parentPort?.on('message', (message: ToDownloadWorker) => {
    if (message.type === 'stop') stop.abort()
    else if (message.type === 'connections') job.setConnections(message.connections)
    else if (message.type === 'tokens') network.setTokens(message.tokens)
    else if (message.type === 'kept') kept()
    else if (message.type === 'proxy') {
      for (const tell of asked.get(message.origin) ?? []) tell(message.answer)
      asked.delete(message.origin)
    } else network.setOffline(message.offline)
  })

  void job
    .run(stop.signal)
    .then(
      () => post({ type: 'end', error: null }),
      (error: unknown) => post({ type: 'end', error: toErrorValue(error) }),
    )
    .finally(() => parentPort?.close())
}
