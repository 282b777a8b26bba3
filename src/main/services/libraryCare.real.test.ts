import { createHash } from 'node:crypto'
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { ModelFacts } from '@shared/domain/gguf'
import type { LibraryWork } from '@shared/domain/library'
import { defaultSettings } from '@shared/domain/settings'
import { bundle } from '../../../e2e/fixtures/bundle'
import { type SnugDatabase, openDatabase } from '../db/open'
import { type RunFileJob, fileJobRunner } from '../platform/fileJobRunner'
import { LibraryService } from './library'
import { LibraryCare, type LibraryCareOptions } from './libraryCare'

const root = mkdtempSync(join(tmpdir(), 'snug 照看-'))
/** Another file system than the temporary folder's, where there is one: a move there is a copy. */
const otherDisk = existsSync('/dev/shm') && statSync('/dev/shm').dev !== statSync(tmpdir()).dev ? mkdtempSync('/dev/shm/snug-') : null
let inThread: RunFileJob
let home: string
let db: SnugDatabase
let library: LibraryService

beforeAll(async () => {
  const worker = await bundle('src/main/platform/downloadWorker.ts')
  inThread = fileJobRunner(worker)
})
afterAll(() => {
  rmSync(root, { recursive: true, force: true })
  if (otherDisk !== null) rmSync(otherDisk, { recursive: true, force: true })
})
beforeEach(() => {
  home = mkdtempSync(join(root, 'home-'))
  db = openDatabase({ dataDir: join(home, 'data') })
  library = new LibraryService({
    rows: db.models,
    settings: { get: () => defaultSettings, set: () => defaultSettings },
    inspect: async () =>
      ({ kind: 'model', name: null, quantization: 'Q4_0', trainContextSize: 64, geometry: { experts: null } }) as ModelFacts,
    capability: async () => ({ kind: 'none' }),
    trash: async () => {},
    modelsFolder: () => join(home, 'models'),
    starterFolder: join(home, 'starter'),
    surroundings: { env: {}, platform: 'linux', homeDir: home },
    settleMs: 0,
  })
})

const care = (more: Partial<LibraryCareOptions> = {}) =>
  new LibraryCare({
    library,
    fileJob: inThread,
    locksFolder: join(home, 'data', 'locks'),
    ...more,
  })
const sha = (content: string) => createHash('sha256').update(content).digest('hex')
const still = new AbortController().signal

async function add(name: string, content: string): Promise<{ id: string; path: string }> {
  const path = join(home, 'mine', name)
  mkdirSync(join(home, 'mine'), { recursive: true })
  writeFileSync(path, content)
  return { id: (await library.addFiles([path])).added[0] ?? '', path }
}

/** Changes bytes and keeps the time: what only reading finds. */
function rot(path: string, content: string): void {
  const { atime, mtime } = statSync(path)
  writeFileSync(path, content)
  utimesSync(path, atime, mtime)
}

async function ended(works: LibraryCare, id: string): Promise<LibraryWork | undefined> {
  for await (const list of works.follow()) {
    const work = list.find((one) => one.id === id)
    if (work === undefined || work.state === 'done' || work.state === 'failed') return work
  }
  return undefined
}

test('verified again in a thread: right, changed without a trace, and right again', async () => {
  const { id, path } = await add('a.gguf', 'GGUF right')
  await library.arrived({ path, repository: 'maker/model', revision: 'c'.repeat(40), sha256s: [sha('GGUF right')] })
  const works = care()
  expect(await ended(works, works.startVerify(id).id)).toMatchObject({ state: 'done', outcome: 'verified', modelId: id })
  const time = statSync(path).mtimeMs
  rot(path, 'GGUF wrong')
  utimesSync(path, time / 1_000, time / 1_000)
  expect(await ended(works, works.startVerify(id).id)).toMatchObject({ outcome: 'wrong' })
  expect(library.get(id)).toMatchObject({ state: 'damaged', problem: { code: 'download/hash-mismatch' } })
  rot(path, 'GGUF right')
  expect(await works.verify(id, still)).toBe('verified')
  expect(library.get(id)).toMatchObject({ state: 'verified', problem: null })
  expect(works.works()).toHaveLength(1)
  works.cancel(works.works()[0]?.id ?? '')
  expect(works.works()).toEqual([])
})

/** A split model as a download leaves it; nothing else remembers its parts. */
async function arriveSplit(name: string, contents: string[]): Promise<{ id: string; paths: string[] }> {
  const folder = join(home, 'models', name)
  mkdirSync(folder, { recursive: true })
  const paths = contents.map((_, at) => join(folder, `${name}-0000${at + 1}-of-0000${contents.length}.gguf`))
  for (const [at, content] of contents.entries()) writeFileSync(paths[at] ?? '', content)
  const id = await library.arrived({
    path: paths[0] ?? '',
    repository: `maker/${name}`,
    revision: 'c'.repeat(40),
    sha256s: contents.map(sha),
  })
  return { id, paths }
}

