import type { Download } from '@shared/domain/library'
import { SnugError } from '@shared/errors'
import type { Entry } from './downloadEntry'
import { isActive } from './downloadRows'

export function byPosition(a: Entry, b: Entry): number {
  return placeOf(a) - placeOf(b) || a.row.createdAt - b.row.createdAt
}

/** Who was never moved stands where it was put at first. */
function placeOf({ row }: Entry): number {
  return row.position ?? row.createdAt
}

/** The new places of those whose place changes. */
export function reordered(queue: readonly Entry[], moved: Entry, to: 'up' | 'down' | 'top'): { entry: Entry; position: number }[] {
  const at = queue.indexOf(moved)
  const other = to === 'top' ? queue[0] : queue[to === 'up' ? at - 1 : at + 1]
  if (at < 0 || other === undefined || other === moved) return []
  if (to === 'top') return [{ entry: moved, position: placeOf(other) - 1 }]
  const [mine, theirs] = [placeOf(moved), placeOf(other)]
  // Two that were put there in the same millisecond.
  const apart = mine === theirs ? (to === 'up' ? 0.001 : -0.001) : 0
  return [
    { entry: moved, position: theirs },
    { entry: other, position: mine + apart },
  ]
}

/** What runs and is not among the first so many any more. The last look at a file is not broken off. */
export function behind(inOrder: readonly Entry[], files: number): Entry[] {
  const wanted = inOrder.filter(({ row, intent }) => isActive(row) && (intent === 'run' || intent === 'wait')).slice(0, files)
  return inOrder.filter(
    (entry) => entry.running !== null && entry.intent === 'run' && entry.row.state !== 'verifying' && !wanted.includes(entry),
  )
}

/** Until it is done; throws what stopped it. */
export async function ended(lists: AsyncIterable<Download[]>, id: string, onChange: (download: Download) => void): Promise<Download> {
  for await (const all of lists) {
    const download = all.find((candidate) => candidate.id === id)
    if (download === undefined) break
    onChange(download)
    const { state, error } = download
    if (state === 'done') return download
    if (error !== null && (state === 'failed' || state === 'paused'))
      throw new SnugError(error.code as SnugError['code'], error.message, error.data)
    if (state === 'cancelled' || state === 'paused') break
  }
  throw new SnugError('cancelled', 'cancelled')
}
