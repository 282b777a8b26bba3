/** Of the processor time that the threads could have had: below this something else takes a part of it. */
const contended = 0.85
/** A lower count that gets nearly all of its time may find free cores above it. */
const undisturbed = 0.9
/** Of each core more, so much must be idle, where that can be read. */
const freeShare = 0.7
/** Fewer threads stay only where they are clearly faster: on a graphics card the number hardly matters. */
const gain = 1.15
/** After a try, milliseconds: one that fails costs a slow slice. */
const pauseMs = 3000
const longestPauseMs = 60_000
/** A shorter slice says nothing. */
const leastMs = 20
const leastTokens = 8

export interface Slice {
  tokens: number
  ms: number
  /** Processor time of the whole process meanwhile. */
  cpuMs: number
}

export interface PromptThreads {
  /** For the next slice. */
  readonly count: number
  measured(slice: Slice): void
  /** Decoding found out that more than so many collapse. */
  atMost(count: number): void
}

/**
 * Chooses how many threads evaluate a prompt. The time that they were given tells at once whether others want the cores, without a
 * quiet moment to compare with; the rate then decides. (2,000 tokens of a small model on two busy cores: 305 s with two threads.)
 */
export function createPromptThreads(
  max: number,
  now: () => number = () => performance.now(),
  idleCores: () => number | null = () => null,
  /** What a calibration found best: it begins with this. */
  best: number | null = null,
): PromptThreads {
  const start = best === null ? max : Math.max(1, Math.min(best, max))
  let count = start
  /** After a try of more than a calibration found best: twice as long each time. */
  let pause = pauseMs
  /** The count that is being compared with, and its rate. */
  let before: { count: number; rate: number } | null = null
  let calmUntil = Number.NEGATIVE_INFINITY

  const tryOther = (other: number, rate: number) => {
    before = { count, rate }
    count = other
  }
  return {
    get count() {
      return count
    },
    atMost: (limit) => {
      if (limit >= count) return
      count = Math.max(1, limit)
      before = null
      calmUntil = now() + pauseMs
    },
    measured: ({ tokens, ms, cpuMs }) => {
      if (max === 1 || ms < leastMs || tokens < leastTokens) return
      const rate = tokens / ms
      const share = cpuMs / (ms * count)
      if (before !== null) {
        const down = count < before.count
        const better = down ? rate > before.rate * gain : rate > before.rate
        const usual = before
        before = null
        if (!better) count = usual.count
        if (!better && !down && count === start) pause = Math.min(longestPauseMs, pause * 2)
        else pause = pauseMs
        if (!better || down) calmUntil = now() + pause
        if (!better) return
      }
      if (now() < calmUntil) return
      if (count > 1 && share < contended) tryOther(Math.max(1, Math.min(count - 1, Math.floor(share * count + 0.3))), rate)
      else if (count < max && share >= undisturbed) {
        calmUntil = now() + pause
        const idle = idleCores()
        if (idle === null || idle >= (max - count) * freeShare) tryOther(max, rate)
      }
    },
  }
}
