import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

let collect: (() => void) | null | undefined

/**
 * Gives back what a reply left. Small JavaScript objects hold llama.cpp's samplers and batches (an array as long as the vocabulary
 * each), which V8 does not see: 10 MiB more in the process for each reply of a 128k vocabulary, until it happens to collect.
 */
export function collectGarbage(): void {
  if (collect === undefined) {
    setFlagsFromString('--expose-gc')
    collect = runInNewContext('typeof gc === "function" ? gc : null') as (() => void) | null
  }
  collect?.()
  // What the first pass finds dead is let go of in the next turn of the loop, and only then is what it held.
  setImmediate(() => collect?.())
}
