import { expect, it } from 'vitest'
import { cardText } from './modelCard'

const text = (card: string) => cardText(Buffer.from(card)).text

it('leaves out what is meant for machines, and only that', () => {
  expect(text('---\nlicense: mit\ntags:\n- gguf\n---\n# Model\n\nGood.\n')).toBe('# Model\n\nGood.')
  expect(text('\u{FEFF}---\r\nlicense: mit\r\n---\r\n# Model\r\n')).toBe('# Model')
  expect(text('---\n---\nModel')).toBe('Model')
  expect(text('---\nlicense: mit\n---')).toBe('')
  // Not closed, or not at the beginning: a line of dashes is a line of dashes.
  expect(text('---\nlicense: mit\n')).toBe('---\nlicense: mit')
  expect(text('# Model\n---\nlicense: mit\n---\n')).toBe('# Model\n---\nlicense: mit\n---')
  expect(text('----\nnot: yaml\n----\nx')).toBe('----\nnot: yaml\n----\nx')
})

it('makes text of any bytes', () => {
  expect(cardText(Buffer.from([0x41, 0xff, 0xfe, 0x00, 0x42])).text).toBe('A\u{FFFD}\u{FFFD}\u{FFFD}B')
  expect(text('')).toBe('')
  expect(text('模型 \u{1F600}')).toBe('模型 \u{1F600}')
})

it('has an end, in the middle of a character as well', () => {
  const { text: shown, cut } = cardText(Buffer.from('字'.repeat(100_000)))
  expect(cut).toBe(true)
  expect(Buffer.byteLength(shown)).toBeLessThanOrEqual(100_100)
  expect(cardText(Buffer.alloc(100_000, 'a')).cut).toBe(false)
})

it('takes no nesting that would keep a renderer busy', () => {
  expect(text(`${'>'.repeat(50_000)} deep`)).toBe('deep')
  expect(text(`${'> '.repeat(40_000)} deep`)).toBe('deep')
  expect(text(`${'- '.repeat(40_000)}deep`)).toBe('deep')
  expect(text('> > - 1. quoted')).toBe('> > - 1. quoted')
  expect(text('**bold** --- 1.5 > 1')).toBe('**bold** --- 1.5 > 1')
  const started = performance.now()
  for (const mark of ['- ', '1. ', ' ', '-', '\t>', '---\n']) text(mark.repeat(100_000))
  expect(performance.now() - started).toBeLessThan(5_000)
})

it('makes several of a paragraph that is too long, and leaves tables together', () => {
  const blocks = text('`a'.repeat(20_000)).split('\n\n')
  expect(blocks.map(({ length }) => length)).toEqual([8_000, 8_000, 8_000, 8_000, 8_000])
  const lines = Array.from({ length: 100 }, (_, index) => `${index} ${'_a '.repeat(60)}`.trim())
  const parts = text(lines.join('\n')).split('\n\n')
  expect(parts.length).toBeGreaterThan(1)
  expect(parts.join('\n')).toBe(lines.join('\n'))
  const table = Array.from({ length: 100 }, (_, index) => `| file ${index} | ${'x'.repeat(200)} |`).join('\n')
  expect(text(table)).toBe(table)
})
