import type { Download, LibraryModel } from '@shared/domain/library'
import { describe, expect, it } from 'vitest'
import type { Offer } from '../../lib/offer'
import { atPlace, downloadOf, inLibrary, placeOf, repositoryIn } from './matching'

const offer: Offer = {
  name: 'Qwen3 8B',
  quantization: 'Q4_K_M',
  repository: 'Qwen/Qwen3-8B-GGUF',
  file: null,
  sizeBytes: 5e9,
  sizeIsExact: true,
  demonstration: false,
}
const model = (changes: Partial<LibraryModel>): LibraryModel => ({
  id: 'm',
  path: '',
  fileName: 'Qwen3-8B-Q4_K_M.gguf',
  state: 'verified',
  origin: 'download',
  name: 'Qwen3 8B',
  architecture: 'qwen3',
  parameters: 8e9,
  activeParameters: 8e9,
  quantization: 'Q4_K_M',
  sizeBytes: 5e9,
  trainContextSize: 32768,
  thinking: { kind: 'none' },
  licence: null,
  repository: 'Qwen/Qwen3-8B-GGUF',
  problem: null,
  addedAt: 0,
  measuredTokensPerSecond: null,
  recommendedSystem: null,
  demonstration: null,
  ...changes,
})
const download = (changes: Partial<Download>): Download => ({
  id: 'd',
  repository: 'Qwen/Qwen3-8B-GGUF',
  file: 'sub/Qwen3-8B-Q4_K_M.gguf',
  parts: [],
  revision: 'r',
  state: 'running',
  totalBytes: 1,
  receivedBytes: 0,
  verifiedBytes: 0,
  bytesPerSecond: null,
  secondsLeft: null,
  error: null,
  modelId: null,
  createdAt: 0,
  ...changes,
})

describe('inLibrary', () => {
  it('finds the same file or the same model at the same quantization', () => {
    expect(inLibrary(offer, [model({})])?.id).toBe('m')
    expect(inLibrary(offer, [model({ repository: null })])?.id).toBe('m')
    expect(inLibrary(offer, [model({ quantization: 'Q8_0' })])).toBeNull()
    expect(inLibrary(offer, [model({ state: 'missing' })])).toBeNull()
  })
  it('knows a file of a mere address by name and length, and no other of the same model', () => {
    const address = { ...offer, repository: 'https://models.example/Qwen3-8B-Q4_K_M.gguf', file: 'Qwen3-8B-Q4_K_M.gguf' }
    expect(inLibrary(address, [model({ repository: null })])?.id).toBe('m')
    expect(inLibrary(address, [model({ repository: null, sizeBytes: 5e9 + 1 })])).toBeNull()
    expect(inLibrary(address, [model({ fileName: 'other-Q4_K_M.gguf' })])).toBeNull()
  })
  it('knows the starter model wherever it lies', () => {
    expect(inLibrary({ ...offer, demonstration: true }, [model({ name: 'x', quantization: 'Q4_1', demonstration: 'starter' })])?.id).toBe(
      'm',
    )
  })
})

describe('downloadOf', () => {
  it('matches by quantization in the name while the file is not known, by the file once it is', () => {
    expect(downloadOf(offer, [download({})])?.id).toBe('d')
    expect(downloadOf({ ...offer, file: 'Qwen3-8B-Q8_0.gguf' }, [download({})])).toBeNull()
    expect(downloadOf(offer, [download({ state: 'cancelled' })])).toBeNull()
    expect(downloadOf(offer, [download({ repository: 'other/repo' })])).toBeNull()
  })
})

describe('repositoryIn', () => {
  it('reads names, and leaves addresses to main', () => {
    expect(repositoryIn('Qwen/Qwen3-8B-GGUF')).toBe('Qwen/Qwen3-8B-GGUF')
    expect(repositoryIn(' MS:Qwen/Qwen3-8B-GGUF ')).toBe('ms:Qwen/Qwen3-8B-GGUF')
    expect(repositoryIn('https://huggingface.co/Qwen/Qwen3-8B-GGUF')).toBeNull()
    expect(repositoryIn('qwen3 8b')).toBeNull()
    expect(repositoryIn('a/b/c')).toBeNull()
    expect(repositoryIn('')).toBeNull()
  })
})

it('asks ModelScope where it is chosen or written, once', () => {
  expect([placeOf('qwen', 'hub'), placeOf('qwen', 'modelscope'), placeOf(' MS:qwen', 'hub')]).toEqual(['hub', 'modelscope', 'modelscope'])
  expect([atPlace(' qwen 3 ', 'modelscope'), atPlace('Ms: qwen', 'modelscope'), atPlace('ms:a/b', 'hub')]).toEqual([
    'ms:qwen 3',
    'ms:qwen',
    'a/b',
  ])
  expect([atPlace(' ', 'modelscope'), repositoryIn(atPlace('a/b', 'modelscope'))]).toEqual(['', 'ms:a/b'])
})
