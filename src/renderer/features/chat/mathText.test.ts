import { describe, expect, it } from 'vitest'
import { normalizeMath } from './mathText'

describe('normalizeMath', () => {
  it('turns TeX brackets into dollars', () => {
    expect(normalizeMath('so \\(x^2\\) and')).toBe('so $$x^2$$ and')
    expect(normalizeMath('\\[ a = b \\]')).toBe('\n$$\na = b\n$$\n')
  })
  it('leaves code, prices and unclosed formulas alone', () => {
    expect(normalizeMath('`\\(x\\)` and \\(y\\)')).toBe('`\\(x\\)` and $$y$$')
    const code = '```tex\n\\(x\\)\n```\n\\(y\\)'
    expect(normalizeMath(code)).toBe('```tex\n\\(x\\)\n```\n$$y$$')
    expect(normalizeMath('from $5 to $6')).toBe('from $5 to $6')
    expect(normalizeMath('open \\(x')).toBe('open \\(x')
  })
})
