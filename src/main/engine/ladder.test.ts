import { expect, test } from 'vitest'
import type { LoadRequest } from '@shared/engine/protocol'
import type { ErrorCode } from '@shared/errors'
import { type LadderLimits, nextRung } from './ladder'

const planned: LoadRequest = {
  path: '/m.gguf',
  backend: 'auto',
  gpuLayers: 'max',
  contextSize: 32_768,
  batchSize: 'auto',
  threads: 'auto',
  flashAttention: 'auto',
  kvCacheType: 'f16',
  useMmap: 'auto',
}
const limits: LadderLimits = { minContextSize: 3_000, trainContextSize: 40_960, totalLayers: 33, hasGpu: true }

function all(from: LoadRequest, at: LadderLimits, because: ErrorCode = 'engine/out-of-memory') {
  const steps = []
  let rung = nextRung(from, at, because)
  let last = from
  for (; rung !== null && steps.length < 30; rung = nextRung(rung.request, at, because)) {
    steps.push(rung.step)
    last = rung.request
  }
  return { steps, last }
}

test('all steps in order, the context never below what the chat holds', () => {
  const { steps, last } = all(planned, limits)
  expect(steps.map((step) => ('to' in step ? `${step.change} ${step.to}` : step.change))).toEqual([
    'context 8192',
    'context 4096',
    'context 3000',
    'kv-cache q8_0',
    'gpu-layers 16',
    'gpu-layers 8',
    'cpu',
  ])
  expect(last).toMatchObject({ backend: 'cpu', gpuLayers: 0, kvCacheType: 'q8_0', flashAttention: true, contextSize: 3_000 })
})

test('the processor gets its own batch and no mapped file, whatever was planned for the card', () => {
  const { last } = all({ ...planned, backend: 'cuda', batchSize: 512, useMmap: true }, limits)
  expect(last).toMatchObject({ backend: 'cpu', batchSize: 'auto', useMmap: 'auto' })
})

test('without a GPU it ends after context and cache', () => {
  const { steps } = all({ ...planned, contextSize: 200_000_000 }, { ...limits, minContextSize: 0, hasGpu: false })
  expect(steps.map((step) => ('to' in step ? step.to : step.change))).toEqual([40_960, 8_192, 4_096, 2_048, 'q8_0'])
  const small = all({ ...planned, contextSize: 200_000_000 }, { ...limits, minContextSize: 0, trainContextSize: 4_096, hasGpu: false })
  expect(small.steps[0]).toMatchObject({ to: 4_096 })
})

test('a context of the user’s own below the usual steps is left alone', () => {
  const { steps } = all({ ...planned, contextSize: 1_024, gpuLayers: 0 }, { ...limits, minContextSize: 0 })
  expect(steps.map((step) => step.change)).toEqual(['kv-cache'])
})

test('a bad file has no smaller form, a hang goes to the CPU at once', () => {
  expect(nextRung(planned, limits, 'model/corrupt-file')).toBeNull()
  expect(nextRung(planned, limits, 'fit/impossible')).toBeNull()
  expect(all(planned, limits, 'engine/stalled').steps).toEqual([{ change: 'cpu', because: 'engine/stalled' }])
})
