import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { MiB } from '@shared/domain/units'
import { parseSharedUsage, readSharedUsage, sharedUsage } from './windowsGpuMemory'

/** In the form that `ConvertTo-Json -Compress` has; names as Windows gives them to these instances, of two cards and three processes. */
const rows = [
  { Name: 'pid_4242_luid_0x00000000_0x0001D6F4_phys_0', SharedUsage: 70 * MiB },
  { Name: 'pid_4242_luid_0x00000000_0x00014DE1_phys_0', SharedUsage: 2 * MiB },
  { Name: 'pid_42_luid_0x00000000_0x0001D6F4_phys_0', SharedUsage: 900 * MiB },
  { Name: 'pid_424_luid_0x00000000_0x00014DE1_phys_0', SharedUsage: 5 * MiB },
]

test('the rows of one process, on every card; a single row stands without brackets', () => {
  expect(parseSharedUsage(JSON.stringify(rows), 4242)).toBe(72 * MiB)
  expect(parseSharedUsage(JSON.stringify(rows), 42)).toBe(900 * MiB)
  expect(parseSharedUsage(`${JSON.stringify(rows[0])}\r\n`, 4242)).toBe(70 * MiB)
})

test('no row of it, no such class, and what is no answer say nothing', () => {
  expect(parseSharedUsage(JSON.stringify(rows), 7)).toBeNull()
  for (const text of ['', 'null', '[]', '[null,1]', 'Get-CimInstance : Invalid class', '{"Name":"pid_7_luid_0","SharedUsage":null}'])
    expect(parseSharedUsage(text, 7)).toBeNull()
})

test.skipIf(process.platform === 'win32')(
  'a program that answers, fails, hangs or is missing: always in time, never an error',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'snug-powershell-'))
    const program = (name: string, body: string): string => {
      const path = join(folder, name)
      writeFileSync(path, `#!/bin/sh\n${body}\n`)
      chmodSync(path, 0o755)
      return path
    }
    try {
      expect(await readSharedUsage(4242, program('answers', `echo '${JSON.stringify(rows)}'`))).toBe(72 * MiB)
      expect(await readSharedUsage(4242, program('fails', `echo '${JSON.stringify(rows)}'; exit 1`))).toBeNull()
      expect(await readSharedUsage(4242, join(folder, 'missing'))).toBeNull()
      const began = Date.now()
      expect(await readSharedUsage(4242, program('hangs', 'exec sleep 30'), 200)).toBeNull()
      expect(Date.now() - began).toBeLessThan(5000)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  },
)

test('asked once in a while, of each process anew, and never of one that is not there yet', async () => {
  const asked: number[] = []
  const clock = { now: 0 }
  const read = sharedUsage(
    async (pid) => {
      asked.push(pid)
      return 10 * asked.length
    },
    () => clock.now,
  )
  expect(await read(undefined)).toBe(0)
  expect([await read(1), await read(1), await read(2)]).toEqual([10, 10, 20])
  clock.now = 29_999
  expect(await read(2)).toBe(20)
  clock.now = 30_000
  expect(await read(2)).toBe(30)
  expect(asked).toEqual([1, 2, 2])
})
