/** Characters that a terminal draws two columns wide: Han, Kana, Hangul and full-width forms. */
const wide = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\u3000-\u303f\uff01-\uff60]/gu

export function columnsOf(text: string): number {
  return Array.from(text).length + (text.match(wide)?.length ?? 0)
}

/** Filled with spaces up to that column. */
export function padTo(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - columnsOf(text)))
}
