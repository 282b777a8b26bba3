import { expect, test } from 'vitest'
import { folderSpace } from './folderSpace'

test('a folder counts the models in it that are there; one that is away is left out', async () => {
  const rows = [
    { path: '/a/x.gguf', sizeBytes: 5, state: 'own' as const },
    { path: '/a/b/y.gguf', sizeBytes: 7, state: 'verified' as const },
    { path: '/a/gone.gguf', sizeBytes: 9, state: 'missing' as const },
    { path: '/ab/z.gguf', sizeBytes: 11, state: 'own' as const },
  ]
  const disk = async (folder: string) => (folder === '/away' ? null : { total: 100, free: 40 })
  expect(await folderSpace(['/a', '/a/b', '/away'], rows, disk)).toEqual([
    { path: '/a', models: 2, modelBytes: 12, totalBytes: 100, freeBytes: 40 },
    { path: '/a/b', models: 1, modelBytes: 7, totalBytes: 100, freeBytes: 40 },
  ])
})
