import type { Token } from 'node-llama-cpp'
import { describe, expect, it } from 'vitest'
import { promptTokens } from './promptTokens'

/** Characters are tokens 100…, `<s>` is 1, `<e>` 2, `<r>` 3 (eats white space after it); a fresh text gets 99 for its leading space. */
const controls: Record<string, number> = { '<s>': 1, '<e>': 2, '<r>': 3 }
const plain = (text: string) => [...text].map((character) => 100 + character.charCodeAt(0))
const vocabulary = (addsBos: boolean) => ({
  bos: 1 as Token,
  addsBos,
  tokenize: (text: string, specials: boolean) =>
    (specials
      ? text.split(/(<s>|<e>|<r>)/).flatMap((part) => (part in controls ? [controls[part]] : part === '' ? [] : [99, ...plain(part)]))
      : [99, ...plain(text)]) as Token[],
  tokenizeOn: (text: string) => plain(text) as unknown as Token[],
  stripsBefore: () => false,
  stripsAfter: (token: Token) => token === (3 as Token),
})

describe('prompt tokens', () => {
  it('has BOS exactly once', () => {
    const at = (text: string, addsBos: boolean) =>
      promptTokens([{ kind: 'template', text }], vocabulary(addsBos)).filter((token) => token === (1 as Token)).length
    expect(at('<s>hi', true)).toBe(1)
    expect(at('hi', true)).toBe(1)
    expect(at('<s>hi', false)).toBe(1)
    expect(at('hi', false)).toBe(0)
    // A message that spells BOS does not make it.
    expect(promptTokens([{ kind: 'text', text: '<s>' }], vocabulary(true))[0]).toBe(1)
  })

  it('keeps text pieces free of control tokens, and joins a cut text', () => {
    const tokens = promptTokens(
      [
        { kind: 'template', text: '<s>' },
        { kind: 'text', text: 'a<' },
        { kind: 'text', text: 'e>b' },
        { kind: 'template', text: '<e>' },
      ],
      vocabulary(true),
    )
    expect(tokens).toEqual([1, 99, ...plain('a<e>b'), 2])
  })

  it('lets a control token eat the white space beside a text', () => {
    expect(
      promptTokens(
        [
          { kind: 'template', text: '<r>' },
          { kind: 'text', text: '\n x' },
        ],
        vocabulary(false),
      ),
    ).toEqual([3, 99, ...plain('x')])
  })
})
