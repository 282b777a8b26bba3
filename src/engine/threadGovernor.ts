/** Decodes in one measurement, or its longest time: short enough to leave a collapsed count soon. */
const windowTokens = 6
const windowMs = 600
/** Below this share of its own usual rate a count has collapsed: something else took a core. */
const collapse = 0.4
/** Not to be busy with measuring on a machine that changes all the time. */
const exploreAgainMs = 5000
/** A lower count than the machine has is tried against the highest again: the other work may be over. */
const hopeMs = 30_000
/** Where the idle time of the cores can be read, it is looked at so soon, and so much of each core more must be free. */
const lookMs = 250
const freeShare = 0.7

export interface ThreadGovernor {
  readonly max: number
  /** For the next decode. */
  readonly decode: number
  /** Decoding with all of them was so slow that a prompt should not try it either. */
  readonly collapsed: boolean
  /** A reply begins: what took the cores before it may be over. */
  begin(): void
  /** One decode with the current count took so long. */
  measured(ms: number): void
}

/**
 * Chooses how many threads decode. llama.cpp's threads wait for each other in a loop, so one that has no core of its own stops
 * them all: 60 tokens/s with two threads on two quiet cores, 1–8 on busy ones, where one thread gives 16–45 (measured).
 */
export function createThreadGovernor(
  max: number,
  now: () => number = () => performance.now(),
  idleCores: () => number | null = () => null,
  /** What a calibration found best on a quiet machine: it begins with this. More are tried only where there is hope. */
  best: number | null = null,
): ThreadGovernor {
  const start = best === null ? max : Math.max(1, Math.min(best, max))
  const counts = [...new Set([max, max - 1, Math.ceil(max / 2), start])].filter((count) => count >= 1)
  const rates = new Map<number, number>()
  // Fewer are tried at once all the same: another program may hold a core, which only the comparison shows.
  let queue = counts.filter((count) => count < start)
  let threads = start
  let tokens = 0
  let spent = 0
  let exploredAt = now()
  let lookedAt = now()
  let lookAgainMs = lookMs

  /** Is there reason to try more threads than now? */
  const hopeful = () => {
    if (threads === max || now() - lookedAt < lookAgainMs) return false
    lookedAt = now()
    const idle = idleCores()
    const free = idle === null ? now() - exploredAt > hopeMs : idle >= (max - threads) * freeShare
    // Twice as long after each try; one that succeeds ends the looking.
    if (free) lookAgainMs = Math.min(hopeMs, lookAgainMs * 2)
    return free
  }
  const fastest = () => counts.reduce((winner, count) => ((rates.get(count) ?? 0) > (rates.get(winner) ?? 0) ? count : winner), max)
  const closeWindow = () => {
    const rate = tokens / spent
    const usual = rates.get(threads)
    tokens = 0
    spent = 0
    rates.set(threads, usual === undefined ? rate : usual + (rate - usual) / 2)
    const waited = now() - exploredAt
    const collapsed = usual !== undefined && rate < usual * collapse
    if (queue.length === 0 && ((collapsed && waited > exploreAgainMs) || hopeful())) {
      // What was measured before says nothing now.
      rates.clear()
      rates.set(threads, rate)
      queue = counts.filter((count) => count !== threads)
      exploredAt = now()
    }
    threads = queue.shift() ?? fastest()
    if (threads === max && queue.length === 0 && rates.has(max)) lookAgainMs = lookMs
  }
  return {
    max,
    get decode() {
      return threads
    },
    get collapsed() {
      return (rates.get(fastest()) ?? 0) > 3 * (rates.get(max) ?? Number.POSITIVE_INFINITY)
    },
    begin: () => {
      lookAgainMs = lookMs
      lookedAt = now()
      // From here on it is counted: before, others may have had their turn.
      if (threads !== max) idleCores()
    },
    measured: (ms) => {
      if (counts.length === 1) return
      tokens++
      spent += Math.max(ms, 0.01)
      // A try that is hopeless from its first tokens on costs no more of them.
      const hopeless = tokens >= 2 && tokens / spent < (rates.get(fastest()) ?? 0) * collapse
      if (tokens >= windowTokens || spent >= windowMs || (hopeless && !rates.has(threads))) closeWindow()
    },
  }
}
