import { fileURLToPath } from 'node:url'
import { isMainThread, parentPort as ownerPort, Worker } from 'node:worker_threads'
import type { EngineRole, FromEngine, Port, ToEngine } from '@shared/engine/protocol'
import { skipBindingTest } from './bindingTest'
import { giveGgmlHugePages } from './hugePages'
import { endWithParent } from './parentWatch'
import { serve } from './server'

/** What Electron's utilityProcess gives its child; declared here because this folder knows no electron. */
interface ParentPort {
  postMessage(message: unknown): void
  on(event: 'message', listener: (event: { data: unknown }) => void): void
}

const parentPort = (process as { parentPort?: ParentPort }).parentPort

function openPort(): Port<ToEngine, FromEngine> {
  if (ownerPort !== null) {
    const owner = ownerPort
    return {
      post: (message) => owner.postMessage(message),
      onMessage: (listener) => void owner.on('message', (message) => listener(message as ToEngine)),
      onClose: () => undefined,
    }
  }
  if (parentPort) {
    return {
      post: (message) => parentPort.postMessage(message),
      onMessage: (listener) => parentPort.on('message', (event) => listener(event.data as ToEngine)),
      // Electron ends a utility process with its parent.
      onClose: () => undefined,
    }
  }
  if (process.send === undefined) {
    process.stderr.write('The engine is started by Snug, not by hand.\n')
    process.exit(2)
  }
  return {
    post: (message) => {
      // A parent that is gone cannot be answered; `disconnect` ends this process.
      if (process.connected) process.send?.(message, undefined, undefined, () => undefined)
    },
    onMessage: (listener) => void process.on('message', (message) => listener(message as ToEngine)),
    onClose: (listener) => void process.on('disconnect', () => listener('parent gone')),
  }
}

function roleOf(): EngineRole {
  const argument = process.argv.find((text) => text.startsWith('--role='))?.slice('--role='.length)
  return (argument ?? process.env.SNUG_ENGINE_ROLE) === 'model' ? 'model' : 'tools'
}

function endOn(event: 'uncaughtException' | 'unhandledRejection'): void {
  process.on(event, (error: unknown) => {
    process.stderr.write(`${event}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
    process.exit(1)
  })
}

/**
 * The model's calls in a thread of their own. The main thread of a utility process waits for Node's events through a second thread,
 * which each token's turns between llama.cpp and JavaScript pay (ADR 8).
 */
function relay(port: ParentPort): void {
  const worker = new Worker(fileURLToPath(import.meta.url), { argv: process.argv.slice(2) })
  port.on('message', ({ data }) => worker.postMessage(data))
  worker.on('message', (message: FromEngine) => port.postMessage(message))
  worker.on('error', (error) => {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
    process.exit(1)
  })
  worker.on('exit', (code) => process.exit(code))
}

async function answer(): Promise<void> {
  const port = openPort()
  const role = roleOf()
  const log = (level: 'debug' | 'info' | 'warn' | 'error', text: string) => port.post({ type: 'log', level, text })
  // Imported only now: node-llama-cpp must not be loaded before its binary test is replaced.
  const handlers =
    role === 'model' ? (await import('./modelRole')).createModelRole(log) : (await import('./toolsRole')).createToolsRole(log)
  serve(port, role, handlers)
}

if (parentPort && isMainThread && roleOf() === 'model') relay(parentPort)
else {
  // What a thread does not catch reaches `relay`.
  if (isMainThread) {
    endOn('uncaughtException')
    endOn('unhandledRejection')
  }
  if (parentPort || !isMainThread) {
    skipBindingTest()
    giveGgmlHugePages()
  } else endWithParent()
  await answer()
}
