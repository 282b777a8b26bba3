import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import data from '../../../resources/catalog.json'
import { defaultSettings } from '@shared/domain/settings'
import { Network } from '../platform/network'
import { parseCatalog } from './catalog'
import { CatalogUpdates } from './catalogUpdates'

const now = Date.parse('2026-12-20T12:00:00Z')
const shipped = parseCatalog({ ...data, updated: '2026-11-24' })
const newer = { ...data, updated: '2026-12-01', entries: data.entries.slice(0, 3) }
const served: Record<string, string> = {
  '/newer.json': JSON.stringify(newer),
  '/older.json': JSON.stringify({ ...newer, updated: '2026-11-01' }),
  '/ahead.json': JSON.stringify({ ...newer, updated: '2027-06-01' }),
  '/page.html': '<!doctype html><title>Please sign in</title>',
  '/large.json': `${JSON.stringify(newer)}${' '.repeat(5 * 1024 * 1024)}`,
  '/shape.json': JSON.stringify({ ...newer, entries: [{ ...data.entries[0], layers: { ...data.entries[0]?.layers, blocks: 2e9 } }] }),
  '/extra.json': JSON.stringify({ ...newer, run: 'me' }),
  '/script.json': JSON.stringify(newer).replace(
    '"capability":null',
    '"capability":{"chat":{"score":1,"test":"x","date":"x","link":"javascript:alert(1)"}}',
  ),
  '/twice.json': JSON.stringify({ ...newer, entries: [data.entries[0], data.entries[0]] }),
  '/list.json': '[]',
}
const asked: string[] = []
let server: http.Server
let origin: string
let folder: string

beforeAll(async () => {
  server = http.createServer((request, response) => {
    const path = request.url?.replace(/\?.*$/, '') ?? ''
    asked.push(request.url ?? '')
    const body = served[path]
    response.writeHead(body === undefined ? 404 : 200).end(body)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'snug-catalog-'))
  asked.length = 0
  return () => rmSync(folder, { recursive: true, force: true })
})

function start(own = shipped) {
  let settings = { ...defaultSettings }
  const network = new Network({ offline: false, token: null, proxy: null })
  const updates = new CatalogUpdates({
    network,
    settings: { get: () => settings, set: (patch) => (settings = { ...settings, ...patch }) },
    file: join(folder, 'catalog.json'),
    shipped: () => own,
    now: () => now,
  })
  return { updates, network }
}

it('takes a newer one, tells where it came from, keeps it over a start, and goes back', async () => {
  const { updates, network } = start()
  expect(updates.info()).toEqual({ updated: '2026-11-24', models: shipped.entries.length, fetched: null, address: null })
  const address = `${origin}/newer.json?branch=main`
  const fetched = { address, at: now }
  expect(await updates.update(address)).toEqual({ updated: '2026-12-01', models: 3, fetched, address })
  expect(updates.current.entries.map(({ id }) => id)).toEqual(newer.entries.map(({ id }) => id))
  expect(network.entries()).toMatchObject([{ purpose: 'catalogue', address: `${origin}/newer.json`, outcome: '200' }])
  // The address that gave one is asked the next time, and what has the same date is taken again.
  await updates.update(null)
  expect(asked).toEqual(['/newer.json?branch=main', '/newer.json?branch=main'])
  expect(start().updates.info()).toMatchObject({ updated: '2026-12-01', fetched })
  expect(updates.revert()).toMatchObject({ updated: '2026-11-24', fetched: null, address })
  expect(start().updates.info().fetched).toBeNull()
  expect(readdirSync(folder)).toEqual([])
})

it.each([
  ['page.html', 'catalog/refused', { trouble: 'json' }],
  ['large.json', 'catalog/refused', { trouble: 'answer' }],
  ['none.json', 'catalog/refused', { trouble: 'answer', detail: '404' }],
  ['shape.json', 'catalog/refused', { trouble: 'shape', detail: 'entries.0.layers.blocks' }],
  ['script.json', 'catalog/refused', { trouble: 'shape', detail: 'entries.0.capability.chat.link' }],
  ['extra.json', 'catalog/refused', { trouble: 'shape' }],
  ['twice.json', 'catalog/refused', { trouble: 'shape' }],
  ['list.json', 'catalog/refused', { trouble: 'shape' }],
  ['ahead.json', 'catalog/refused', { trouble: 'date', detail: '2027-06-01' }],
  ['older.json', 'catalog/older', { there: '2026-11-01', here: '2026-12-01' }],
])('%s is refused as a whole, and what was there stays', async (path, code, facts) => {
  const { updates } = start()
  await updates.update(`${origin}/newer.json`)
  const before = readFileSync(join(folder, 'catalog.json'), 'utf8')
  await expect(updates.update(`${origin}/${path}`)).rejects.toMatchObject({ code, data: facts })
  expect(updates.info()).toMatchObject({ updated: '2026-12-01', address: `${origin}/newer.json` })
  expect(readFileSync(join(folder, 'catalog.json'), 'utf8')).toBe(before)
})

it('asks nobody without an address, and none that is no address of the web', async () => {
  const { updates, network } = start()
  for (const address of [null, 'two words', 'file:///etc/passwd'])
    await expect(updates.update(address)).rejects.toMatchObject({ code: 'catalog/no-address' })
  expect(network.entries()).toEqual([])
})

it('prefers the shipped one as soon as it is as new, and does without a file that is damaged', async () => {
  await start().updates.update(`${origin}/newer.json`)
  const later = parseCatalog({ ...data, updated: '2026-12-01' })
  expect(start(later).updates.info()).toMatchObject({ updated: '2026-12-01', models: later.entries.length, fetched: null })
  writeFileSync(join(folder, 'catalog.json'), '{"address": 7')
  expect(start().updates.info()).toMatchObject({ updated: '2026-11-24', fetched: null })
  expect(existsSync(join(folder, 'catalog.json.new'))).toBe(false)
})
