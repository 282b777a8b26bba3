import { expect, test } from 'vitest'
import { machine, probe } from './exampleParts'
import type { NvidiaCard } from './hardware'
import { mergeHardware } from './mergeHardware'
import { GiB } from './units'

const name = 'NVIDIA GeForce RTX 3090'

function card(free: number, freeAtProbe: number, total = 24): NvidiaCard {
  return { name, totalBytes: total * GiB, freeBytes: free * GiB, freeAtProbeBytes: freeAtProbe * GiB, driver: '580.82' }
}

function free(devices: Parameters<typeof probe>[1][], cards: NvidiaCard[], backend: 'cuda' | 'vulkan' = 'cuda'): number[] {
  const raw = machine(64, 50, { nvidiaSmi: { state: 'ok', gpus: cards }, probes: [probe(backend, ...devices), probe('cpu')] })
  return mergeHardware(raw)
    .gpus.filter(({ backends }) => backends.length > 0)
    .map(({ vramFree }) => (vramFree ?? 0) / GiB)
}

test('each of two equal cards moves with its own figures, however the driver orders them', () => {
  const devices: Parameters<typeof probe>[1][] = [
    [name, 23.7, 23],
    [name, 23.7, 9],
  ]
  expect(free(devices, [card(23.5, 23.5), card(6.5, 9.5)])).toEqual([23, 6])
  expect(free(devices, [card(6.5, 9.5), card(23.5, 23.5)])).toEqual([23, 6])
  // CUDA_VISIBLE_DEVICES hides the first.
  expect(free([[name, 23.7, 9]], [card(20, 23.5), card(6.5, 9.5)])).toEqual([6])
})

test('never more than there is or than the driver says, never less than nothing', () => {
  expect(free([[name, 23.7, 10]], [card(24, 10.5)])).toEqual([23.5])
  expect(free([[name, 23.7, 23.7]], [card(8, 12)], 'vulkan')).toEqual([8])
  expect(free([[name, 23.7, 1]], [card(0, 4)])).toEqual([0])
})

test('what comes and goes on a whole card says nothing of one slice of it', () => {
  expect(free([[name, 10, 9.5]], [card(60, 78, 80)])).toEqual([9.5])
})
