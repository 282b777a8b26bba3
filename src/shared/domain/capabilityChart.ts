import type { UseCase } from './catalog'
import type { Recommendation } from './recommend'

/** One model at its best quantization: a dot. Only what fits has a speed, and only a published score is a place. */
export interface ChartPoint {
  item: Recommendation
  score: number
  date: string
  /** Tokens per second: the middle of the range, or what was measured. */
  speed: number
  /** Nothing that fits is both better and faster. */
  edge: boolean
}

export interface CapabilityChart {
  /** The test that all dots share: scores of two tests are never compared. */
  test: string
  points: ChartPoint[]
  /** They fit, but nobody published this score: apart, without a place. */
  notRated: Recommendation[]
  tooBig: number
}

/** A use without a test of its own is shown by the one that most models were put to. */
const testOf: Readonly<Record<UseCase, UseCase>> = {
  chat: 'reasoning',
  chinese: 'reasoning',
  small: 'reasoning',
  reasoning: 'reasoning',
  code: 'code',
}

export function capabilityChart(items: readonly Recommendation[], use: UseCase): CapabilityChart | null {
  const scoreOf = ({ model }: Recommendation) => model.capability?.[testOf[use]] ?? null
  const counts = new Map<string, number>()
  for (const item of items) {
    const test = scoreOf(item)?.test
    if (test !== undefined) counts.set(test, (counts.get(test) ?? 0) + 1)
  }
  const [most] = [...counts].toSorted((a, b) => b[1] - a[1])
  if (most === undefined) return null
  const [test] = most
  const fitting = items.filter(({ best }) => best.verdict !== 'too-big')
  const points = fitting.flatMap((item): Omit<ChartPoint, 'edge'>[] => {
    const score = scoreOf(item)
    const { decode } = item.best.fit.speed
    return score === null || score.test !== test
      ? []
      : [{ item, score: score.score, date: score.date, speed: Math.sqrt(decode[0] * decode[1]) }]
  })
  const edge = bestEdge(points)
  return {
    test,
    points: points.map((point) => ({ ...point, edge: edge.has(point) })),
    notRated: fitting.filter((item) => scoreOf(item)?.test !== test),
    tooBig: items.length - fitting.length,
  }
}

/** Pareto: from the fastest on, each that is better than all faster ones. */
export function bestEdge<T extends { score: number; speed: number }>(points: readonly T[]): Set<T> {
  const edge = new Set<T>()
  let best = Number.NEGATIVE_INFINITY
  for (const point of points.toSorted((a, b) => b.speed - a.speed || b.score - a.score)) {
    if (point.score <= best) continue
    best = point.score
    edge.add(point)
  }
  return edge
}
