import { type ChildProcess, fork } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { checkout } from '../../e2e/fixtures/launch'
import type { BareAnswer, BareLoad, BareRun } from './bareLoop.child'

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

/** Plain Node runs JavaScript only, and nothing of a bundler shall run beside what is measured. */
function childScript(): string {
  const source = join(checkout, 'bench/lib/bareLoop.child.ts')
  const folder = join(checkout, 'node_modules/.cache/snug')
  const target = join(folder, 'bareLoop.mjs')
  const { outputText } = ts.transpileModule(readFileSync(source, 'utf8'), {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
  })
  mkdirSync(folder, { recursive: true })
  writeFileSync(target, outputText)
  return target
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
  const child = fork(childScript(), [], {
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
