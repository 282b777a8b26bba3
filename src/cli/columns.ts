/** Characters that a terminal draws two columns wide: Han, Kana, Hangul and full-width forms. */
const wide = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\u3000-\u303f\uff01-\uff60]/gu

/** Filled with spaces up to that column. */
export function padTo(text: string, columns: number): string {
  const width = Array.from(text).length + (text.match(wide)?.length ?? 0)
  return text + ' '.repeat(Math.max(0, columns - width))
}
