import type { LlamaContextSequence, Token } from 'node-llama-cpp'
import type { PromptThreads } from './promptThreads'
import type { CallContext } from './server'

/** A running evaluation cannot be interrupted, so a prompt goes in slices of about this long. */
const sliceMs = 300
/** Where nothing is known yet: short enough for a very slow machine. */
const firstSlice = 16
/**
 * A pass over the weights costs much the same for 2 tokens as for 16, so shorter slices would make a slow machine slower and the next
 * slice shorter still; only where 16 take longer than this they are worth it.
 */
const longestSliceMs = 2000
/**
 * From 64 tokens on llama.cpp's attention on the processor works on tiles, and the deeper the prompt the more that matters (measured
 * once, one thread: 2,072 tokens of the starter model took 19 s instead of 31; 1,408 tokens of Llama 3.2 1B's shape 32 ms of processor
 * time each with slices of 64, 47 with slices of 16). Worth a longer slice: a stop shows after a second whatever the engine is at
 * (replyWork.ts), and the process is ended only after five (loadedModel.ts).
 */
const tile = 64
const longestTileMs = 3000

/** What this machine does with this model, carried from one prompt to the next. */
export interface PrefillRate {
  tokensPerMs: number | null
}

export function sliceSize(rate: PrefillRate, batchSize: number): number {
  if (rate.tokensPerMs === null) return firstSlice
  const least = Math.min(firstSlice, Math.round(rate.tokensPerMs * longestSliceMs))
  const short = Math.max(1, least, Math.round(rate.tokensPerMs * sliceMs))
  const wanted = short < tile ? (tile / rate.tokensPerMs <= longestTileMs ? tile : short) : short - (short % tile)
  // Whole batches where there is room for more than one: a ragged one costs a pass of its own.
  return wanted <= batchSize ? wanted : Math.max(1, Math.floor(wanted / batchSize)) * batchSize
}

export interface PrefillOptions {
  sequence: LlamaContextSequence
  tokens: Token[]
  /** Of these, already evaluated. */
  cached: number
  /** Indexes (numbers of tokens) after which a checkpoint is taken, where the model cannot rewind. */
  checkpoints: number[]
  batchSize: number
  rate: PrefillRate
  threads: Pick<PromptThreads, 'measured'>
  /** Before each slice: the number of threads may have changed. */
  onSlice: () => void
  call: CallContext
}

/** Evaluates tokens[cached…] without generating. False when it was cancelled between slices. */
export async function prefill(options: PrefillOptions): Promise<boolean> {
  const { sequence, tokens, cached, checkpoints, batchSize, rate, call } = options
  const stops = checkpoints.filter((at) => at > cached && at <= tokens.length).sort((a, b) => a - b)
  let done = cached
  call.emit({ kind: 'prefill', done, total: tokens.length + 1, cached })
  while (done < tokens.length) {
    if (call.signal.aborted) return false
    const border = stops.find((at) => at > done) ?? tokens.length
    const end = Math.min(border, done + sliceSize(rate, batchSize))
    options.onSlice()
    const cpu = process.cpuUsage()
    const started = performance.now()
    await sequence.evaluateWithoutGeneratingNewTokens(tokens.slice(done, end))
    const ms = performance.now() - started
    const { user, system } = process.cpuUsage(cpu)
    options.threads.measured({ tokens: end - done, ms, cpuMs: (user + system) / 1000 })
    const measured = (end - done) / Math.max(0.1, ms)
    if (rate.tokensPerMs === null) rate.tokensPerMs = measured
    // The rest before a border is short, and a short slice is slow for each token: it says nothing about a long one.
    else if (end - done >= firstSlice || measured > rate.tokensPerMs) rate.tokensPerMs += (measured - rate.tokensPerMs) * 0.5
    done = end
    if (stops.includes(done)) await sequence.takeCheckpoint()
    call.emit({ kind: 'prefill', done, total: tokens.length + 1, cached })
  }
  return !call.signal.aborted
}
