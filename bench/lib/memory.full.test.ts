import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MiB } from '@shared/domain/units'
import { afterAll, expect, test } from 'vitest'
import { quickRows, rowName } from './memoryRows'
import { MemoryRun, realFile } from './memoryRun'
import { compare, kvRounding, targets } from './memoryTable'

const folder = mkdtempSync(join(tmpdir(), 'snug-memory-'))
const run = new MemoryRun(folder, { library: false })
afterAll(async () => {
  await run.dispose()
  rmSync(folder, { recursive: true, force: true })
})

/** Four of the benchmark's kind; what they miss, `npm run bench memory` would miss as well. */
const rows = quickRows.map((row) => [rowName(row), row] as const)
test.each(rows)('%s: predicted from its header by HTTP, then loaded', async (_, row) => {
  if (row.model.kind === 'real' && realFile(row.model) === null) return
  const [result] = await run.model(row.model, [row], (_row, _prediction, measure) => measure())
  expect(result).toBeDefined()
  if (result === undefined) return
  expect(result.real.buffers.completeness).toBe('complete')
  const compared = compare(result)
  expect(Math.abs(compared.dryError)).toBeLessThanOrEqual(targets.buffers)
  expect(Math.abs(compared.formulaError)).toBeLessThanOrEqual(targets.formula)
  expect(compared.kvErrorBytes).toBeLessThanOrEqual(kvRounding)
  if (compared.growth === null) return
  const { medianBytes, predictedBytes, errorBytes, allowedBytes } = compared.growth
  const said = `${Math.round(predictedBytes / MiB)} MiB predicted, ${Math.round(medianBytes / MiB)} taken`
  expect(Math.abs(errorBytes), said).toBeLessThanOrEqual(allowedBytes)
})
