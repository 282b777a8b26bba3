import { createHash } from 'node:crypto'
import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { execFileSync } from 'node:child_process'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ModelFacts } from '@shared/domain/gguf'
import { type Settings, defaultSettings } from '@shared/domain/settings'
import { SnugError } from '@shared/errors'
import type { ModelRow } from '../db/repositories/models'
import { LibraryService } from './library'

let root: string
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'snug 模型库 é-'))
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

function put(path: string, content = `GGUF ${path}`): string {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, content)
  return path
}

/** Facts as the tools process would tell them, by what the file holds. */
function factsOf(content: string): ModelFacts {
  if (!content.startsWith('GGUF')) throw new SnugError('model/corrupt-file', 'no GGUF')
  if (content.includes('boom')) throw new SnugError('engine/unavailable', 'no engine')
  return {
    architecture: 'llama',
    name: content.includes('named') ? 'Named' : null,
    quantization: 'Q4_0',
    kind: content.includes('projector') ? 'projector' : 'model',
    scripted: content.includes('scripted'),
    parameters: 1_000,
    activeParameters: content.includes('ahead') ? 900 : 1_000,
    geometry: { experts: content.includes('mixture') ? { count: 8, used: 2 } : null },
    trainContextSize: 2_048,
    licence: 'mit',
    sizeBytes: content.includes('starter') ? 98_362_432 : content.length,
  } as ModelFacts
}

function setUp() {
  const home = mkdtempSync(join(root, 'home-'))
  const rows = new Map<string, ModelRow>()
  const inspected: string[] = []
  const trashed: string[] = []
  let settings: Settings = defaultSettings
  const library = new LibraryService({
    rows: {
      all: (options) => structuredClone([...rows.values()].filter((row) => options?.removed === true || row.removedAt === null)),
      get: (id) => structuredClone(rows.get(id)),
      byPath: (path) => structuredClone([...rows.values()].find((row) => row.path === path)),
      save: (row) => {
        for (const other of rows.values()) if (other.path === row.path && other.id !== row.id) throw new Error('UNIQUE path')
        rows.set(row.id, structuredClone(row))
      },
    },
    settings: {
      get: () => settings,
      set: (patch) => {
        settings = { ...settings, ...patch }
        return settings
      },
    },
    inspect: async (path) => {
      inspected.push(path)
      const { readFileSync } = await import('node:fs')
      return factsOf(readFileSync(path, 'utf8'))
    },
    capability: async () => ({ kind: 'none' }),
    trash: async (path) => {
      trashed.push(path)
      unlinkSync(path)
    },
    modelsFolder: () => join(home, 'snug', 'models'),
    starterFolder: join(home, 'cache', 'models'),
    surroundings: { env: {}, platform: 'linux', homeDir: home },
    settleMs: 0,
  })
  return { library, home, rows, inspected, trashed, settings: () => settings }
}

