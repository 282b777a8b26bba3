import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, sep } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { SnugError } from '@shared/errors'
import { downloadsIn } from '../../../e2e/fixtures/downloadsService'
import { type RunningHub, startHub } from '../../../e2e/fixtures/hubServer'
import { InProcessRunner } from '../platform/downloadRunner'
import { Hub } from '../platform/hub'
import { Network } from '../platform/network'
import type { DownloadsService } from './downloads'

/** Row P1 of the fault matrix: names as a hub's file list may give them, down to the disk. */
const full = process.env.SNUG_TEST_FULL === '1'
const repository = 'maker/names-GGUF'

const odd = [
  '../',
  '../../',
  '..\\',
  '..\\..\\',
  '/',
  '//',
  '/etc/',
  '\\\\server\\share\\',
  'C:',
  'C:\\',
  'c:/',
  'sub/../../',
  './',
  'a/./',
  'a//',
  '~/',
  'CON/',
  'nul/',
  'aux.',
  'COM1.',
  'lpt¹.',
  'PRN ',
  'con',
  'a\0',
  'a\n',
  'a\u0007',
  'a\u202e',
  'a\u2066',
  '\ufeff',
  'a:',
  'a*',
  'a?',
  'a|',
  '<a>',
  '"a"',
  `${'x'.repeat(300)}/`,
  '模'.repeat(90),
  'a/b/c/d/e/f/g/',
  ' ',
  'a /',
  'a./',
  '%2e%2e%2f',
  '..%2f',
  '....//',
  '.../',
  '‥/',
  '．．/',
  '😀',
  '.hidden-',
]

/** Each of them in four places of a name; what two of them share is one file. */
const all = [
  ...new Set(odd.flatMap((name) => [`${name}m-Q4_0.gguf`, `m-Q4_0${name}.gguf`, `sub/${name}x-Q8_0.gguf`, `m-Q4_0.gguf${name}`])),
]
const names = full ? all : all.filter((_name, index) => index % 10 === 0)

let root: string
let hub: RunningHub
let service: DownloadsService
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'snug-names-'))
  const files = Object.fromEntries(names.map((name) => [name, Buffer.from(`GGUF ${name}`)]))
  const twins = { 'Case-Q4_0.gguf': Buffer.from('upper'), 'case-Q4_0.gguf': Buffer.from('lower') }
  const spellings = { '\u00e9-Q4_0.gguf': Buffer.from('one letter'), 'e\u0301-Q4_0.gguf': Buffer.from('two letters') }
  hub = await startHub({
    repositories: { [repository]: { files }, 'maker/twins': { files: twins }, 'maker/spellings': { files: spellings } },
  })
  const network = new Network({ offline: false, token: null, proxy: null })
  const inside = join(root, 'data')
  mkdirSync(inside)
  service = downloadsIn(inside, {
    hub: new Hub({ network, endpoint: () => hub.endpoint }),
    runner: new InProcessRunner(network),
  }).service
})
afterAll(async () => {
  await service.dispose()
  await hub.close()
  rmSync(root, { recursive: true, force: true })
})

const models = () => join(root, 'data', 'models')

/** Where it lies, or the code that it was refused with. */
async function fetch(from: string, file: string): Promise<{ path?: string; code?: string }> {
  try {
    const { id } = await service.start({ repository: from, file })
    await service.waitFor(id)
    return { path: service.pathOf(id) }
  } catch (error) {
    return { code: (error as SnugError).code }
  }
}

it(`${names.length} names from a hub's list: each is refused by its name, or lies inside the models folder and is the right file`, async () => {
  if (full) expect(names.length).toBeGreaterThanOrEqual(180)
  let arrived = 0
  for (const name of names) {
    const { path, code } = await fetch(repository, name)
    if (path === undefined) {
      // What is no GGUF by its name is no model of the list.
      expect(['file/unsafe-name', 'hub/not-found'], name).toContain(code)
      continue
    }
    arrived++
    expect(realpathSync(path).startsWith(realpathSync(models()) + sep), name).toBe(true)
    expect(readFileSync(path, 'utf8'), name).toBe(`GGUF ${name}`)
  }
  expect(arrived).toBeGreaterThan(0)
  expect(readdirSync(root)).toEqual(['data'])
  expect(readdirSync(join(root, 'data')).sort()).toEqual(['locks', 'models'])
  // Nobody reads the name that a server gives in Content-Disposition.
  expect(
    readdirSync(root, { recursive: true })
      .map(String)
      .filter((name) => name.includes('from-outside')),
  ).toEqual([])
})

it('two names that are one on some disks never write over each other', async () => {
  for (const [from, files] of [
    ['maker/twins', { 'Case-Q4_0.gguf': 'upper', 'case-Q4_0.gguf': 'lower' }],
    ['maker/spellings', { '\u00e9-Q4_0.gguf': 'one letter', 'e\u0301-Q4_0.gguf': 'two letters' }],
  ] as const) {
    const paths: string[] = []
    for (const [name, content] of Object.entries(files)) {
      const { path = '' } = await fetch(from, name)
      expect(readFileSync(path, 'utf8')).toBe(content)
      paths.push(path)
    }
    expect(Object.values(files)).toEqual(paths.map((path) => readFileSync(path, 'utf8')))
  }
})

it('a file of one’s own under such a name stays as it is', async () => {
  const own = join(models(), 'maker', 'twins', 'case-Q4_0.gguf')
  const before = existsSync(own) ? createHash('sha256').update(readFileSync(own)).digest('hex') : null
  expect(before).not.toBeNull()
  writeFileSync(own, 'mine')
  const { path = '' } = await fetch('maker/twins', 'case-Q4_0.gguf')
  expect(readFileSync(own, 'utf8')).toBe('mine')
  expect(path).not.toBe(own)
  expect(readFileSync(path, 'utf8')).toBe('lower')
})
