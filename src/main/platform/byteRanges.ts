/** First byte, one past the last. Lists are sorted, do not touch and do not overlap. */
export type ByteRange = [from: number, to: number]

export function addRange(ranges: readonly ByteRange[], from: number, to: number): ByteRange[] {
  if (from >= to) return [...ranges]
  const merged: ByteRange[] = []
  let added: ByteRange = [from, to]
  for (const range of ranges) {
    if (range[1] < added[0] || range[0] > added[1]) merged.push([range[0], range[1]])
    else added = [Math.min(range[0], added[0]), Math.max(range[1], added[1])]
  }
  merged.push(added)
  return merged.sort((a, b) => a[0] - b[0])
}

export function totalOf(ranges: readonly ByteRange[]): number {
  return ranges.reduce((sum, [from, to]) => sum + to - from, 0)
}

/** How far the file is whole from its start. */
export function prefixOf(ranges: readonly ByteRange[]): number {
  const first = ranges[0]
  return first !== undefined && first[0] === 0 ? first[1] : 0
}

/** The first stretch that is missing, null when the file is whole. */
export function firstGap(ranges: readonly ByteRange[], size: number): ByteRange | null {
  const from = prefixOf(ranges)
  if (from >= size) return null
  const next = ranges.find((range) => range[0] > from)
  return [from, Math.min(next?.[0] ?? size, size)]
}

/** What is left of the ranges in a file that is only this long. */
export function clipTo(ranges: readonly ByteRange[], size: number): ByteRange[] {
  return ranges.filter((range) => range[0] < size).map(([from, to]) => [from, Math.min(to, size)])
}

/** The first stretch, at most this long, that is neither there nor being fetched. */
export function nextPiece(there: readonly ByteRange[], claimed: readonly ByteRange[], size: number, maxBytes: number): ByteRange | null {
  const taken = claimed.reduce((ranges, [from, to]) => addRange(ranges, from, to), [...there])
  const gap = firstGap(taken, size)
  return gap === null ? null : [gap[0], Math.min(gap[1], gap[0] + maxBytes)]
}
