import { MiB } from '@shared/domain/units'
import { expect, test } from 'vitest'
import { memoryRows } from './memoryRows'
import type { Growth, RowResult } from './memoryRun'
import { sectionOf } from './memoryTable'

const [row] = memoryRows(['cpu'])
const growth = (mib: number): Growth => ({
  total: mib * MiB,
  anonymous: 0,
  mapped: 0,
  afterLoad: 0,
  promptTokens: 64,
  loadMs: 1,
  promptMs: 1,
})

function result(growths: number[]): RowResult {
  if (row === undefined) throw new Error('no row')
  const parts = [{ device: 'cpu' as const, kind: 'weights' as const, bytes: 100 * MiB }]
  return {
    row,
    prediction: { formula: { parts, residentBytes: 110 * MiB }, dryRun: { parts, residentBytes: 110 * MiB }, library: null },
    real: { buffers: { parts, completeness: 'complete' }, flashAttention: true, gpuLayers: 0, totalLayers: 31 },
    growths: growths.map(growth),
  }
}
const cells = (lines: string[], column: string) => {
  const split = (line: string) => line.split('|').map((cell) => cell.trim())
  const head = split(lines.find((line) => line.startsWith('| model')) ?? '')
  return lines.filter((line) => line.startsWith('| SmolLM2')).map((line) => split(line)[head.indexOf(column)])
}

test('each row says of how many loads it is the median', () => {
  const lines = sectionOf('cpu', [result([111]), result([120, 112, 108])], [])
  expect(cells(lines, 'loads')).toEqual(['1', '3'])
  expect(cells(lines, 'process')).toEqual(['111', '112 (108–120)'])
})

test('where nothing was measured of the process, nothing is said of it', () => {
  const lines = sectionOf('vulkan', [result([])], [])
  expect(cells(lines, 'llama.cpp')).toEqual(['100'])
  expect(lines.join('\n')).not.toMatch(/loads|process growth/)
})
