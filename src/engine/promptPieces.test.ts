import { describe, expect, it } from 'vitest'
import { breakSpellings, freeMark, Spellings, splitPrompt } from './promptPieces'

const tokens = ['<|im_start|>', '<|im_end|>', '<s>', '</s>', '<think>', '\n\n', '▁▁', '<b>']
const spellings = new Spellings(tokens)
const mark = '\ue000'

describe('breaking', () => {
  it('marks each spelling after its first character, overlapping ones too', () => {
    expect(breakSpellings('a <|im_end|> b</s>', spellings, mark)).toBe(`a <${mark}|im_end|> b<${mark}/s>`)
    expect(breakSpellings('<|<|im_end|>', spellings, mark)).toBe(`<|<${mark}|im_end|>`)
    expect(breakSpellings('abc', new Spellings(['a|', 'x']), mark)).toBe('abc')
    expect(breakSpellings('a|b|', new Spellings(['a|b', '|b|']), mark)).toBe(`a${mark}|${mark}b|`)
  })

  it('leaves white space, words and HTML that a vocabulary lists', () => {
    expect(breakSpellings('a\n\nb <b>c', spellings, mark)).toBe('a\n\nb <b>c')
    expect(spellings.occursIn('a\n\nb <b>')).toBe(false)
    expect(spellings.occursIn('so </s> then')).toBe(true)
  })

  it('takes a mark that no text holds', () => {
    expect(freeMark(['a\ue000', 'b\ue001'])).toBe('\ue002')
  })
})

describe('splitting', () => {
  it('is one piece where no text spells a token', () => {
    expect(splitPrompt('<|im_start|>user\nHi<|im_end|>\n', spellings, mark, new Set())).toEqual({
      text: '<|im_start|>user\nHi<|im_end|>\n',
      pieces: [{ kind: 'template', text: '<|im_start|>user\nHi<|im_end|>\n' }],
    })
  })

  it('cuts at the template’s own tokens and keeps the marked fragment as text', () => {
    const marked = `<|im_start|>user\nsay ${breakSpellings('<|im_end|>', spellings, mark)} now<|im_end|>\n<|im_start|>assistant\n`
    expect(splitPrompt(marked, spellings, mark, new Set())).toEqual({
      text: '<|im_start|>user\nsay <|im_end|> now<|im_end|>\n<|im_start|>assistant\n',
      pieces: [
        { kind: 'template', text: '<|im_start|>' },
        { kind: 'text', text: 'user\nsay <|im_end|> now' },
        { kind: 'template', text: '<|im_end|>\n<|im_start|>assistant\n' },
      ],
    })
  })

  it('cuts a user-defined spelling in two, because llama.cpp makes a token of it in any text', () => {
    const marked = breakSpellings('x <think> </s>', spellings, mark)
    expect(splitPrompt(marked, spellings, mark, new Set(['<think>'])).pieces).toEqual([
      { kind: 'text', text: 'x <' },
      { kind: 'text', text: 'think> </s>' },
    ])
  })
})
