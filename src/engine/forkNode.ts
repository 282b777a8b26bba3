import { type ChildProcess, fork } from 'node:child_process'
import type { EngineProcess, EngineRole, ForkEngine, FromEngine, ToEngine } from '@shared/engine/protocol'
import { engineEnv } from './engineEnv'
import { hugePagesEnv } from './hugePages'

export { engineEnv } from './engineEnv'
export { hugePagesEnv } from './hugePages'

/** After this SIGTERM becomes SIGKILL. */
const killAfterMs = 2000
/** Enough of what llama.cpp said last to tell why it aborted. */
const stderrKept = 4096

function startWorker(entryPath: string, role: EngineRole): EngineProcess {
  const child: ChildProcess = fork(entryPath, [], {
    env: { ...engineEnv(role), ...hugePagesEnv },
    execArgv: [],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    serialization: 'json',
  })
  const messageListeners: ((message: FromEngine) => void)[] = []
  const closeListeners: ((reason: string) => void)[] = []
  let closed: string | null = null
  let lastWords = ''

  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    lastWords = (lastWords + text).slice(-stderrKept)
  })
  // Nothing received before the first listener is lost: `ready` may come at once.
  const early: FromEngine[] = []
  child.on('message', (message) => {
    if (messageListeners.length === 0) early.push(message as FromEngine)
    else for (const listener of messageListeners) listener(message as FromEngine)
  })
  const gone = new Promise<void>((resolve) => {
    const close = (reason: string) => {
      resolve()
      if (closed !== null) return
      const words = lastWords.trim().split('\n').slice(-3).join(' | ')
      closed = words === '' ? reason : `${reason}: ${words}`
      for (const listener of closeListeners) listener(closed)
    }
    child.once('error', (error) => close(`could not start: ${error.message}`))
    // `close` comes after the last of stderr and of the channel; `exit` can come before them.
    child.once('close', (code, signal) => close(signal === null ? `exit code ${code ?? 'unknown'}` : `signal ${signal}`))
  })

  return {
    get pid() {
      return child.pid
    },
    port: {
      post: (message: ToEngine) => {
        if (closed !== null || !child.connected) return
        // A worker that ends between the check and the write: `close` rejects the call.
        child.send(message, () => undefined)
      },
      onMessage: (listener) => {
        messageListeners.push(listener)
        for (const message of early.splice(0)) listener(message)
      },
      onClose: (listener) => {
        closeListeners.push(listener)
        if (closed !== null) listener(closed)
      },
    },
    kill: async () => {
      if (closed !== null) return
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), killAfterMs)
      await gone
      clearTimeout(timer)
    },
  }
}

/** Workers as child processes of plain Node: for the command line, benchmarks and tests. */
export function forkNode(entryPath: string): ForkEngine {
  return (role) => startWorker(entryPath, role)
}
