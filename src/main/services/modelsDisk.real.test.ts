import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test, vi } from 'vitest'
import { ModelsDisk } from './modelsDisk'

const root = mkdtempSync(join(tmpdir(), 'snug-disk-'))
const otherDisk = existsSync('/dev/shm') && statSync('/dev/shm').dev !== statSync(root).dev ? mkdtempSync('/dev/shm/snug-disk-') : null
afterAll(() => {
  rmSync(root, { recursive: true, force: true })
  if (otherDisk !== null) rmSync(otherDisk, { recursive: true, force: true })
})

test('a folder beside the models lies on their disk, also before either is there', async () => {
  const changed = vi.fn()
  const disk = new ModelsDisk(() => join(root, 'models'), changed)
  const beside = join(root, 'old', 'maker')
  expect(disk.holds(join(root, 'models', 'maker'))).toBe(true)
  // Nobody has answered yet.
  expect(disk.holds(beside)).toBe(false)
  await vi.waitFor(() => expect(changed).toHaveBeenCalledTimes(3))
  expect(disk.holds(beside)).toBe(true)
})

test.skipIf(otherDisk === null)('a folder on another disk does not, until the models move there', async () => {
  const changed = vi.fn()
  let models = join(root, 'models')
  const disk = new ModelsDisk(() => models, changed)
  const there = join(otherDisk ?? '', 'maker')
  disk.holds(there)
  await vi.waitFor(() => expect(changed).toHaveBeenCalledTimes(2))
  expect(disk.holds(there)).toBe(false)
  models = otherDisk ?? ''
  disk.holds(there)
  await vi.waitFor(() => expect(changed).toHaveBeenCalledTimes(3))
  expect(disk.holds(there)).toBe(true)
  expect(disk.holds(join(root, 'models', 'maker'))).toBe(false)
})
