import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync } from 'node:fs'
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

test('a disk that fills up in the middle of a move: said with what is missing, the old file is as it was, no half one is left', async () => {
  const data = join(folder, 'full data')
  const [target, added] = [join(folder, 'small disk'), join(data, 'models', basename(model))]
  mkdirSync(join(data, 'models'), { recursive: true })
  mkdirSync(target)
  copyFileSync(model, added)
  utimesSync(added, 1_600_000_000, 1_600_000_000)
  const megabytes = Math.ceil(statSync(added).size / 2 ** 20) + 80
  // Somebody else takes what is left as soon as the copy has begun; a move then ends as a full disk does.
  const script = `mount -t tmpfs -o size=${megabytes}m none "$1"; cd "$1"
id=$("$2" "$3" --json list | sed 's/.*"id":"\\([^"]*\\)".*/\\1/')
(until [ "$(find . -name '*.snug-moving')" ]; do :; done
for size in 512 256 128 64 32 16 8 4 2 1; do fallocate -l "$size"m "filler $size" 2>/dev/null || rm -f "filler $size"; done) & "$2" "$3" --json move "$id" "$1"; echo "code $?"
wait; find . -type f ! -name 'filler *'; "$2" "$3" --json list`
  const env = { ...process.env, SNUG_DATA: data, SNUG_CACHE: join(folder, 'cache'), LANG: 'en' }
  const child = spawn('unshare', ['-rm', 'sh', '-c', script, 'sh', target, process.execPath, cli], { env })
  let said = ''
  let errors = ''
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  await once(child, 'close')
  const [code, list, ...rest] = said.trim().split('\n')
  expect(code, errors).toBe('code 1')
  const { error } = JSON.parse(errors.trim().split('\n').at(-1) ?? '') as { error: { code: string; data: { neededBytes: number } } }
  expect(error).toMatchObject({ code: 'download/disk-full', data: { path: target } })
  expect(error.data.neededBytes).toBeGreaterThan(1024 * 1024)
  expect(JSON.parse(list ?? '')).toMatchObject([{ path: added, state: 'own' }])
  expect(rest).toEqual([])
  expect(readFileSync(added).equals(readFileSync(model))).toBe(true)
})
