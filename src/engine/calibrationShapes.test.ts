import { expect, test } from 'vitest'
import { slicePlans } from './calibrationShapes'
import { tensorBytes } from './ggufTypes'

const bytesOf = (plan: ReturnType<typeof slicePlans>[number]): number => {
  const blocks = Array.from({ length: plan.layers }, (_, layer) => plan.shape.block(layer)).flat()
  const matrices = blocks.filter(({ role }) => role !== 'norm' && role !== 'router')
  const embedding = tensorBytes(plan.type, [plan.shape.width, plan.shape.vocabulary])
  return embedding + matrices.reduce((sum, { dims }) => sum + tensorBytes(plan.type, dims), 0)
}

test.each([
  [3, true],
  [8, false],
])('with %d blocks, larger ones as well: %s; no file above 600 MB, wide ones beyond most caches', (blocks, large) => {
  for (const plan of slicePlans(blocks, large)) {
    expect(bytesOf(plan), plan.name).toBeLessThan(600e6)
    if (plan.role === 'wide') expect(bytesOf(plan), plan.name).toBeGreaterThan(96e6)
  }
})

test('what every calibration needs comes first; each type once', () => {
  const plans = slicePlans(3, true)
  const first = ['wide', 'narrow', 'narrow', 'vocabulary', 'wide', 'output', 'heads', 'heads', 'mixture']
  expect(plans.slice(0, first.length).map(({ role }) => role)).toEqual(first)
  const wide = plans.filter(({ role }) => role === 'wide').map(({ type }) => type)
  expect(new Set(wide).size).toBe(wide.length)
  expect(plans.filter(({ deepTokens }) => deepTokens > 0).map(({ shape }) => shape.headDim)).toEqual([64, 128, 256])
})
