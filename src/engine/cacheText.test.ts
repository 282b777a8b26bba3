import type { Token } from 'node-llama-cpp'
import { describe, expect, it } from 'vitest'
import { commonPrefix, keepCachedTokens } from './cacheText'

const words = ['<s>', '<end>', 'a', 'b', 'c', 'ab', 'bc', 'abc', 'x', '<', 'end>']
const vocabulary = {
  spelling: (token: Token) => words[token] ?? '',
  isControl: (token: Token) => token < 2,
  isTag: () => false,
}
const ids = (...names: string[]) => names.map((name) => words.indexOf(name) as Token)
const keep = (cached: string[], prompt: string[]) =>
  keepCachedTokens(ids(...cached), ids(...prompt), vocabulary).map((token) => words[token])

describe('the cache is told by text', () => {
  it('keeps sampled tokens where the text is the same', () => {
    expect(keep(['<s>', 'ab', 'c', '<end>'], ['<s>', 'abc', '<end>', 'x'])).toEqual(['<s>', 'ab', 'c', '<end>', 'x'])
    expect(keep(['<s>', 'a', 'bc'], ['<s>', 'ab', 'c', '<end>', 'x'])).toEqual(['<s>', 'a', 'bc', '<end>', 'x'])
  })

  it('stops at the last place where both stand between tokens', () => {
    expect(keep(['<s>', 'a', 'bc'], ['<s>', 'ab', 'x'])).toEqual(['<s>', 'ab', 'x'])
    expect(keep(['<s>', 'ab', 'c', 'a'], ['<s>', 'abc', 'x'])).toEqual(['<s>', 'ab', 'c', 'x'])
    expect(keep(['<s>', 'a'], ['<s>', 'abc', 'x'])).toEqual(['<s>', 'abc', 'x'])
  })

  it('never takes a control token for its spelling', () => {
    expect(keep(['<s>', 'a', '<end>'], ['<s>', 'a', '<', 'end>', 'x'])).toEqual(['<s>', 'a', '<', 'end>', 'x'])
    expect(keep(['<s>', 'a', '<', 'end>'], ['<s>', 'a', '<end>', 'x'])).toEqual(['<s>', 'a', '<end>', 'x'])
  })

  it('gives the prompt itself where nothing is shared', () => {
    expect(keep(['x'], ['<s>', 'a'])).toEqual(['<s>', 'a'])
    expect(keep([], ['<s>', 'a'])).toEqual(['<s>', 'a'])
    expect(commonPrefix(ids('a', 'b', 'c'), ids('a', 'b'))).toBe(2)
  })
})
