export type TemperatureBandId = 'very-low' | 'medium-low' | 'medium-high' | 'very-high'

/**
 * Four contiguous bands over 0 … 2 (guide: 0.1–0.3, 0.4–0.7, 0.8–1.0, above 1.0; the gaps go to the upper band at their middle).
 * Words in i18n under `temperature.<id>.{name,behaviour,goodFor,avoidFor}`.
 */
export interface TemperatureBand {
  id: TemperatureBandId
  /** First value of the band. */
  from: number
  /** First value of the next band; the last one ends at 2, inclusive. */
  to: number
  /** The range as the guide names it. */
  named: readonly [number, number]
}

export const temperatureBands: readonly TemperatureBand[] = [
  { id: 'very-low', from: 0, to: 0.35, named: [0.1, 0.3] },
  { id: 'medium-low', from: 0.35, to: 0.75, named: [0.4, 0.7] },
  { id: 'medium-high', from: 0.75, to: 1.05, named: [0.8, 1.0] },
  { id: 'very-high', from: 1.05, to: 2, named: [1.1, 2] },
]

export const minTemperature = 0
export const maxTemperature = 2

/** 0 is reachable and named "exact": the same answer each time. */
export function isExact(temperature: number): boolean {
  return temperature === 0
}

export function temperatureBand(temperature: number): TemperatureBand {
  const clamped = Math.min(maxTemperature, Math.max(minTemperature, temperature))
  const [first, ...rest] = temperatureBands
  if (first === undefined) throw new RangeError('no temperature bands')
  return rest.reduce((found, band) => (clamped >= band.from ? band : found), first)
}

/** The four bands have equal width on the slider whatever their span: temperature → position 0 … 1. */
export function temperatureToPosition(temperature: number): number {
  const band = temperatureBand(temperature)
  const index = temperatureBands.indexOf(band)
  const clamped = Math.min(maxTemperature, Math.max(minTemperature, temperature))
  return (index + (clamped - band.from) / (band.to - band.from)) / temperatureBands.length
}

/** Position 0 … 1 → temperature, rounded to 0.05. */
export function positionToTemperature(position: number): number {
  const clamped = Math.min(1, Math.max(0, position)) * temperatureBands.length
  const index = Math.min(temperatureBands.length - 1, Math.floor(clamped))
  const band = temperatureBands[index]
  if (band === undefined) return minTemperature
  return Math.round((band.from + (clamped - index) * (band.to - band.from)) * 20) / 20
}
