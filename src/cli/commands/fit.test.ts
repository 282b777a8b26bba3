import { expect, test } from 'vitest'
import { llama8b } from '@shared/domain/exampleModels'
import { defaultFitOptions, type FitReport, planFit } from '@shared/domain/fit'
import { formatBytes } from '@shared/domain/format'
import { memoryKinds } from '@shared/domain/memory'
import type { MemoryPool } from '@shared/domain/poolFit'
import { GiB } from '@shared/domain/units'
import { messages } from '@shared/i18n'
import { fitText } from './fit'

const pool = (id: 'gpu0' | 'cpu', name: string, gib: number): MemoryPool => ({
  id,
  devices: [id],
  name,
  kind: id === 'cpu' ? 'ram' : 'discrete',
  totalBytes: gib * GiB,
  freeBytes: gib * GiB,
  returnedBytes: 0,
  reserveBytes: 0,
  limit: null,
})

/** Every kind on both devices, so that none can be left out. */
function report(): FitReport {
  const pools = [pool('gpu0', 'RTX 4070', 12), pool('cpu', 'cpu', 32)]
  const fit = planFit(llama8b, { backend: 'cuda', speeds: [], pools }, defaultFitOptions)
  const parts = (['gpu0', 'cpu'] as const).flatMap((device) =>
    memoryKinds.map((kind, index) => ({ device, kind, bytes: 2 ** index * 0.125 * GiB })),
  )
  return { ...fit, parts, totalBytes: parts.reduce((sum, { bytes }) => sum + bytes, 0) }
}

test.each(['en', 'zh-CN'] as const)('what a model takes is told in the words and the four groups of the screen (%s)', (language) => {
  const words = messages(language)
  const { common, cli } = words
  const lines = fitText(report(), { words, language }).split('\n')
  const told = lines.slice(0, 11).map((line) => line.split(/ {2,}/).filter((cell) => cell !== ''))
  const size = (gib: number) => formatBytes(gib * GiB, language)
  const rows = [
    [common.weights, size(0.125 + 0.25)],
    [common.kvCache, size(0.5 + 1 + 2)],
    [common.compute, size(4 + 8)],
    [common.overhead, size(16)],
  ]
  expect(told).toEqual([['RTX 4070'], ...rows, [common.ram], ...rows, [cli.total, size(63.75), cli.level.formula]])
  // Every figure ends in the same column of a terminal, where a Han character takes two.
  const widths = lines
    .slice(0, 10)
    .filter((line) => line.startsWith('  '))
    .map((line) => line.replace(/\p{Script=Han}/gu, '..').length)
  expect(new Set(widths).size).toBe(1)
})
