import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const packages = join(import.meta.dirname, '../../node_modules/@node-llama-cpp')

test.skipIf(process.platform !== 'linux')('one libggml-base.so serves the builds for all backends', () => {
  const platform = `linux-${process.arch}`
  const files = readdirSync(packages)
    .filter((name) => name.startsWith(platform))
    .map((name) => join(packages, name, 'bins', name, 'libggml-base.so'))
    .filter((path) => existsSync(path))
  expect(files).toContain(join(packages, platform, 'bins', platform, 'libggml-base.so'))
  expect(new Set(files.map((path) => createHash('sha256').update(readFileSync(path)).digest('hex'))).size).toBe(1)
})
