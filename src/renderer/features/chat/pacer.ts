import type { ReplyEvent } from '@shared/ipc/chat'

/** Two updates are never nearer than a frame, nor so far apart that the text seems to halt, milliseconds. */
const nearest = 16
const farthest = 250

/**
 * What a drawn update takes in all, for each millisecond on the page's own thread: compositor, raster threads, the window's and the
 * browser's processes (a trace without a graphics card, once: 13.7 ms of processor time, 4.1 of them on the thread).
 */
const wholeCost = 3

/**
 * Of one core's time that drawing may take while the model computes. On two or four cores what the page takes is missing in the
 * engine, whose threads wait for the slowest of them; with more there is always one left over.
 */
export function drawingShare(cores: number): number {
  return cores >= 8 ? 0.5 : cores >= 4 ? 0.15 : 0.06
}

/** Time from the end of one update to the next, from what it took on the page's thread. */
export function waitAfter(costMs: number, share: number): number {
  return Math.min(farthest, Math.max(nearest, (wholeCost * costMs) / share - costMs))
}

export interface Pacer {
  push(event: ReplyEvent): void
  stop(): void
}

export interface PacerOptions {
  /** Tells, later, what the update took from the change to the finished frame. */
  draw: (events: ReplyEvent[], cost: (ms: number) => void) => void
  share: number
  now?: () => number
  later?: (work: () => void, ms: number) => () => void
}

const withTimer = (work: () => void, ms: number) => {
  const timer = setTimeout(work, ms)
  return () => clearTimeout(timer)
}

/** Joins the text of a reply so that drawing it does not slow down the model that writes it; everything else is shown at once. */
export function createPacer({ draw, share, now = () => performance.now(), later = withTimer }: PacerOptions): Pacer {
  let waiting: ReplyEvent[] = []
  let cancel: (() => void) | null = null
  let free = Number.NEGATIVE_INFINITY
  let usual = 0
  const cost = (ms: number) => {
    // One slow frame (a code block that closes, a garbage collection) is not the usual one.
    usual = usual === 0 ? ms : usual + (ms - usual) * 0.2
  }
  const flush = () => {
    cancel?.()
    cancel = null
    const events = waiting
    waiting = []
    draw(events, cost)
    free = now() + waitAfter(usual, share)
  }
  return {
    push: (event) => {
      waiting.push(event)
      const wait = event.kind === 'delta' ? free - now() : 0
      if (wait <= 0) flush()
      else cancel ??= later(flush, wait)
    },
    stop: () => {
      cancel?.()
      cancel = null
      waiting = []
    },
  }
}
