import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'

test('a checkout without its lock file is told what is missing and how to bring it back', () => {
  const checkout = mkdtempSync(join(tmpdir(), 'snug setup '))
  try {
    for (const name of ['scripts', 'package.json']) cpSync(join(import.meta.dirname, '..', name), join(checkout, name), { recursive: true })
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(checkout, 'scripts/setup.mjs')], {
      cwd: checkout,
      encoding: 'utf8',
    })
    expect(status).toBe(1)
    expect(`${stdout}${stderr}`).toContain(`package-lock.json is missing in ${checkout}: bring it back (git checkout`)
  } finally {
    rmSync(checkout, { recursive: true, force: true })
  }
})