describe('a file of one’s own', () => {
  it('is read in place, once, and comes back after it was missing', async () => {
    const { library, home, inspected } = setUp()
    const path = put(join(home, 'mine', 'tiny-Q4_0.gguf'))
    const { added, refused } = await library.addFiles([path])
    expect(refused).toEqual([])
    expect(library.list()).toMatchObject([
      { id: added[0], path, fileName: 'tiny-Q4_0.gguf', name: 'tiny-Q4_0', state: 'own', origin: 'added' },
    ])
    await library.scan()
    expect(inspected).toEqual([path])
    renameSync(path, `${path}.away`)
    await library.scan()
    expect(library.list()).toMatchObject([{ id: added[0], state: 'missing', quantization: 'Q4_0' }])
    await expect(library.pathForLoad(added[0] ?? '')).rejects.toMatchObject({ code: 'model/not-found' })
    renameSync(`${path}.away`, path)
    await library.scan()
    expect(library.list()).toMatchObject([{ id: added[0], state: 'own' }])
    expect(inspected).toHaveLength(1)
    writeFileSync(path, 'GGUF and now named')
    await library.scan()
    expect(library.list()).toMatchObject([{ name: 'Named' }])
  })

  it('is said to be active in all, unless it is a mixture', async () => {
    const { library, home } = setUp()
    await library.addFiles([put(join(home, 'a.gguf'), 'GGUF ahead'), put(join(home, 'b.gguf'), 'GGUF ahead, mixture')])
    expect(library.list().map(({ fileName, activeParameters }) => [fileName, activeParameters])).toEqual(
      expect.arrayContaining([
        ['a.gguf', 1_000],
        ['b.gguf', 900],
      ]),
    )
  })

  it('that is damaged is listed with the reason, and healed when the file is', async () => {
    const { library, home } = setUp()
    const path = put(join(home, 'bad.gguf'), 'not a model')
    const { added, damaged } = await library.addFiles([path])
    expect(damaged).toEqual(['bad.gguf'])
    expect(library.list()).toMatchObject([{ state: 'damaged', problem: { code: 'model/corrupt-file' } }])
    await expect(library.pathForLoad(added[0] ?? '')).rejects.toMatchObject({ code: 'model/corrupt-file' })
    writeFileSync(path, 'GGUF whole')
    await library.scan()
    expect(library.list()).toMatchObject([{ id: added[0], state: 'own', problem: null }])
  })

  it('that is no model to chat with, no plain file or not there is refused', async () => {
    const { library, home } = setUp()
    const pipe = join(home, 'pipe.gguf')
    execFileSync('mkfifo', [pipe])
    const projector = put(join(home, 'x.gguf'), 'GGUF projector')
    const { added, refused } = await library.addFiles([projector, pipe, join(home, 'none.gguf'), put(join(home, 'boom.gguf'), 'GGUF boom')])
    expect(added).toEqual([])
    expect(refused).toEqual([
      { fileName: 'x.gguf', code: 'model/unsupported' },
      { fileName: 'pipe.gguf', code: 'model/not-found' },
      { fileName: 'none.gguf', code: 'model/not-found' },
      { fileName: 'boom.gguf', code: 'engine/unavailable' },
    ])
    expect(await library.addFiles([put(join(home, 'photo.jpg'), 'no model'), put(join(home, 'empty'), '')])).toEqual({
      added: [],
      damaged: [],
      refused: [
        { fileName: 'photo.jpg', code: 'model/corrupt-file' },
        { fileName: 'empty', code: 'model/corrupt-file' },
      ],
    })
    expect(library.list()).toEqual([])
    // Ollama's files have no ending.
    expect((await library.addFiles([put(join(home, 'sha256-0123'), 'GGUF whole')])).added).toHaveLength(1)
  })

  it('is one model under two links, and moves to the trash by name and size', async () => {
    const { library, home, trashed } = setUp()
    const path = put(join(home, 'a.gguf'))
    const link = join(home, 'b.gguf')
    symlinkSync(path, link)
    const { added } = await library.addFiles([path, link])
    expect(added[0]).toBe(added[1])
    const [id = ''] = added
    expect(await library.whatTrashMoves(id)).toMatchObject({
      paths: [path],
      sizeBytes: `GGUF ${path}`.length - path.length + Buffer.byteLength(path),
      stays: [],
    })
    expect(await library.trash(id, [path])).toEqual({ moved: true })
    expect(trashed).toEqual([path])
    expect(library.list()).toEqual([])
  })

  it('taken off the list stays off it until it is asked for again', async () => {
    const { library, home } = setUp()
    const folder = join(home, 'watched')
    put(join(folder, 'a.gguf'))
    const { added } = await library.addFolder(folder)
    library.forget(added[0] ?? '')
    await library.scan()
    expect(library.list()).toEqual([])
    expect((await library.addFolder(folder)).added).toEqual(added)
    expect(library.list()).toHaveLength(1)
  })
})

