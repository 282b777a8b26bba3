import { expect, it } from 'vitest'
import type { Download } from '@shared/domain/library'
import { findDownload } from './downloadTarget'

const download = (id: string, repository: string, file: string, state: Download['state'] = 'paused') =>
  ({ id, repository, file, state }) as Download

it('finds what is not finished by id or by a name that only one has', () => {
  const all = [
    download('1', 'maker/a-GGUF', 'Q4/a-Q4_0.gguf'),
    download('2', 'maker/b-GGUF', 'b-Q4_0.gguf', 'failed'),
    download('3', 'maker/b-GGUF', 'b-Q8_0.gguf'),
    download('4', 'maker/c-GGUF', 'c-Q8_0.gguf', 'done'),
  ]
  const found = (name: string) => findDownload(all, name)?.id ?? null
  expect(['1', 'maker/a-GGUF', 'a-Q4_0.gguf', 'Q4/a-Q4_0.gguf', 'maker/a-GGUF/Q4/a-Q4_0.gguf'].map(found)).toEqual([
    '1',
    '1',
    '1',
    '1',
    '1',
  ])
  expect(found('b-Q4_0.gguf')).toBe('2')
  expect(['maker/b-GGUF', '4', 'c-Q8_0.gguf', '_0.gguf'].map(found)).toEqual([null, null, null, null])
})
