import type { Token } from 'node-llama-cpp'
import { describe, expect, it } from 'vitest'
import { createStopFinder, createTokenText } from './replyText'

/** One token for each byte. */
const detokenize = (tokens: Token[]) => new TextDecoder().decode(Uint8Array.from(tokens))
const bytes = (text: string) => [...new TextEncoder().encode(text)] as unknown as Token[]

describe('token text', () => {
  it.each(['héllo', '今天天气很好', '👩‍👩‍👧 family', 'a\uFFFDb'])('never breaks a character of %s', (text) => {
    const reader = createTokenText((tokens) => detokenize(tokens))
    const out = bytes(text).map((token) => reader.push(token))
    out.push(reader.end())
    expect(out.join('')).toBe(text)
    if (!text.includes('\uFFFD')) expect(out.some((piece) => piece.includes('\uFFFD'))).toBe(false)
  })

  it('gives broken bytes up at the end', () => {
    const reader = createTokenText((tokens) => detokenize(tokens))
    expect(reader.push(0xe4 as Token)).toBe('')
    expect(reader.isWhole).toBe(false)
    expect(reader.end()).toBe('\uFFFD')
  })
})

describe('stop finder', () => {
  const run = (stops: string[], pieces: string[]) => {
    const finder = createStopFinder(stops)
    let out = ''
    for (const piece of pieces) {
      const { text, stopped } = finder.push(piece)
      out += text
      if (stopped) return { out, stopped }
    }
    return { out: out + finder.end(), stopped: false }
  }
  it('cuts at the first stop, also across pieces', () => {
    expect(run(['STOP'], ['one S', 'TO', 'P two'])).toEqual({ out: 'one ', stopped: true })
    expect(run(['END', 'X'], ['aXbEND'])).toEqual({ out: 'a', stopped: true })
  })
  it('gives back what only began like a stop', () => {
    expect(run(['STOP'], ['one ST', 'ART ST'])).toEqual({ out: 'one START ST', stopped: false })
    expect(run([], ['a', 'b'])).toEqual({ out: 'ab', stopped: false })
  })
})
