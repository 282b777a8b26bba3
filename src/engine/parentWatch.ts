import { Worker } from 'node:worker_threads'

/** Also the longest that a worker outlives an app that was ended with kill -9. */
const pollMs = 250

/**
 * Ends this process when its parent is gone, whatever its main thread is doing: a template in an endless loop or a native call
 * never sees `disconnect`, so a thread looks at the parent's id.
 */
export function endWithParent(): void {
  process.once('disconnect', () => process.exit(0))
  const parent = process.ppid
  const watch = new Worker(
    `const { workerData } = require('node:worker_threads')
     setInterval(() => { if (process.ppid !== workerData) process.kill(process.pid, 'SIGKILL') }, ${pollMs})`,
    { eval: true, workerData: parent, resourceLimits: { maxOldGenerationSizeMb: 8, maxYoungGenerationSizeMb: 2, stackSizeMb: 1 } },
  )
  watch.unref()
  // Without the thread `disconnect` still ends an idle worker; the pool is too small a reason to refuse work.
  watch.on('error', () => undefined)
}
