const fence = /^ {0,3}(`{3,}|~{3,})/

/**
 * Many models write TeX as \( … \) and \[ … \]; the Markdown parser knows $$ only. Rewritten outside code; single dollars are left alone,
 * because prices are commoner than formulas.
 */
export function normalizeMath(markdown: string): string {
  if (!markdown.includes('\\(') && !markdown.includes('\\[')) return markdown
  const out: string[] = []
  let closing: string | null = null
  let plain: string[] = []
  const flush = () => {
    if (plain.length > 0) out.push(rewrite(plain.join('\n')))
    plain = []
  }
  for (const line of markdown.split('\n')) {
    const mark = fence.exec(line)?.[1]
    if (closing === null && mark === undefined) {
      plain.push(line)
      continue
    }
    flush()
    out.push(line)
    if (closing === null) closing = mark ?? null
    else if (mark !== undefined && mark.startsWith(closing)) closing = null
  }
  flush()
  return out.join('\n')
}

/** Inline code is kept as it is; an unclosed formula stays text until it is closed. */
function rewrite(text: string): string {
  return text
    .split(/(`+[^`]*`+)/)
    .map((piece) =>
      piece.startsWith('`')
        ? piece
        : piece
            .replace(/\\\[([\s\S]+?)\\\]/g, (_all, tex: string) => `\n$$\n${tex.trim()}\n$$\n`)
            .replace(/\\\(([\s\S]+?)\\\)/g, (_all, tex: string) => `$$${tex.trim()}$$`),
    )
    .join('')
}