test('every part of a split download is verified, whichever of them is damaged, and after a move', async () => {
  const { id, paths } = await arriveSplit('split', ['GGUF 1', 'GGUF 2', 'GGUF 3'])
  expect(await care().verify(id, still)).toBe('verified')
  rot(paths[2] ?? '', 'GGUF x')
  expect(await care().verify(id, still)).toBe('wrong')
  expect(library.get(id).state).toBe('damaged')
  rot(paths[2] ?? '', 'GGUF 3')
  expect(await care().verify(id, still)).toBe('verified')
  await care().move(id, join(home, 'elsewhere'), still)
  rot(join(home, 'elsewhere', 'split-00002-of-00003.gguf'), 'GGUF y')
  expect(await care().verify(id, still)).toBe('wrong')
  // A file that somebody wrote anew is not verified, and is held against what was promised.
  writeFileSync(join(home, 'elsewhere', 'split-00002-of-00003.gguf'), 'GGUF 2 and more')
  await library.scan()
  expect(library.get(id).state).toBe('own')
  expect(await care().verify(id, still)).toBe('wrong')
})

test('split models that share their first part are not copies, and an update of a later part is not here', async () => {
  const a = await arriveSplit('a', ['GGUF 1', 'GGUF 2'])
  const b = await arriveSplit('b', ['GGUF 1', 'GGUF x'])
  const same = () => library.list().map(({ sameAs }) => sameAs)
  const expectTwo = async () => {
    expect(same()).toEqual([null, null])
    expect(await library.withFiles(['GGUF 1', 'GGUF 2'].map(sha))).toMatchObject({ modelId: a.id })
    expect(await library.withFiles(['GGUF 1', 'GGUF x'].map(sha))).toMatchObject({ modelId: b.id })
    expect(await library.withFiles(['GGUF 1', 'GGUF 3'].map(sha))).toBeNull()
  }
  await expectTwo()
  await care().verify(a.id, still)
  await care().compare(still)
  await expectTwo()
  const c = await arriveSplit('c', ['GGUF 1', 'GGUF 2'])
  expect(same()).toEqual([[c.id], null, [a.id]])
})

test('what a source names as the hashes of a file of one’s own, it vouches for', async () => {
  const { id, path } = await add('own.gguf', 'GGUF own')
  await care().verify(id, still)
  expect(await library.withFiles([sha('GGUF own')])).toEqual({ modelId: id, path })
  expect(library.get(id)).toMatchObject({ state: 'verified', origin: 'added' })
  expect(await care().verify(id, still)).toBe('verified')
})

test('a file of one’s own: read once, the same later, and a flipped byte is found', async () => {
  const { id, path } = await add('own.gguf', 'GGUF own')
  expect(await care().verify(id, still)).toBe('unknown')
  expect(await care().verify(id, still)).toBe('same')
  rot(path, 'GGUF oWn')
  expect(await care().verify(id, still)).toBe('wrong')
})

test('verifying is cancelled at once, and nothing is said about the file', async () => {
  const { id } = await add('slow.gguf', 'GGUF slow')
  const works = care({
    fileJob: (_job, onProgress, signal) =>
      new Promise((_resolve, reject) => {
        onProgress(4)
        signal.addEventListener('abort', () => reject(Object.assign(new Error('stopped'), { code: 'cancelled' })))
      }),
  })
  const work = works.startVerify(id).id
  expect(works.startVerify(id).id).toBe(work)
  for await (const [first] of works.follow()) if (first?.doneBytes === 4) break
  works.cancel(work)
  await works.dispose()
  expect(library.get(id).state).toBe('own')
})

test('copies of one file are found by hash, two names of one file are not', async () => {
  const a = await add('a.gguf', 'GGUF the same')
  const b = await add('b.gguf', 'GGUF the same')
  const other = await add('c.gguf', 'GGUF the_same')
  const sized = await add('d.gguf', 'GGUF of another size')
  linkSync(a.path, join(home, 'mine', 'link.gguf'))
  const link = (await library.addFiles([join(home, 'mine', 'link.gguf')])).added[0] ?? ''
  const read: string[] = []
  const works = care({
    fileJob: (job, onProgress, signal) => {
      if (job.kind === 'hash') read.push(...job.paths)
      return inThread(job, onProgress, signal)
    },
  })
  await library.scan()
  expect(await ended(works, works.startCompare().id)).toMatchObject({ outcome: 'compared' })
  const same = Object.fromEntries(library.list().map(({ id, sameAs }) => [id, sameAs]))
  // Two names of one file take its room once.
  expect(library.list().filter(({ onModelsDisk }) => onModelsDisk === true)).toHaveLength(4)
  expect(same[b.id]?.length).toBe(1)
  expect([a.id, link]).toContain(same[b.id]?.[0])
  expect([same[other.id], same[sized.id]]).toEqual([null, null])
  expect(read).not.toContain(sized.path)
  read.length = 0
  await works.compare(still)
  expect(read).toEqual([])
})

