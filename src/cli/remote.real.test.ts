import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import catalog from '../../resources/catalog.json'
import { cliFile, snug as inPlace } from '../../e2e/fixtures/cli'
import { type RunningHub, startHub } from '../../e2e/fixtures/hubServer'
import { writeScriptedModel } from '../engine/scriptedModel'

const folder = mkdtempSync(join(tmpdir(), 'snug-remote-'))
const model = join(folder, 'scripted-F32.gguf')
/** Of tomorrow, which no shipped one can be. */
const tomorrow = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10)
const newer = { ...catalog, updated: tomorrow, entries: catalog.entries.slice(0, 3) }
let server: RunningHub

beforeAll(async () => {
  if (!existsSync(cliFile)) throw new Error('The command line is not built: run `npm run build` first.')
  await writeScriptedModel(model)
  const weights = Buffer.alloc(10)
  server = await startHub({
    repositories: {
      'maker/scripted-GGUF': { files: { 'scripted-F32.gguf': model, 'catalog.json': Buffer.from(JSON.stringify(newer)) } },
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

const snug = async (...args: string[]) => await inPlace({ folder, endpoint: server.endpoint }, ...args)

test('a hub is named without its scheme too, and what is no address is said', async () => {
  const bare = server.endpoint.replace('http://', '')
  expect((await inPlace({ folder, endpoint: bare }, 'search', 'shelf')).out).toHaveLength(3)
  expect((await inPlace({ folder, endpoint: 'two words' }, 'search', 'shelf', '--endpoint', bare)).out).toHaveLength(3)
  const wrong = await inPlace({ folder, endpoint: 'two words' }, 'search', 'shelf')
  expect([wrong.code, wrong.error]).toMatchObject([1, { code: 'hub/bad-address', data: { address: 'two words' } }])
  expect((await inPlace({ folder, endpoint: bare }, 'search', 'shelf', '--endpoint', 'ftp://x')).code).toBe(2)
})

test('search narrows by size, machine, licence and language', async () => {
  const names = async (...flags: string[]) => {
    const { code, out } = await snug('search', 'shelf', ...flags)
    expect(code).toBe(0)
    return (out as { repository: string }[]).map(({ repository }) => /shelf\/(\w+)/.exec(repository)?.[1])
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
  const { source, ...said } = remote.out as Record<string, unknown>
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
  const [{ id, path } = { id: '', path: '' }] = (await snug('list')).out as { id: string; path: string }[]
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
  expect([missing.code, missing.error]).toMatchObject([1, { code: 'hub/not-found', data: { has: ['F32'] } }])
  expect((await snug('inspect', 'hf:nothing', '--data', join(folder, 'data'))).code).toBe(2)
})

test('a newer catalogue is fetched on request, and given back', async () => {
  expect((await snug('catalog', '--update')).error).toMatchObject({ code: 'catalog/no-address' })
  const address = `${server.endpoint}/plain/catalog.json`
  const fetched = await snug('catalog', '--update', address)
  expect(fetched.out, fetched.err).toMatchObject({ updated: tomorrow, models: 3, fetched: { address } })
  expect((await snug('catalog')).out).toMatchObject({ updated: tomorrow })
  expect((await snug('catalog', '--shipped')).out).toMatchObject({ fetched: null, address })
})
