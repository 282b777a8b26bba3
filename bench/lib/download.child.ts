import { WorkerRunner } from '../../src/main/platform/downloadRunner'
import type { JobSpec } from '../../src/main/platform/downloadTypes'
import { Network } from '../../src/main/platform/network'

/** Fetches one file as the app does, in a process of its own, so that its time and memory can be told. Arguments: worker, spec. */
const [worker = '', text = ''] = process.argv.slice(2)
const spec = JSON.parse(text) as JobSpec
const runner = new WorkerRunner(worker, new Network({ offline: false, token: null, proxy: null }))
const started = performance.now()
await runner.run(spec, () => {}, new AbortController().signal)
const ms = performance.now() - started
const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage()
process.stdout.write(JSON.stringify({ ms, cpuMs: (userCPUTime + systemCPUTime) / 1_000, maxRssBytes: maxRSS * 1_024 }))
