import { type ChildProcess, fork } from 'node:child_process'
import type { BareAnswer, BareLoad, BareRun } from './bareLoop.child'
import { childScript } from './childScript'

export interface BareLoop {
  run(text: string, tokens: number, limitMs?: number): Promise<BareAnswer>
  stop(): void
}

export interface BareOptions {
  path: string
  contextSize: number
  batchSize: number
  threads: number | null
  /** Of libuv's pool: null leaves Node's own number (4). */
  poolSize: number | null
}

function ask<T>(child: ChildProcess, message: BareLoad | BareRun): Promise<T> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null) => reject(new Error(`the bare loop ended with code ${code}`))
    child.once('exit', onExit)
    child.once('message', (answer: { value: T } | { error: string }) => {
      child.off('exit', onExit)
      if ('error' in answer) reject(new Error(answer.error))
      else resolve(answer.value)
    })
    child.send(message)
  })
}

/** node-llama-cpp's `evaluate` in a process of its own, loaded once and asked again and again. */
export async function startBareLoop({ poolSize, ...load }: BareOptions): Promise<BareLoop> {
  const { UV_THREADPOOL_SIZE: _inherited, ...env } = process.env
  const child = fork(childScript('bareLoop'), [], {
    env: { ...env, ...(poolSize === null ? {} : { UV_THREADPOOL_SIZE: String(poolSize) }) },
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  await ask(child, { kind: 'load', ...load })
  return {
    run: (text, tokens, limitMs = Number.POSITIVE_INFINITY) =>
      // JSON has no infinity.
      ask<BareAnswer>(child, { kind: 'run', text, tokens, limitMs: Math.min(limitMs, 1e9) }),
    stop: () => child.kill(),
  }
}