test('a move on one disk keeps the row, its settings and its bytes', async () => {
  const { id, path } = await add('m.gguf', 'GGUF m')
  const folder = join(home, 'new 新')
  await care().move(id, folder, still)
  expect(library.get(id)).toMatchObject({ path: join(folder, 'm.gguf'), state: 'own' })
  expect(existsSync(path)).toBe(false)
  expect(readFileSync(join(folder, 'm.gguf'), 'utf8')).toBe('GGUF m')
  expect(await library.scan()).toEqual([])
  expect(library.list()).toHaveLength(1)
})

test('a move refuses what is there already, what is loaded, and a folder that it may not write to', async () => {
  const { id, path } = await add('m.gguf', 'GGUF m')
  const folder = join(home, 'full')
  mkdirSync(folder)
  writeFileSync(join(folder, 'm.gguf'), 'somebody else’s')
  await expect(care().move(id, folder, still)).rejects.toMatchObject({ code: 'file/exists' })
  expect(readFileSync(join(folder, 'm.gguf'), 'utf8')).toBe('somebody else’s')
  await expect(care({ loadedId: () => id }).move(id, join(home, 'x'), still)).rejects.toMatchObject({ code: 'engine/busy' })
  await expect(care().move(id, join(path, 'under a file'), still)).rejects.toMatchObject({
    code: expect.stringMatching(/^(file|internal)\//),
  })
  expect(readFileSync(path, 'utf8')).toBe('GGUF m')
  expect(library.get(id)).toMatchObject({ path, state: 'own' })
})

const toOtherDisk = test.skipIf(otherDisk === null)

toOtherDisk('a move to another disk copies, compares, and takes all parts along', async () => {
  const target = mkdtempSync(join(otherDisk ?? '', 'to-'))
  const first = join(home, 'mine', 'split-00001-of-00002.gguf')
  mkdirSync(join(home, 'mine'))
  writeFileSync(join(home, 'mine', 'split-00002-of-00002.gguf'), 'GGUF two')
  writeFileSync(first, 'GGUF one')
  const id = (await library.addFiles([first])).added[0] ?? ''
  const works = care()
  expect(await ended(works, works.startMove(id, target).id)).toMatchObject({ state: 'done', outcome: 'moved' })
  expect(readdirSync(target).sort()).toEqual(['split-00001-of-00002.gguf', 'split-00002-of-00002.gguf'])
  expect(readdirSync(join(home, 'mine'))).toEqual([])
  expect(library.get(id)).toMatchObject({ path: join(target, 'split-00001-of-00002.gguf'), state: 'own' })
  const onModelsDisk = () => library.list().map((model) => model.onModelsDisk)
  expect(onModelsDisk()).toEqual([false])
  await library.scan()
  expect(library.list()).toHaveLength(1)
  expect(onModelsDisk()).toEqual([false])
  expect(await works.verify(id, still)).toBe('same')
})

toOtherDisk('a full disk, a cancel and bytes that rotted leave the old file as it was and nothing new', async () => {
  const target = mkdtempSync(join(otherDisk ?? '', 'to-'))
  const { id, path } = await add('m.gguf', 'GGUF m')
  await expect(care({ freeBytes: async () => 5 }).move(id, target, still)).rejects.toMatchObject({
    code: 'download/disk-full',
    data: { path: target, neededBytes: expect.any(Number) },
  })
  const stop = new AbortController()
  stop.abort()
  await expect(care().move(id, target, stop.signal)).rejects.toMatchObject({ code: 'cancelled' })
  library.save({ ...library.row(id), promisedSha256s: [sha('GGUF what it was')] })
  await expect(care().move(id, target, still)).rejects.toMatchObject({ code: 'download/hash-mismatch' })
  expect(readdirSync(target)).toEqual([])
  expect(readFileSync(path, 'utf8')).toBe('GGUF m')
  expect(library.get(id)).toMatchObject({ path, state: 'damaged' })
  expect(readdirSync(join(home, 'data', 'locks'))).toEqual([])
})
