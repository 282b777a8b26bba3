export type DayGroup = { kind: 'today' } | { kind: 'yesterday' } | { kind: 'week' } | { kind: 'month'; year: number; month: number }

const dayMs = 24 * 60 * 60 * 1000

function startOfDay(at: number): number {
  const date = new Date(at)
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime()
}

/** Where a chat stands in the list: today, yesterday, the last seven days, then its month. */
export function dayGroup(at: number, now: number): DayGroup {
  const today = startOfDay(now)
  if (at >= today) return { kind: 'today' }
  if (at >= startOfDay(today - dayMs / 2)) return { kind: 'yesterday' }
  if (at >= startOfDay(today - 6.5 * dayMs)) return { kind: 'week' }
  const date = new Date(at)
  return { kind: 'month', year: date.getFullYear(), month: date.getMonth() }
}

function keyOf(group: DayGroup): string {
  return group.kind === 'month' ? `${group.year}-${group.month}` : group.kind
}

/** Groups that keep the order of the list. */
export function groupByDay<T extends { updatedAt: number }>(
  rows: readonly T[],
  now: number,
): { key: string; group: DayGroup; rows: T[] }[] {
  const groups: { key: string; group: DayGroup; rows: T[] }[] = []
  for (const row of rows) {
    const group = dayGroup(row.updatedAt, now)
    const key = keyOf(group)
    const found = groups.find((entry) => entry.key === key)
    if (found === undefined) groups.push({ key, group, rows: [row] })
    else found.rows.push(row)
  }
  return groups
}
