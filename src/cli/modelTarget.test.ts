import { describe, expect, it } from 'vitest'
import { huggingFace } from '@shared/domain/settings'
import { chooseProjector, fileAtHub, parseReference, repositoryPage } from './modelTarget'

const file = { repository: 'owner/name-GGUF', file: 'sub/x-Q4_K_M.gguf' }

describe('an address of a file at the hub', () => {
  it.each([
    'https://huggingface.co/owner/name-GGUF/resolve/main/sub/x-Q4_K_M.gguf?download=true',
    'https://huggingface.co/owner/name-GGUF/blob/main/sub/x-Q4_K_M.gguf',
    'https://hf-mirror.com/owner/name-GGUF/resolve/main/sub/x-Q4_K_M.gguf',
    'http://127.0.0.1:8080/owner/name-GGUF/resolve/main/sub%2Fx-Q4_K_M.gguf',
  ])('%s', (address) => {
    expect(fileAtHub(address, 'http://127.0.0.1:8080')).toEqual(file)
  })

  it.each([
    'https://example.org/owner/name-GGUF/resolve/main/x.gguf',
    'https://huggingface.co/owner/name-GGUF/resolve/main/x.bin',
    'https://huggingface.co/owner/name-GGUF/resolve/0123abc/x.gguf',
    'https://huggingface.co/owner/name-GGUF',
    'no address',
  ])('%s is none', (address) => {
    expect(fileAtHub(address, huggingFace)).toBeNull()
  })
})

it('takes the F16 projector, else the smallest, and says when there is none', () => {
  const named = (path: string, sizeBytes: number) => ({ path, sizeBytes, sha256: null, gitSha1: null })
  const listing = { repository: 'o/n', revision: 'c', licence: null, groups: [], files: [] }
  const all = [named('mmproj-BF16.gguf', 10), named('mmproj-F16.gguf', 10), named('mmproj-Q8_0.gguf', 5)]
  expect(chooseProjector({ ...listing, projectors: all })).toBe('mmproj-F16.gguf')
  expect(chooseProjector({ ...listing, projectors: all.filter(({ path }) => !path.endsWith('-F16.gguf')) })).toBe('mmproj-Q8_0.gguf')
  expect(() => chooseProjector({ ...listing, projectors: [] })).toThrow(/projector/)
})

it('reads a repository of ModelScope by name and by the address of its page', () => {
  expect(parseReference('ms:maker/model-GGUF:Q4_K_M')).toEqual({ repository: 'ms:maker/model-GGUF', quantization: 'Q4_K_M' })
  expect(repositoryPage('https://modelscope.cn/models/maker/model-GGUF/summary', huggingFace)).toBe('ms:maker/model-GGUF')
  expect(repositoryPage('https://example.org/models/maker/model-GGUF', huggingFace)).toBeNull()
})
