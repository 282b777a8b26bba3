import type { Token } from 'node-llama-cpp'
import type { Vocabulary } from './vocabulary'

export function commonPrefix(a: readonly Token[], b: readonly Token[]): number {
  const end = Math.min(a.length, b.length)
  let index = 0
  while (index < end && a[index] === b[index]) index++
  return index
}

/**
 * Sampled tokens can differ from a new tokenisation of the same text (4 of 24 replies, measured). Where the prompt's text goes on
 * as the cache's does, the cached tokens stay: gives the prompt with those in place of its own. Control tokens and tags count as
 * themselves, never as text, so a message that spells one is no match for it.
 */
export function keepCachedTokens(
  cached: readonly Token[],
  prompt: readonly Token[],
  vocabulary: Pick<Vocabulary, 'spelling' | 'isControl' | 'isTag'>,
): Token[] {
  const whole = (token: Token) => vocabulary.isControl(token) || vocabulary.isTag(token)
  let inCache = commonPrefix(cached, prompt)
  let inPrompt = inCache
  // The last place where both sides stand between two tokens at the same text.
  let aligned = { cache: inCache, prompt: inPrompt }
  let ahead = ''
  let aheadIsCache = true

  const next = (text: string, isCache: boolean): boolean => {
    if (ahead === '') {
      ahead = text
      aheadIsCache = isCache
      return true
    }
    if (aheadIsCache === isCache) {
      ahead += text
      return true
    }
    const shared = Math.min(ahead.length, text.length)
    if (ahead.slice(0, shared) !== text.slice(0, shared)) return false
    if (text.length > ahead.length) {
      ahead = text.slice(shared)
      aheadIsCache = isCache
    } else ahead = ahead.slice(shared)
    return true
  }

  for (;;) {
    if (ahead === '') {
      aligned = { cache: inCache, prompt: inPrompt }
      const cacheToken = cached[inCache]
      const promptToken = prompt[inPrompt]
      if (cacheToken === undefined || promptToken === undefined) break
      if (cacheToken === promptToken) {
        inCache++
        inPrompt++
        continue
      }
      if (whole(cacheToken) || whole(promptToken)) break
    }
    // The side that is behind reads its next token.
    const readCache = ahead === '' || !aheadIsCache
    const token = readCache ? cached[inCache] : prompt[inPrompt]
    if (token === undefined || whole(token)) break
    if (!next(vocabulary.spelling(token), readCache)) break
    if (readCache) inCache++
    else inPrompt++
  }
  return [...cached.slice(0, aligned.cache), ...prompt.slice(aligned.prompt)]
}
