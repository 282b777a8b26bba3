import childProcess from 'node:child_process'
import { EventEmitter } from 'node:events'
import { syncBuiltinESMExports } from 'node:module'

/**
 * node-llama-cpp tries a binary first in a fork of `process.execPath`. In a packaged app that is the app itself (the RunAsNode
 * fuse is off), so a second copy of it would open and no model would ever load. This process is the expendable one already:
 * the test answers "works", and a crash here means the next backend. Call it before node-llama-cpp is imported.
 */
export function skipBindingTest(): void {
  const realFork = childProcess.fork
  const answers: Record<string, string> = { start: 'loaded', test: 'done' }
  const pretend = () => {
    const child = Object.assign(new EventEmitter(), {
      stdout: null,
      stderr: null,
      pid: undefined,
      exitCode: null as number | null,
      killed: false,
      kill: () => true,
      send: (message: { type: string }) => {
        setImmediate(() => {
          if (message.type === 'exit') {
            child.exitCode = 0
            child.emit('exit', 0)
          } else child.emit('message', { type: answers[message.type] })
        })
        return true
      },
    })
    setImmediate(() => child.emit('message', { type: 'ready' }))
    return child as unknown as childProcess.ChildProcess
  }
  const replaced = (modulePath: string | URL, ...rest: unknown[]) =>
    /[\\/]testBindingBinary[^\\/]*$/.test(String(modulePath))
      ? pretend()
      : (realFork as (modulePath: string | URL, ...rest: unknown[]) => childProcess.ChildProcess)(modulePath, ...rest)
  childProcess.fork = replaced
  syncBuiltinESMExports()
}
