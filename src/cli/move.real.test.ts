import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { LibraryModel } from '@shared/domain/library'
import { writeScriptedModel } from '../engine/scriptedModel'

const cli = fileURLToPath(new URL('../../out/main/cli.js', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'snug-move-'))
const otherDisk = existsSync('/dev/shm') && statSync('/dev/shm').dev !== statSync(folder).dev ? mkdtempSync('/dev/shm/snug-move-') : null
const model = join(folder, 'scripted.gguf')

beforeAll(async () => {
  if (!existsSync(cli)) throw new Error('The command line is not built: run `npm run build` first.')
  // Large enough that a copy is caught in the middle.
  await writeScriptedModel(model, { layers: 16, feedForwardLength: 3072, words: 20 })
})
afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
  if (otherDisk !== null) rmSync(otherDisk, { recursive: true, force: true })
})

function start(...args: string[]): ChildProcess & { said: () => string } {
  const env = { ...process.env, SNUG_DATA: join(folder, 'data'), SNUG_CACHE: join(folder, 'cache'), LANG: 'en' }
  const child = spawn(process.execPath, [cli, '--json', ...args], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  let said = ''
  child.stdout?.on('data', (chunk: Buffer) => (said += chunk.toString()))
  return Object.assign(child, { said: () => said })
}

async function snug<T>(...args: string[]): Promise<T> {
  const child = start(...args)
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new Error(`snug ${args[0]} ended with ${code}`)
  return JSON.parse(child.said()) as T
}

test.skipIf(otherDisk === null)(
  'kill -9 in the middle of a move: the old file is whole, no half one is listed, and the next move does it',
  async () => {
    const target = otherDisk ?? ''
    const list = () => snug<LibraryModel[]>('list')
    const bytes = statSync(model).size
    const added = join(folder, 'data', 'models', basename(model))
    await writeScriptedModel(added, { layers: 16, feedForwardLength: 3072, words: 20 })
    // Old enough that the first look takes it.
    utimesSync(added, 1_600_000_000, 1_600_000_000)
    const [before] = await list()
    expect(before).toMatchObject({ path: added, state: 'own' })

    const child = start('move', before?.id ?? '', target)
    const partial = () => readdirSync(target).filter((name) => name.endsWith('.snug-moving'))
    while (partial().length === 0 && child.exitCode === null) await new Promise((resolve) => setImmediate(resolve))
    child.kill('SIGKILL')
    await once(child, 'close')
    expect(child.signalCode).toBe('SIGKILL')
    expect(partial()).toHaveLength(1)
    expect(readdirSync(target).filter((name) => name.endsWith('.gguf'))).toEqual([])
    expect(statSync(added).size).toBe(bytes)
    expect(await list()).toMatchObject([{ path: added, state: 'own' }])

    const moved = await snug<{ path: string }>('move', before?.id ?? '', target)
    expect(moved.path).toBe(join(target, basename(model)))
    expect(readdirSync(target)).toEqual([basename(model)])
    expect(existsSync(added)).toBe(false)
    expect(await list()).toMatchObject([{ id: before?.id, path: moved.path, state: 'own' }])
    expect(await snug<{ state: string }[]>('verify', before?.id ?? '')).toMatchObject([{ state: 'same' }])
  },
)
