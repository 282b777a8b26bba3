import { expect, it } from 'vitest'
import { chooseProjector, parseReference } from './modelTarget'

it('takes the F16 projector, else the smallest, and says when there is none', () => {
  const named = (path: string, sizeBytes: number) => ({ path, sizeBytes, sha256: null, gitSha1: null })
  const listing = { repository: 'o/n', revision: 'c', licence: null, groups: [], files: [] }
  const all = [named('mmproj-BF16.gguf', 10), named('mmproj-F16.gguf', 10), named('mmproj-Q8_0.gguf', 5)]
  expect(chooseProjector({ ...listing, projectors: all })).toBe('mmproj-F16.gguf')
  expect(chooseProjector({ ...listing, projectors: all.filter(({ path }) => !path.endsWith('-F16.gguf')) })).toBe('mmproj-Q8_0.gguf')
  expect(() => chooseProjector({ ...listing, projectors: [] })).toThrow(/projector/)
})

it('reads a repository of ModelScope by its name', () => {
  expect(parseReference('ms:maker/model-GGUF:Q4_K_M')).toEqual({ repository: 'ms:maker/model-GGUF', quantization: 'Q4_K_M' })
})
