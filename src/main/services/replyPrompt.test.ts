import { expect, test } from 'vitest'
import { budgetOf, rawPieces } from './replyPrompt'

const markers = {
  family: 'think',
  open: ['<think>'],
  close: ['</think>'],
  answerOpen: [],
  answerClose: [],
  gracefulClose: '\n</think>\n\n',
}

test('a continued reply: markers were tokens, everything else was words', () => {
  expect(rawPieces('<think>a <|im_end|> b</think>c', markers)).toEqual([
    { kind: 'template', text: '<think>' },
    { kind: 'text', text: 'a <|im_end|> b' },
    { kind: 'template', text: '</think>' },
    { kind: 'text', text: 'c' },
  ])
  // The longer spelling wins where one holds the other.
  expect(rawPieces('a\n</think>\n\nb', markers).map((piece) => piece.text)).toEqual(['a', '\n</think>\n\n', 'b'])
  expect(rawPieces('a <think>', null)).toEqual([{ kind: 'text', text: 'a <think>' }])
})

test('a budget belongs to thinking', () => {
  expect(budgetOf({ mode: 'off' })).toBeNull()
  expect(budgetOf({ mode: 'on', budgetTokens: 0 })).toBe(0)
  expect(budgetOf({ mode: 'default' })).toBeNull()
})
