import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { exampleMachines } from '@shared/domain/exampleMachines'
import { mergeHardware } from '@shared/domain/mergeHardware'
import { simulatedMachine } from './simulated'

const folder = mkdtempSync(join(tmpdir(), 'snug-simulated-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function written(name: string, value: unknown): string {
  const path = join(folder, name)
  writeFileSync(path, typeof value === 'string' ? value : JSON.stringify(value))
  return path
}

test('every report that this program makes is read again as it was, whatever its file is called', async () => {
  for (const { raw } of exampleMachines) {
    const report = mergeHardware(raw)
    expect(await simulatedMachine(written('machine', report))).toEqual(JSON.parse(JSON.stringify(report)))
  }
})

test('a device of the table stays a name', async () => {
  expect(await simulatedMachine('RTX 4090')).toBe('RTX 4090')
  expect(await simulatedMachine('24 GB')).toBe('24 GB')
})

test.each([
  ['null.json', 'null', 'notReport'],
  ['empty.json', {}, 'notReport'],
  ['half.json', { gpus: [] }, 'notReport'],
  ['list.json', [], 'notReport'],
  ['text.json', 'a machine', 'notJson'],
] as const)('%s is wrong usage, said so', async (name, value, usage) => {
  await expect(simulatedMachine(written(name, value))).rejects.toMatchObject({ code: 'usage/invalid', data: { usage, exit: 'usage' } })
})

test('neither a device nor a file', async () => {
  await expect(simulatedMachine('no such card')).rejects.toMatchObject({ data: { usage: 'device', exit: 'usage' } })
  await expect(simulatedMachine(join(folder, 'none.json'))).rejects.toMatchObject({ data: { usage: 'cannotRead', exit: 'usage' } })
})
