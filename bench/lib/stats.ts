export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle]
  if (upper === undefined) throw new RangeError('no values')
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2
}

export function spread(values: readonly number[]): [number, number] {
  return [Math.min(...values), Math.max(...values)]
}

/** Measurement by measurement: both sides were measured one right after the other, so what disturbs both mostly cancels. */
export function ratios(ours: readonly number[], theirs: readonly number[]): { median: number; spread: [number, number] } {
  const values = ours.flatMap((value, index) => {
    const other = theirs[index]
    return other === undefined ? [] : [value / other]
  })
  return { median: median(values), spread: spread(values) }
}
