import type { LlamaContextSequence, Token } from 'node-llama-cpp'
import type { CallContext } from './server'

/** A running evaluation cannot be interrupted, so a prompt goes in slices of about this long. */
const sliceMs = 300
/** Where nothing is known yet: short enough for a very slow machine. */
const firstSlice = 16

/** What this machine does with this model, carried from one prompt to the next. */
export interface PrefillRate {
  tokensPerMs: number | null
}

export function sliceSize(rate: PrefillRate, batchSize: number): number {
  if (rate.tokensPerMs === null) return firstSlice
  const wanted = Math.max(1, Math.round(rate.tokensPerMs * sliceMs))
  // Whole batches where there is room for more than one: a ragged one costs a pass of its own.
  return wanted <= batchSize ? wanted : Math.floor(wanted / batchSize) * batchSize
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
  call: CallContext
}

/** Evaluates tokens[cached…] without generating. False when it was cancelled between slices. */
export async function prefill({ sequence, tokens, cached, checkpoints, batchSize, rate, call }: PrefillOptions): Promise<boolean> {
  const stops = checkpoints.filter((at) => at > cached && at <= tokens.length).sort((a, b) => a - b)
  let done = cached
  call.emit({ kind: 'prefill', done, total: tokens.length + 1, cached })
  while (done < tokens.length) {
    if (call.signal.aborted) return false
    const border = stops.find((at) => at > done) ?? tokens.length
    const end = Math.min(border, done + sliceSize(rate, batchSize))
    const started = performance.now()
    await sequence.evaluateWithoutGeneratingNewTokens(tokens.slice(done, end))
    const ms = performance.now() - started
    // The first short slices say little; longer ones count by their size.
    const measured = (end - done) / Math.max(0.1, ms)
    rate.tokensPerMs = rate.tokensPerMs === null ? measured : rate.tokensPerMs + (measured - rate.tokensPerMs) * 0.5
    done = end
    if (stops.includes(done)) await sequence.takeCheckpoint()
    call.emit({ kind: 'prefill', done, total: tokens.length + 1, cached })
  }
  return !call.signal.aborted
}
