import { describe, expect, test } from 'vitest'
import { bestEdge, capabilityChart } from './capabilityChart'
import type { Recommendation } from './recommend'

/** Only what the chart reads. */
function item(id: string, score: number | null, speed: number, more: { test?: string; verdict?: string } = {}): Recommendation {
  const capability = score === null ? null : { reasoning: { score, test: more.test ?? 'GPQA Diamond', date: '2026-01', link: '' } }
  const model = { id, name: id, capability }
  const best = { verdict: more.verdict ?? 'full-gpu', fit: { speed: { decode: [speed / 2, speed * 2] } } }
  return { model, best } as unknown as Recommendation
}

describe('capability and speed', () => {
  test('the best edge: nothing is both better and faster', () => {
    const points = [
      { score: 50, speed: 10 },
      { score: 40, speed: 20 },
      { score: 39, speed: 15 },
      { score: 40, speed: 12 },
      { score: 10, speed: 90 },
    ]
    expect([...bestEdge(points)].map(({ score }) => score)).toEqual([10, 40, 50])
    for (const point of points) {
      const beaten = points.some((other) => other !== point && other.score >= point.score && other.speed >= point.speed)
      expect(bestEdge(points).has(point)).toBe(!beaten)
    }
    expect(bestEdge([]).size).toBe(0)
  })
  test('what is not rated or rated by another test has no place, what does not fit no dot', () => {
    const items = [
      item('a', 60, 20),
      item('b', null, 30),
      item('c', 70, 5, { test: 'Another' }),
      item('d', 80, 1, { verdict: 'too-big' }),
      item('e', 50, 40),
    ]
    const chart = capabilityChart(items, 'chat')
    expect(chart?.test).toBe('GPQA Diamond')
    expect(chart?.points.map(({ item: { model }, speed, edge }) => [model.id, speed, edge])).toEqual([
      ['a', 20, true],
      ['e', 40, true],
    ])
    expect(chart?.notRated.map(({ model }) => model.id)).toEqual(['b', 'c'])
    expect(chart?.tooBig).toBe(1)
  })
  test('without a score there is no chart', () => expect(capabilityChart([item('a', null, 3)], 'code')).toBeNull())
})
