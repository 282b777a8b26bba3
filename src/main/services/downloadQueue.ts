import type { Download } from '@shared/domain/library'
import { SnugError } from '@shared/errors'
import type { Entry } from './downloadEntry'
import { isActive, isUnfinished } from './downloadRows'

function byPosition(a: Entry, b: Entry): number {
  return placeOf(a) - placeOf(b) || a.row.createdAt - b.row.createdAt
}

/** Who was never moved stands where it was put at first. */
function placeOf({ row }: Entry): number {
  return row.position ?? row.createdAt
}

/** The new places of those whose place changes. */
function reordered(queue: readonly Entry[], moved: Entry, to: 'up' | 'down' | 'top'): { entry: Entry; position: number }[] {
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
function behind(inOrder: readonly Entry[], files: number): Entry[] {
  const wanted = inOrder.filter(({ row, intent }) => isActive(row) && (intent === 'run' || intent === 'wait')).slice(0, files)
  return inOrder.filter(
    (entry) => entry.running !== null && entry.intent === 'run' && entry.row.state !== 'verifying' && !wanted.includes(entry),
  )
}

interface QueueNeeds {
  entries: ReadonlyMap<string, Entry>
  /** A new place, kept. */
  store: (id: string, position: number) => void
  /** At the same time. */
  files: () => number
  /** Ends when nothing of it runs any more. */
  work: (entry: Entry) => Promise<void>
}

/** Which downloads run: the first ones of those that are wanted, as many as may. */
export class DownloadQueue {
  readonly #needs: QueueNeeds
  #closed = false

  constructor(needs: QueueNeeds) {
    this.#needs = needs
  }

  inOrder(): Entry[] {
    return [...this.#needs.entries.values()].sort(byPosition)
  }

  /** False when it stands there already. */
  move(moved: Entry, to: 'up' | 'down' | 'top'): boolean {
    const unfinished = this.inOrder().filter(({ row }) => isUnfinished(row))
    const places = reordered(unfinished, moved, to)
    for (const { entry, position } of places) {
      entry.row.position = position
      this.#needs.store(entry.row.id, position)
    }
    return places.length > 0
  }

  launch(): void {
    if (this.#closed) return
    const all = this.inOrder()
    let free = this.#needs.files() - all.filter((entry) => entry.running !== null).length
    for (const entry of all) {
      if (free <= 0) return
      if (entry.row.state !== 'queued' || entry.running !== null || entry.intent !== 'run') continue
      free--
      entry.running = this.#needs.work(entry).finally(() => {
        entry.running = null
        entry.stop = null
        this.launch()
      })
    }
  }

  /** What is no longer among the first goes back into the queue, with what it has. */
  rebalance(): void {
    for (const entry of behind(this.inOrder(), this.#needs.files())) {
      entry.intent = 'wait'
      entry.stop?.abort()
    }
    this.launch()
  }

  /** Nothing begins any more. */
  close(): void {
    this.#closed = true
  }
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
