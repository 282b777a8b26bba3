import { execFileSync } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SnugError } from '@shared/errors'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { firstPartOf, inspectFile } from './ggufFile'
import { type GgufContent, text, texts, u32, writeGguf, type WriteValue } from './ggufWriter'

let directory = ''
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'snug-gguf-'))
})
afterAll(() => rm(directory, { recursive: true, force: true }))

const metadata: [string, WriteValue][] = [
  ['general.architecture', text('llama')],
  ['llama.block_count', u32(2)],
  ['llama.context_length', u32(512)],
  ['llama.embedding_length', u32(64)],
  ['llama.attention.head_count', u32(2)],
  ['tokenizer.ggml.tokens', texts(['a', 'b'])],
]
const content: GgufContent = {
  metadata,
  tensors: ['token_embd', 'blk.0.attn_q', 'blk.1.attn_q'].map((name) => ({ name: `${name}.weight`, dims: [64, 64], type: 'F32' as const })),
}

async function problem(path: string): Promise<string> {
  const error: unknown = await inspectFile(path).catch((reason: unknown) => reason)
  if (!(error instanceof SnugError)) return 'accepted'
  expect(typeof error.data.reason).toBe('string')
  expect(error.data.path).toBe(path)
  return [error.code, error.data.problem].filter(Boolean).join(' ')
}

async function writeParts(stem: string, count: number, change: (part: number, content: GgufContent) => GgufContent = (_, c) => c) {
  const paths: string[] = []
  for (let part = 0; part < count; part++) {
    const path = join(directory, `${stem}-${String(part + 1).padStart(5, '0')}-of-${String(count).padStart(5, '0')}.gguf`)
    const split: [string, WriteValue][] = [
      ['split.no', { type: 'u16', value: part }],
      ['split.count', { type: 'u16', value: count }],
      ['split.tensors.count', { type: 'i32', value: content.tensors.length }],
    ]
    const tensors = content.tensors.filter((_, index) => index % count === part)
    await writeGguf(path, change(part, { metadata: part === 0 ? [...metadata, ...split] : split, tensors }))
    paths.push(path)
  }
  return paths
}

test('names in any script, long paths and links', async () => {
  const deep = join(directory, ...Array.from({ length: 15 }, (_, i) => `一个很长的文件夹名字 ${i} ${'x'.repeat(180)}`))
  await mkdir(deep, { recursive: true })
  const path = join(deep, '模型 🙂 (1).gguf')
  expect(path.length).toBeGreaterThan(2500)
  await writeGguf(path, content)
  expect((await inspectFile(path)).parts).toEqual(['模型 🙂 (1).gguf'])
  const link = join(directory, 'link.gguf')
  await symlink(path, link)
  expect((await inspectFile(link)).sizeBytes).toBe((await stat(path)).size)
})

test('all parts of a split file together, whichever part is named', async () => {
  const paths = await writeParts('whole', 3)
  const facts = await inspectFile(paths[0] ?? '')
  const sizes = await Promise.all(paths.map(async (path) => (await stat(path)).size))
  expect(facts.parts).toHaveLength(3)
  expect(facts.sizeBytes).toBe(sizes.reduce((sum, size) => sum + size, 0))
  expect(facts.weights).toMatchObject({ totalBytes: 3 * 64 * 64 * 4, layerBytes: [16384, 16384], tokenEmbeddingBytes: 16384 })
  expect(await inspectFile(paths[2] ?? '')).toEqual(facts)
  expect(firstPartOf(paths[2] ?? '')).toBe(paths[0])
  expect(firstPartOf('/m/a.gguf')).toBe('/m/a.gguf')
})

test('a part missing, cut, misnamed or out of order', async () => {
  const missing = await writeParts('missing', 3)
  await rm(missing[1] ?? '')
  expect(await problem(missing[0] ?? '')).toBe('model/corrupt-file missing-part')

  const cut = await writeParts('cut', 3)
  await truncate(cut[2] ?? '', (await stat(cut[2] ?? '')).size - 1)
  const error: unknown = await inspectFile(cut[0] ?? '').catch((reason: unknown) => reason)
  expect(error).toMatchObject({ code: 'model/corrupt-file', data: { problem: 'cut-short', path: cut[2] } })

  const [first = ''] = await writeParts('named', 3)
  const alone = join(directory, 'alone.gguf')
  await copyFile(first, alone)
  expect(await problem(alone)).toBe('model/corrupt-file part-name')

  const swapped = await writeParts('swapped', 3)
  await copyFile(swapped[1] ?? '', swapped[2] ?? '')
  expect(await problem(swapped[0] ?? '')).toBe('model/corrupt-file part-order')

  const fewer = await writeParts('fewer', 3, (part, c) => (part === 2 ? { ...c, tensors: [] } : c))
  expect(await problem(fewer[0] ?? '')).toBe('model/corrupt-file part-tensors')
})

test('no file, a folder, a pipe, an empty one, another kind, a cut one', async () => {
  expect(await problem(join(directory, 'nothing.gguf'))).toBe('model/not-found')
  expect(await problem(directory)).toBe('model/not-found')
  expect(await problem(join(directory, `${'n'.repeat(300)}.gguf`))).toBe('model/not-found')
  if (process.platform !== 'win32') {
    const pipe = join(directory, 'pipe.gguf')
    execFileSync('/usr/bin/env', ['mkfifo', pipe])
    expect(await problem(pipe)).toBe('model/not-found')
  }
  const path = join(directory, 'bad.gguf')
  await writeFile(path, '')
  expect(await problem(path)).toBe('model/corrupt-file not-gguf')
  await writeFile(path, '<!doctype html>')
  expect(await problem(path)).toBe('model/corrupt-file not-gguf')
  await writeGguf(path, content)
  await truncate(path, (await stat(path)).size - 1)
  expect(await problem(path)).toBe('model/corrupt-file cut-short')
})

test('zeros are holes: large files take no room', async () => {
  const path = join(directory, 'large.gguf')
  await writeGguf(path, { metadata, tensors: [{ name: 'token_embd.weight', dims: [4096, 128_000], type: 'F32' }] })
  const { size, blocks } = await stat(path)
  expect(size).toBeGreaterThan(2e9)
  if (process.platform === 'linux') expect(blocks * 512).toBeLessThan(1e6)
  expect((await inspectFile(path)).weights.totalBytes).toBe(4096 * 128_000 * 4)
})