/** Row P2 of the fault matrix: what is no file of its own is refused, and nothing is opened that would wait for ever. */
describe.skipIf(process.platform === 'win32')('what only looks like a file', () => {
  const kinds: [string, (path: string, outside: string) => void][] = [
    ['a pipe', (path) => void execFileSync('mkfifo', [path])],
    ['a link to a pipe', (path, outside) => (execFileSync('mkfifo', [`${outside}.pipe`]), symlinkSync(`${outside}.pipe`, path))],
    ['a link to a device that never ends', (path) => symlinkSync('/dev/zero', path)],
    ['a link to a device that gives nothing', (path) => symlinkSync('/dev/null', path)],
    ['a link to nothing', (path) => symlinkSync(join(dirname(path), 'none'), path)],
    ['a link to itself', (path) => symlinkSync(path, path)],
    ['a folder', (path) => mkdirSync(path)],
    ['a link to a folder above it', (path) => symlinkSync(dirname(dirname(path)), path)],
  ]
  it.each(kinds)('%s is in no list, whatever it is called', async (_kind, make) => {
    const { library, home, inspected } = setUp()
    const folder = join(home, 'watched')
    mkdirSync(join(folder, 'sub'), { recursive: true })
    const paths = ['a.gguf', 'no ending', join('sub', 'b.GGUF')].map((name) => join(folder, name))
    for (const path of paths) make(path, join(home, `outside-${paths.indexOf(path)}`))
    const { added, refused } = await library.addFiles(paths)
    expect(added).toEqual([])
    // A folder is looked into, and has nothing.
    expect([0, paths.length]).toContain(refused.length)
    await library.addFolder(folder)
    expect(library.list()).toEqual([])
    expect(inspected).toEqual([])
  })

  it('a socket is in no list', async () => {
    const { library, home } = setUp()
    const server = net.createServer()
    const path = join(home, 'a.gguf')
    await new Promise<void>((done) => server.listen(path, done))
    expect(await library.addFiles([path])).toMatchObject({ added: [], refused: [{ code: 'model/not-found' }] })
    await new Promise((done) => server.close(done))
  })

  it('a link and a hard link to a file elsewhere are read in place, and that file stays as it is', async () => {
    const { library, home } = setUp()
    const elsewhere = put(join(home, 'elsewhere', 'a.gguf'))
    const before = readFileSync(elsewhere, 'utf8')
    const [soft, hard] = [join(home, 'soft.gguf'), join(home, 'hard.gguf')]
    symlinkSync(elsewhere, soft)
    linkSync(elsewhere, hard)
    expect((await library.addFiles([soft, hard])).refused).toEqual([])
    for (const { state } of library.list()) expect(state).toBe('own')
    expect(readFileSync(elsewhere, 'utf8')).toBe(before)
  })
})

it('a split model is its first part, whole or missing', async () => {
  const { library, home } = setUp()
  const folder = join(home, 'split')
  const [first = '', second = ''] = [1, 2].map((index) => put(join(folder, `m-Q8_0-0000${index}-of-00002.gguf`), 'GGUF part'))
  put(join(folder, 'joke-00001-of-99999.gguf'))
  await library.addFolder(folder)
  expect(library.list().map((model) => [model.fileName, model.sizeBytes])).toContainEqual(['m-Q8_0-00001-of-00002.gguf', 18])
  expect(library.list()).toHaveLength(2)
  renameSync(second, `${second}.x`)
  await library.scan()
  expect(library.list().find((model) => model.path === first)?.state).toBe('missing')
})

