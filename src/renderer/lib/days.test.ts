import { describe, expect, it } from 'vitest'
import { dayGroup, groupByDay } from './days'

const now = new Date(2026, 2, 10, 14, 0).getTime()
const at = (...parts: [number, number, number, number, number]) => new Date(...parts).getTime()

describe('dayGroup', () => {
  it('cuts at midnight', () => {
    expect(dayGroup(at(2026, 2, 10, 0, 0), now).kind).toBe('today')
    expect(dayGroup(at(2026, 2, 9, 23, 59), now).kind).toBe('yesterday')
    expect(dayGroup(at(2026, 2, 8, 12, 0), now).kind).toBe('week')
    expect(dayGroup(at(2026, 1, 3, 12, 0), now)).toEqual({ kind: 'month', year: 2026, month: 1 })
  })
  it('keeps the order within groups', () => {
    const rows = [{ updatedAt: now }, { updatedAt: now - 1000 }, { updatedAt: at(2025, 11, 1, 1, 1) }]
    expect(groupByDay(rows, now).map((group) => group.rows.length)).toEqual([2, 1])
  })
})
