/** Where a value stands, 0 … 1 from left or bottom, with some air at both ends. */
export interface Scale {
  at(value: number): number
  ticks: number[]
}

const air = 0.06

function scale(values: readonly number[], to: (value: number) => number, ticksBetween: (low: number, high: number) => number[]): Scale {
  const [low, high] = values.length === 0 ? [1, 10] : [Math.min(...values), Math.max(...values)]
  const from = to(low)
  const span = Math.max(to(high) - from, 1e-9)
  const at = (value: number) => (values.length < 2 || high === low ? 0.5 : air + ((to(value) - from) / span) * (1 - 2 * air))
  return { at, ticks: ticksBetween(low, high) }
}

/** Tokens per second, as doublings; ticks at 1, 2, 5, 10 … */
export function speedScale(values: readonly number[]): Scale {
  return scale(values, Math.log, (low, high) => {
    const ticks: number[] = []
    for (let power = 0.1; power <= high; power *= 10)
      for (const step of [1, 2, 5]) if (step * power >= low && step * power <= high) ticks.push(step * power)
    return ticks
  })
}

export function scoreScale(values: readonly number[]): Scale {
  return scale(
    values,
    (value) => value,
    (low, high) => {
      const step = high - low > 40 ? 20 : 10
      const ticks: number[] = []
      for (let tick = Math.ceil(low / step) * step; tick <= high; tick += step) ticks.push(tick)
      return ticks
    },
  )
}
