import type { Command } from 'commander'
import { type Core, createCore } from '../main/core'
import { forkNode } from '../engine/forkNode'
import { join } from 'node:path'
import { createStderrLog } from '../main/platform/fileLog'
import { snugPaths } from '../main/platform/paths'
import { moveToTrash } from '../main/platform/trash'
import { type Output, createOutput, exitCodes } from './output'

export interface Run {
  core: Core
  out: Output
  /** Aborted by Ctrl+C. */
  signal: AbortSignal
}

/** Runs one command on a core of its own, turns what it throws into words and an exit code, and leaves nothing running. */
export function command<Args extends unknown[]>(work: (run: Run, ...args: Args) => Promise<number | void>) {
  return async (...args: unknown[]) => {
    const self = args.at(-1) as Command
    const { json = false, data } = self.optsWithGlobals<{ json?: boolean; data?: string }>()
    const out = createOutput(json)
    const abort = new AbortController()
    let interrupts = 0
    const interrupt = () => {
      abort.abort()
      // The second one does not wait.
      if (++interrupts > 1) process.exit(exitCodes.interrupted)
    }
    process.on('SIGINT', interrupt)
    process.on('SIGTERM', interrupt)
    let core: Core | undefined
    try {
      const here = import.meta.dirname
      core = createCore({
        paths: snugPaths({ env: process.env, platform: process.platform, dataDir: data }),
        fork: forkNode(join(here, 'engine.js')),
        downloadWorker: join(here, 'downloadWorker.js'),
        log: createStderrLog(),
        trash: moveToTrash,
        background: false,
      })
      const code = await work({ core, out, signal: abort.signal }, ...(args.slice(0, -1) as Args))
      process.exitCode = abort.signal.aborted ? exitCodes.interrupted : (code ?? exitCodes.done)
    } catch (error) {
      process.exitCode = abort.signal.aborted ? exitCodes.interrupted : out.fail(error)
    } finally {
      process.off('SIGINT', interrupt)
      process.off('SIGTERM', interrupt)
      await core?.dispose()
    }
  }
}
