import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { calibrate } from '@shared/domain/calibration'
import { calibrateBackend } from './calibrate'

const folder = mkdtempSync(join(tmpdir(), 'snug-calibrate-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const quiet = () => undefined

test('the real llama.cpp runs the slices on the processor; rates come out, files are gone', { timeout: 180_000 }, async () => {
  const seen: number[] = []
  const run = await calibrateBackend(
    'cpu',
    folder,
    { signal: new AbortController().signal, emit: (event) => void (event.kind === 'calibrate' && seen.push(event.fraction)) },
    quiet,
  )
  expect(readdirSync(folder)).toEqual([])
  expect(run.slices.length).toBeGreaterThanOrEqual(5)
  expect(seen).toEqual(seen.toSorted((a, b) => a - b))
  const found = calibrate(run)
  expect(found.bandwidth.Q4_K ?? 0).toBeGreaterThan(1e8)
  expect(found.flops.Q4_K ?? 0).toBeGreaterThan(1e9)
  expect(Number.isFinite(found.layerMs)).toBe(true)
})

test('a cancel ends it, and leaves no file', { timeout: 60_000 }, async () => {
  const abort = new AbortController()
  abort.abort()
  await expect(calibrateBackend('cpu', folder, { signal: abort.signal, emit: quiet }, quiet)).rejects.toMatchObject({ code: 'cancelled' })
  expect(readdirSync(folder)).toEqual([])
})