describe('folders', () => {
  it('are watched; projectors, unfinished files and endless links are not listed', async () => {
    const { library, home, inspected, settings } = setUp()
    const folder = join(home, 'lm', 'models')
    const model = put(join(folder, 'maker', 'model-GGUF', 'model-Q4_0.gguf'))
    put(join(folder, 'maker', 'model-GGUF', 'mmproj-model.gguf'))
    put(join(folder, 'maker', 'model-GGUF', 'adapter.gguf'), 'GGUF projector')
    put(join(folder, 'maker', 'model-GGUF', 'model-Q8_0.gguf.abc.part'))
    put(join(folder, 'maker', 'model-GGUF', 'model-Q8_0.gguf.abc.wrong'))
    symlinkSync(folder, join(folder, 'maker', 'loop'))
    expect((await library.addFolder(folder)).added).toHaveLength(1)
    expect(settings().watchedFolders).toEqual([folder])
    expect(library.list()).toMatchObject([{ path: model, origin: 'watched', repository: 'maker/model-GGUF' }])
    put(join(folder, 'later.gguf'))
    const looks = inspected.length
    expect(await library.scan()).toHaveLength(1)
    expect(inspected.length).toBe(looks + 1)
    library.removeFolder(0)
    expect(library.list()).toEqual([])
    expect(settings().watchedFolders).toEqual([])
  })

  it('of the Hugging Face cache are read through their links, the newest commit once', async () => {
    const { library, home } = setUp()
    const hub = join(home, '.cache', 'huggingface', 'hub')
    const base = join(hub, 'models--maker--model-GGUF')
    const [old, now] = ['a'.repeat(40), 'b'.repeat(40)]
    const blob = put(join(base, 'blobs', 'f'.repeat(64)), 'GGUF blob')
    for (const revision of [old, now]) {
      mkdirSync(join(base, 'snapshots', revision), { recursive: true })
      symlinkSync(blob, join(base, 'snapshots', revision, 'model-Q4_0.gguf'))
    }
    put(join(base, 'refs', 'main'), now)
    expect(await library.foundOnDisk()).toEqual([{ source: 'huggingface', folder: hub, count: 1, bytes: 9 }])
    const { added } = await library.adopt('huggingface')
    expect(library.list()).toMatchObject([
      { id: added[0], path: join(base, 'snapshots', now, 'model-Q4_0.gguf'), repository: 'maker/model-GGUF' },
    ])
    expect(await library.foundOnDisk()).toEqual([])
    // The older commit still shows this blob, so only the link goes.
    const { paths } = await library.whatTrashMoves(added[0] ?? '')
    await library.trash(added[0] ?? '', paths)
    expect(readFileSync(blob, 'utf8')).toBe('GGUF blob')
    expect(await library.scan()).toEqual([])
  })

  it('of Ollama are read through their manifests, digests checked', async () => {
    const { library, home } = setUp()
    const models = join(home, '.ollama', 'models')
    const hash = createHash('sha256').update('x').digest('hex')
    const blob = put(join(models, 'blobs', `sha256-${hash}`), 'GGUF ollama')
    const manifest = (digest: string) => JSON.stringify({ layers: [{ mediaType: 'application/vnd.ollama.image.model', digest }] })
    put(join(models, 'manifests', 'registry.ollama.ai', 'library', 'qwen3', '8b'), manifest(`sha256:${hash}`))
    put(join(models, 'manifests', 'registry.ollama.ai', 'evil', 'x', 'y'), manifest('sha256:../../../etc/passwd'))
    put(join(models, 'manifests', 'registry.ollama.ai', 'library', 'broken', '1'), '{')
    expect(await library.foundOnDisk()).toMatchObject([{ source: 'ollama', count: 1, bytes: 11 }])
    await library.adopt('ollama')
    expect(library.list()).toMatchObject([{ path: blob, fileName: 'qwen3:8b', name: 'qwen3:8b', state: 'own' }])
  })

  it('of LM Studio and Jan are found where those programs keep them', async () => {
    const { library, home } = setUp()
    put(join(home, '.lmstudio', 'models', 'a', 'b', 'c.gguf'))
    put(join(home, '.local', 'share', 'Jan', 'data', 'llamacpp', 'models', 'm', 'model.gguf'))
    expect((await library.foundOnDisk()).map((found) => found.source)).toEqual(['lm-studio', 'jan'])
  })
})

it('the starter model is found in the cache and labelled as what it is', async () => {
  const { library, home } = setUp()
  const path = put(join(home, 'cache', 'models', 'SmolLM2-135M-Instruct-Q4_1.gguf'), 'GGUF starter')
  truncateSync(path, 98_362_432)
  await library.scan()
  const sampling = { temperature: 0.2, topP: 0.9 }
  const told = { name: 'SmolLM2 135M Instruct', sampling, samplingFrom: 'catalogue' }
  expect(library.list()).toMatchObject([{ origin: 'starter', demonstration: 'starter', ...told }])
  const scripted = put(join(home, 's.gguf'), 'GGUF scripted')
  await library.addFiles([scripted])
  expect(library.list()[1]).toMatchObject({ origin: 'added', demonstration: 'scripted' })
})

it('a download is verified until its file changes', async () => {
  const { library, home } = setUp()
  const path = put(join(home, 'snug', 'models', 'maker', 'model', 'm.gguf'), 'GGUF right')
  const sha256 = createHash('sha256').update('GGUF right').digest('hex')
  const id = await library.arrived({ path, repository: 'maker/model', revision: 'c'.repeat(40), sha256s: [sha256] })
  expect(library.get(id)).toMatchObject({ state: 'verified', origin: 'download', repository: 'maker/model' })
  expect(library.list()).toMatchObject([{ onModelsDisk: true }])
  expect(await library.scan()).toEqual([])
  expect(library.list()).toMatchObject([{ onModelsDisk: true }])
  writeFileSync(path, 'GGUF another')
  await library.scan()
  expect(library.get(id)).toMatchObject({ state: 'own' })
  library.setMeasured(id, 42)
  expect(library.get(id).measuredTokensPerSecond).toBe(42)
})

it('followers see a snapshot, then what changed', async () => {
  const { library, home } = setUp()
  const stop = new AbortController()
  const seen: number[] = []
  const following = (async () => {
    for await (const models of library.follow(stop.signal)) {
      seen.push(models.length)
      if (models.length === 1) stop.abort()
    }
  })()
  await library.addFiles([put(join(home, 'a.gguf'))])
  await following
  expect(seen.at(-1)).toBe(1)
})
