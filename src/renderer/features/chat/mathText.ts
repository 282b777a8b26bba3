const fence = /^ {0,3}(`{3,}|~{3,})/

/**
 * Many models write TeX as \( … \), \[ … \] or $ … $; the Markdown parser knows $$ only. Rewritten outside code. Single dollars are
 * prices more often than formulas: they count where no space is inside them, no letter or digit outside, and TeX between (`dollars`).
 */
export function normalizeMath(markdown: string): string {
  if (!/\\[([]|\$/.test(markdown)) return markdown
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

/** Pandoc's rule for one dollar: no white space inside the two, none of letters, digits and dollars outside. */
const dollars = /(?<![\\$\w])\$(?![\s$])([^$\n]*?[^\s$\\])\$(?![\w$])/g

/** Inline code is kept as it is; an unclosed formula stays text until it is closed. */
function rewrite(text: string): string {
  return text
    .split(/(`+[^`]*`+)/)
    .map((piece) =>
      piece.startsWith('`')
        ? piece
        : piece
            .replace(/\\\[([\s\S]+?)\\\]/g, (_all, tex: string) => `\n$$\n${tex.trim()}\n$$\n`)
            .replace(/\\\(([\s\S]+?)\\\)/g, (_all, tex: string) => `$$${tex.trim()}$$`)
            .replace(dollars, (all, tex: string) => (/[\\^_={}]|^[A-Za-z]$/.test(tex) ? `$$${tex}$$` : all)),
    )
    .join('')
}
