import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RunningHub, startHub } from '../../e2e/fixtures/hubServer'
import { writeScriptedModel } from '../engine/scriptedModel'

const cli = fileURLToPath(new URL('../../out/main/cli.js', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'snug-remote-'))
const model = join(folder, 'scripted-F32.gguf')
let server: RunningHub

beforeAll(async () => {
  if (!existsSync(cli)) throw new Error('The command line is not built: run `npm run build` first.')
  await writeScriptedModel(model)
  const weights = Buffer.alloc(10)
  server = await startHub({
    repositories: {
      'maker/scripted-GGUF': { files: { 'scripted-F32.gguf': model } },
      'shelf/small-1B-GGUF': { files: { 'a.gguf': weights }, licence: 'mit', languages: ['zh'], downloads: 3 },
      'shelf/large-900B-GGUF': { files: { 'a.gguf': weights }, licence: 'mit', languages: ['zh'], downloads: 2 },
      'shelf/bound-2B-GGUF': { files: { 'a.gguf': weights }, licence: 'gemma', languages: ['en'], gated: true, downloads: 1 },
    },
  })
})
afterAll(async () => {
  await server.close()
  rmSync(folder, { recursive: true, force: true })
})

function snug(...args: string[]): Promise<{ code: number; out: Record<string, unknown>; err: string }> {
  const env = {
    ...process.env,
    SNUG_DATA: join(folder, 'data'),
    SNUG_CACHE: join(folder, 'cache'),
    HF_ENDPOINT: server.endpoint,
    LANG: 'en',
  }
  return new Promise((resolve) => {
    execFile(process.execPath, [cli, '--json', ...args], { env }, (error, stdout, stderr) => {
      const code = error === null ? 0 : Number(error.code)
      resolve({ code, out: stdout === '' ? {} : (JSON.parse(stdout) as Record<string, unknown>), err: stderr })
    })
  })
}

test('search narrows by size, machine, licence and language', async () => {
  const names = async (...flags: string[]) => {
    const { code, out } = await snug('search', 'shelf', ...flags)
    expect(code).toBe(0)
    return (out as unknown as { repository: string }[]).map(({ repository }) => /shelf\/(\w+)/.exec(repository)?.[1])
  }
  expect(await names()).toEqual(['small', 'large', 'bound'])
  expect(await names('--licence', 'permissive', '--size', 'heavy')).toEqual(['large'])
  expect(await names('--language', 'zh', '--fits')).toEqual(['small'])
  expect((await snug('search', 'shelf', '--size', 'huge')).code).toBe(2)
})

test('inspect and fit say of an address what they say of the file, and nothing of it is downloaded', async () => {
  const local = await snug('inspect', model)
  const remote = await snug('inspect', 'hf:maker/scripted-GGUF')
  for (const { code, err } of [local, remote]) expect(code, err).toBe(0)
  const { source, ...said } = remote.out
  expect(said).toEqual(local.out)
  expect(source).toMatchObject({
    repository: 'maker/scripted-GGUF',
    revision: server.commit('maker/scripted-GGUF'),
    file: 'scripted-F32.gguf',
  })

  const address = `${server.endpoint}/maker/scripted-GGUF/resolve/main/scripted-F32.gguf`
  const fit = await snug('fit', address)
  expect(fit.out).toMatchObject({ level: 'dry-run', verdict: 'cpu', file: address, source: { address } })
  expect(existsSync(join(folder, 'data', 'models', 'maker'))).toBe(false)
})

test('a pull that is repeated after the model was moved finds it where it lies, and fetches nothing', async () => {
  const pulled = await snug('pull', 'maker/scripted-GGUF')
  expect(pulled.code, pulled.err).toBe(0)
  const [{ id, path } = { id: '', path: '' }] = (await snug('list')).out as unknown as { id: string; path: string }[]
  const elsewhere = join(folder, 'elsewhere')
  mkdirSync(elsewhere)
  const moved = await snug('move', id, elsewhere)
  expect(moved.code, moved.err).toBe(0)
  expect(existsSync(path)).toBe(false)
  const sent = server.stats.storageBytes
  const again = await snug('pull', 'maker/scripted-GGUF')
  expect(again.code, again.err).toBe(0)
  expect(again.out).toMatchObject({ state: 'done', alreadyHere: true, modelId: id, path: join(elsewhere, 'scripted-F32.gguf') })
  expect(server.stats.storageBytes).toBe(sent)
  expect(existsSync(path)).toBe(false)
  // Another folder is another wish.
  const copy = await snug('pull', 'maker/scripted-GGUF', '--to', join(folder, 'copy'))
  expect(copy.out).toMatchObject({ state: 'done', alreadyHere: false })
  expect(server.stats.storageBytes).toBeGreaterThan(sent)
})

test('what cannot be had is told by its code', async () => {
  const missing = await snug('fit', 'hf:maker/scripted-GGUF:Q4_K_M')
  expect([missing.code, JSON.parse(missing.err)]).toMatchObject([1, { error: { code: 'hub/not-found', data: { has: ['F32'] } } }])
  expect((await snug('inspect', 'hf:nothing', '--data', join(folder, 'data'))).code).toBe(2)
})
