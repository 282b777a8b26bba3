import { describe, expect, it } from 'vitest'
import { normalizeMath } from './mathText'

describe('normalizeMath', () => {
  it('turns TeX brackets into dollars', () => {
    expect(normalizeMath('so \\(x^2\\) and')).toBe('so $$x^2$$ and')
    expect(normalizeMath('\\[ a = b \\]')).toBe('\n$$\na = b\n$$\n')
  })
  it('takes single dollars where TeX stands between them', () => {
    expect(normalizeMath('so $E = mc^2$, $x$ and（$a_1$）')).toBe('so $$E = mc^2$$, $$x$$ and（$$a_1$$）')
  })
  it('leaves code, prices and unclosed formulas alone', () => {
    expect(normalizeMath('`\\(x\\)` and \\(y\\)')).toBe('`\\(x\\)` and $$y$$')
    const code = '```tex\n\\(x\\)\n```\n\\(y\\)'
    expect(normalizeMath(code)).toBe('```tex\n\\(x\\)\n```\n$$y$$')
    expect(normalizeMath('from $5 to $6')).toBe('from $5 to $6')
    for (const text of [
      '$5, or $6',
      'US$5 and US$6',
      '$5-$6 = $11',
      '$HOME/$USER_ID',
      'from $a_b to $c',
      'a \\$x^2$ b',
      '`$x^2$`',
      '$$x^2$$',
    ]) {
      expect(normalizeMath(text)).toBe(text)
    }
    expect(normalizeMath('open \\(x')).toBe('open \\(x')
  })
})
