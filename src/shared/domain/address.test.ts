import { describe, expect, it } from 'vitest'
import { isAddress, knownHubs, partOfAddress, partsOfAddress, readAddress, wholeName } from './address'

const hubs = knownHubs('http://127.0.0.1:8080/hub/', 'https://modelscope.cn')
const read = (text: string) => readAddress(text, hubs)

describe('the page of a repository', () => {
  it.each([
    ['https://huggingface.co/Qwen/Qwen3-8B-GGUF', 'Qwen/Qwen3-8B-GGUF'],
    [' https://huggingface.co/Qwen/Qwen3-8B-GGUF/tree/main?show_file_info=a.gguf ', 'Qwen/Qwen3-8B-GGUF'],
    ['https://hf.co/Qwen/Qwen3-8B-GGUF/discussions/3#top', 'Qwen/Qwen3-8B-GGUF'],
    ['https://hf-mirror.com/Qwen/Qwen3-8B-GGUF', 'Qwen/Qwen3-8B-GGUF'],
    ['http://127.0.0.1:8080/hub/maker/model.v2', 'maker/model.v2'],
    ['https://modelscope.cn/models/Qwen/Qwen3-8B-GGUF/summary', 'ms:Qwen/Qwen3-8B-GGUF'],
    ['https://www.modelscope.cn/models/Qwen/Qwen3-8B-GGUF/files', 'ms:Qwen/Qwen3-8B-GGUF'],
  ])('%s', (text, repository) => {
    expect(read(text)).toEqual({ kind: 'repository', repository, quantization: null })
  })
  it('with the quantization behind it', () => {
    const repository = 'Qwen/Qwen3-8B-GGUF'
    expect(read('https://huggingface.co/Qwen/Qwen3-8B-GGUF:Q8_0')).toEqual({ kind: 'repository', repository, quantization: 'Q8_0' })
  })
})

describe('a file of a repository, whose hub tells the hash', () => {
  it.each([
    ['https://huggingface.co/owner/name-GGUF/resolve/main/sub/x-Q4_K_M.gguf?download=true', 'owner/name-GGUF', 'sub/x-Q4_K_M.gguf'],
    ['https://huggingface.co/owner/name-GGUF/blob/main/x%20y.gguf', 'owner/name-GGUF', 'x y.gguf'],
    ['https://hf-mirror.com/owner/name/blob/main/x-00002-of-00003.gguf', 'owner/name', 'x-00001-of-00003.gguf'],
    ['http://127.0.0.1:8080/hub/owner/name/resolve/main/sub%2Fx.GGUF', 'owner/name', 'sub/x.GGUF'],
    ['https://modelscope.cn/models/owner/name/file/view/master/x-Q8_0.gguf?status=2', 'ms:owner/name', 'x-Q8_0.gguf'],
    ['https://www.modelscope.cn/models/owner/name/resolve/master/sub/x.gguf', 'ms:owner/name', 'sub/x.gguf'],
    ['https://modelscope.cn/api/v1/models/owner/name/repo?Revision=master&FilePath=sub%2Fx.gguf', 'ms:owner/name', 'sub/x.gguf'],
  ])('%s', (text, repository, file) => {
    expect(read(text)).toEqual({ kind: 'hub-file', repository, file })
  })
})

describe('any other file', () => {
  it.each([
    ['https://models.example/a/b/x-Q4_K_M.gguf', 'https://models.example/a/b/x-Q4_K_M.gguf', 'x-Q4_K_M.gguf'],
    ['http://127.0.0.1:8080/hub/plain/x.gguf#top', 'http://127.0.0.1:8080/hub/plain/x.gguf', 'x.gguf'],
    // The same host, but not below the hub that lies there.
    ['http://127.0.0.1:8080/other/x.gguf', 'http://127.0.0.1:8080/other/x.gguf', 'x.gguf'],
    ['https://models.example/x%20y.gguf?key=1', 'https://models.example/x%20y.gguf?key=1', 'x y.gguf'],
    ['https://models.example/100%.gguf', 'https://models.example/100%.gguf', '100%.gguf'],
    // Another commit than the one that the hub tells the hashes of.
    ['https://huggingface.co/o/n/blob/0123abc/x.gguf', 'https://huggingface.co/o/n/resolve/0123abc/x.gguf', 'x.gguf'],
    ['https://modelscope.cn/models/o/n/file/view/v2/x.gguf', 'https://modelscope.cn/models/o/n/resolve/v2/x.gguf', 'x.gguf'],
    // Whichever part is named, it begins with the first.
    ['https://models.example/x-00003-of-00004.gguf', 'https://models.example/x-00001-of-00004.gguf', 'x-00001-of-00004.gguf'],
  ])('%s', (text, address, name) => {
    expect(read(text)).toEqual({ kind: 'file', address, name })
  })
})

it.each([
  'https://example.org/owner/name',
  'https://huggingface.co/datasets/owner/name',
  'https://huggingface.co/models?search=x',
  'https://huggingface.co/owner/name/blob/main/README.md',
  'https://modelscope.cn/models/owner/name/file/view/master/README.md',
  'https://models.example/x.gguf.txt',
  'https://user:word@models.example/x.gguf',
  'ftp://models.example/x.gguf',
  'https://',
  'no address',
])('%s names no model', (text) => {
  expect(read(text)).toEqual({ kind: 'other' })
})

it('knows what is meant as an address, whatever it leads to', () => {
  for (const text of ['https://x', ' HTTP://models.example/x', 'https://example.org/page']) expect(isAddress(text)).toBe(true)
  for (const text of ['owner/name', 'ms:owner/name', 'ftp://x', 'qwen 8b', '']) expect(isAddress(text)).toBe(false)
})

it('names the parts of a split file by any of them', () => {
  const address = (number: number) => `https://models.example/d/x-0000${number}-of-00003.gguf?key=1`
  expect(partsOfAddress(address(2))).toEqual([1, 2, 3].map(address))
  expect(partOfAddress(address(1), 'x-00003-of-00003.gguf')).toBe(address(3))
  expect(partsOfAddress('https://models.example/x.gguf')).toEqual(['https://models.example/x.gguf'])
  expect(wholeName('x-00001-of-00003.gguf')).toBe('x.gguf')
})
