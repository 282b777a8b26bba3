import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { whyUnusable } from './usableFolder'

test('a folder is made where it can be, and a place where none can be is told apart', () => {
  const root = mkdtempSync(join(tmpdir(), 'snug-usable-'))
  try {
    const fresh = join(root, '数据 folder', 'chromium')
    expect(whyUnusable(fresh)).toBeNull()
    expect(statSync(fresh).isDirectory()).toBe(true)
    writeFileSync(join(root, 'file'), '')
    expect(whyUnusable(join(root, 'file', 'chromium'))).toBe('file/not-permitted')
    // A folder that is there and says ENOENT to a new one in it.
    if (process.platform === 'linux') expect(whyUnusable('/proc/snug/data')).toBe('file/not-permitted')
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
})
