import { resolve, sep } from 'node:path'
import { describe, expect, it } from 'vitest'
import * as fc from 'fast-check'
import { modelPath } from './fileNames'

const folder = resolve('/models/模型 é')

describe('names from outside (P1)', () => {
  it.each([
    '../x.gguf',
    'a/../../x.gguf',
    'a/./x.gguf',
    '..\\x.gguf',
    'a\\..\\..\\x.gguf',
    '/etc/x.gguf',
    '//server/share/x.gguf',
    '\\\\server\\share\\x.gguf',
    'C:x.gguf',
    'C:\\x.gguf',
    'x\0.gguf',
    'x\n.gguf',
    'CON.gguf',
    'con',
    'nul.gguf',
    'AUX.tar.gguf',
    'COM1.gguf',
    'lpt9.gguf',
    'COM¹.gguf',
    'a/PRN/x.gguf',
    'x.gguf.',
    'x.gguf ',
    ' x.gguf',
    'x.gguf:stream',
    `${'x'.repeat(300)}.gguf`,
    `${'模'.repeat(100)}.gguf`,
    'a\u202efugg.exe',
    'x\u2066.gguf',
    'a//x.gguf',
    '',
    '.',
    'a/b/c/d/e/f/g/x.gguf',
    'x?.gguf',
    'x*.gguf',
    'x|.gguf',
    'x"<>.gguf',
  ])('%j is refused', (file) => {
    expect(() => modelPath(folder, 'owner/repo', file)).toThrow(expect.objectContaining({ code: 'file/unsafe-name' }))
  })

  it.each(['owner', 'a/b/c', '../repo', 'owner/..', 'CON/repo', '/repo'])('repository %j is refused', (repository) => {
    expect(() => modelPath(folder, repository, 'x.gguf')).toThrow(expect.objectContaining({ code: 'file/unsafe-name' }))
  })

  it.each([
    'Qwen3-8B-Q4_K_M.gguf',
    'Q8_0/big-00001-of-00002.gguf',
    '通义千问.gguf',
    '😀.gguf',
    'console.gguf',
    'communist.gguf',
    '.hidden.gguf',
  ])('%s is taken', (file) => expect(modelPath(folder, 'owner/repo.v1', file)).toBe(resolve(folder, 'owner', 'repo.v1', file)))

  it('makes one file of two spellings', () => {
    expect(modelPath(folder, 'o/r', 'e\u0301.gguf')).toBe(modelPath(folder, 'o/r', '\u00e9.gguf'))
  })

  it('never leaves the folder, whatever the name', () => {
    const piece = fc.oneof(
      fc.constantFrom('..', '.', '/', '\\', 'C:', '\0', 'con', 'a', ' ', '.gguf', '~', '%2e%2e'),
      fc.string({ unit: 'binary' }),
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        let path: string
        try {
          path = modelPath(folder, 'owner/repo', pieces.join(''))
        } catch (error) {
          expect(error).toMatchObject({ code: 'file/unsafe-name' })
          return
        }
        expect(path.startsWith(resolve(folder, 'owner', 'repo') + sep)).toBe(true)
      }),
      { numRuns: process.env.SNUG_TEST_FULL === '1' ? 20_000 : 500 },
    )
  })
})
