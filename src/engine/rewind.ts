import type { LlamaContextSequence, Token } from 'node-llama-cpp'
import { commonPrefix } from './cacheText'

/** Parts of node-llama-cpp that are not public: this file alone knows them, the version is pinned, `rewind.full.test.ts` guards them. */
function privateParts(sequence: LlamaContextSequence): { native: object; checkpointEnds: number[] } | null {
  const native: unknown = Reflect.get(sequence.context, '_ctx')
  const store: unknown = Reflect.get(sequence, '_checkpoints')
  const list: unknown = typeof store === 'object' && store !== null ? Reflect.get(store, '_checkpoints') : undefined
  if (typeof native !== 'object' || native === null || !Array.isArray(list)) return null
  const checkpointEnds = list.flatMap((entry: unknown) => {
    const checkpoint: unknown = Array.isArray(entry) ? entry[1] : undefined
    const end: unknown = typeof checkpoint === 'object' && checkpoint !== null ? Reflect.get(checkpoint, 'maxPos') : undefined
    return typeof end === 'number' ? [end + 1] : []
  })
  return { native, checkpointEnds }
}

/**
 * Makes the sequence hold a beginning of `tokens`, as long as it can without evaluating anything; gives its length.
 * A sequence that cannot rewind goes back to its last checkpoint at or before the shared part. The library itself would be content
 * with a window of which only the end is left, and would evaluate what follows a checkpoint in one go, which nobody can stop.
 */
export async function rewindTo(sequence: LlamaContextSequence, tokens: Token[]): Promise<number> {
  const shared = commonPrefix(sequence.contextTokens, tokens)
  if (shared === sequence.nextTokenIndex) return shared
  if (!sequence.needsCheckpoints) {
    await sequence.adaptStateToTokens(tokens.slice(0, shared), false)
    return sequence.nextTokenIndex
  }
  const { swaSize, isRecurrent, isHybrid } = sequence.model.fileInsights
  const windowIsWhole = !isRecurrent && !isHybrid && swaSize !== undefined && sequence.stateCellsStartIndex <= Math.max(0, shared - swaSize)
  if (windowIsWhole && shared > 0) {
    await sequence.adaptStateToTokens(tokens.slice(0, shared), false)
    return sequence.nextTokenIndex
  }
  const parts = privateParts(sequence)
  const target = Math.max(0, ...(parts?.checkpointEnds ?? []).filter((end) => end <= shared))
  if (parts === null || target === 0) {
    await sequence.clearHistory()
    return 0
  }
  // Told that no cell is left before the cut, the library restores its checkpoint instead of only erasing.
  Object.defineProperty(parts.native, 'getSequenceKvCacheMinPosition', { configurable: true, value: () => Number.MAX_SAFE_INTEGER })
  try {
    await sequence.adaptStateToTokens(tokens.slice(0, target), false)
  } finally {
    Reflect.deleteProperty(parts.native, 'getSequenceKvCacheMinPosition')
  }
  return sequence.nextTokenIndex
}
