import { GiB } from '@shared/domain/units'
import { describe, expect, it } from 'vitest'
import { adviceFor, makePlan, parametersAt, parseBillions, positionOf, usualMultiples } from './plan'

describe('makePlan', () => {
  const plan = makePlan(32.8e9, 'BF16', 77.6 * GiB, usualMultiples)
  it('multiplies the model by the field guide', () => {
    expect(plan.modelBytes).toBe(65.6e9)
    const inference = plan.stages.find(({ stage }) => stage === 'inference')
    expect(inference?.bytes[0]).toBeCloseTo(65.6e9 * 1.2)
    expect(inference?.devices).toEqual([1, 4])
    expect(plan.stages.map(({ devices }) => devices[1])).toEqual([4, 2, 12, 16])
  })
  it('quantizes only what files are quantized to', () => {
    expect(plan.quantizedBytes).toBeNull()
    expect(makePlan(8e9, 'INT4', GiB, usualMultiples).quantizedBytes?.map((bytes) => Math.round(bytes / 1e8))).toEqual([44, 48])
  })
  it('takes what is assumed of a quantized file, which moves nothing else', () => {
    const assumed = makePlan(8e9, 'INT4', GiB, { ...usualMultiples, quantized: [1.05, 1.3] })
    expect(assumed.quantizedBytes?.map((bytes) => Math.round(bytes / 1e8))).toEqual([42, 52])
    expect(assumed.stages).toEqual(makePlan(8e9, 'INT4', GiB, usualMultiples).stages)
  })
  it('advises nothing for one device and data parallelism where the model fits', () => {
    const [inference, , , training] = plan.stages
    if (inference === undefined || training === undefined) throw new Error('stages')
    expect(adviceFor(inference, 1, 77.6 * GiB).kind).toBe('none')
    expect(adviceFor(training, 4, 800 * GiB).kind).toBe('data')
    expect(adviceFor(training, 4, 77.6 * GiB).kind).toBe('pipeline')
  })
})

describe('parameters', () => {
  it('reads what a person types', () => {
    expect(parseBillions('32.8')).toBeCloseTo(32.8e9)
    expect(parseBillions('7B')).toBe(7e9)
    expect(parseBillions('0,6')).toBeCloseTo(0.6e9)
    expect(parseBillions('')).toBeNull()
    expect(parseBillions('5000')).toBeNull()
    expect(parseBillions('x')).toBeNull()
  })
  it('goes to the slider and back', () => {
    for (const billions of [0.6, 8, 32.8, 70])
      expect(parametersAt(positionOf(billions * 1e9)) / 1e9).toBeCloseTo(billions, billions < 10 ? 0 : -1)
    expect(positionOf(1e15)).toBe(1000)
  })
})
