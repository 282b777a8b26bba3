import { app, type UtilityProcess, utilityProcess } from 'electron'
import type { EngineProcess, EngineRole, ForkEngine, FromEngine, ToEngine } from '@shared/engine/protocol'
import { engineEnv, hugePagesEnv } from '../../engine/forkNode'

/** Enough of what llama.cpp said last to tell why it aborted. */
const stderrKept = 4_096

/** Reasons of `child-process-gone` by the name of the service; one listener for all workers, added once. */
const goneReasons = new Map<string, string>()
let watching = false

function watchGone(): void {
  if (watching) return
  watching = true
  app.on('child-process-gone', (_event, details) => {
    if (details.name !== undefined) goneReasons.set(details.name, `${details.reason}, exit code ${details.exitCode}`)
  })
}

let started = 0

function startWorker(entryPath: string, role: EngineRole): EngineProcess {
  watchGone()
  const name = `snug-engine-${role}-${++started}`
  const child: UtilityProcess = utilityProcess.fork(entryPath, [], {
    serviceName: name,
    env: { ...engineEnv(role), ...hugePagesEnv },
    execArgv: [],
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const messageListeners: ((message: FromEngine) => void)[] = []
  const closeListeners: ((reason: string) => void)[] = []
  // Nothing received before the first listener is lost: `ready` may come at once.
  const early: FromEngine[] = []
  let closed: string | null = null
  let killed = false
  let lastWords = ''

  child.stderr?.on('data', (bytes: Buffer) => {
    lastWords = (lastWords + bytes.toString('utf8')).slice(-stderrKept)
  })
  child.on('message', (message: FromEngine) => {
    if (messageListeners.length === 0) early.push(message)
    else for (const listener of messageListeners) listener(message)
  })
  const gone = new Promise<void>((resolve) => {
    child.once('exit', (code) => {
      // `exit` says 0 for a killed child; the reason comes in the same turn of the loop or the next.
      setImmediate(() => {
        const reason = goneReasons.get(name) ?? (killed ? 'killed' : `exit code ${code}`)
        goneReasons.delete(name)
        const words = lastWords.trim().split('\n').slice(-3).join(' | ')
        closed = words === '' ? reason : `${reason}: ${words}`
        resolve()
        for (const listener of closeListeners) listener(closed)
      })
    })
  })

  return {
    get pid() {
      return child.pid
    },
    port: {
      post: (message: ToEngine) => {
        // To a process, not to a window: there is no origin.
        // oxlint-disable-next-line unicorn/require-post-message-target-origin
        if (closed === null) child.postMessage(message)
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
      killed = true
      // SIGTERM; Electron sends SIGKILL by itself to a child that is still there after 2 s (measured: stopped and looping children).
      child.kill()
      await gone
    },
  }
}

/** Workers as utility processes of the app; messages go over `process.parentPort`. */
export function forkUtility(entryPath: string): ForkEngine {
  return (role) => startWorker(entryPath, role)
}
