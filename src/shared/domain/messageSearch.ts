/** A piece of a message as a hit shows it. */
export interface SnippetPart {
  text: string
  hit: boolean
}

/** Scripts written without spaces: their runs are cut into pairs of characters, so that a word is found wherever it stands. */
const unspaced = String.raw`\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}\u30fc`
const runPattern = new RegExp(String.raw`[${unspaced}]+|(?:(?![${unspaced}])[\p{L}\p{N}\p{M}])+`, 'gu')
const unspacedStart = new RegExp(`^[${unspaced}]`, 'u')

/** Accents of Latin, Greek and Cyrillic letters; marks of other scripts are part of their words. */
const accents = /[\u0300-\u036f]/g
const folded = new Map<string, string>()

/** Full-width, accented and upper-case forms of a character are found as the plain one. */
function foldCharacter(character: string): string {
  const code = character.codePointAt(0) ?? 0
  if (code < 0x80) return code >= 0x41 && code <= 0x5a ? character.toLowerCase() : character
  // Han: each is its own plain form, and there are too many to remember.
  if (code >= 0x3400 && code <= 0x9fff) return character
  let plain = folded.get(character)
  if (plain === undefined) {
    plain = character.normalize('NFKD').toLowerCase().replace(accents, '').normalize('NFC')
    folded.set(character, plain)
  }
  return plain
}

function fold(text: string): string {
  let out = ''
  for (const character of text.normalize('NFC')) out += foldCharacter(character)
  return out
}

interface Run {
  text: string
  /** In the folded text, UTF-16. */
  at: number
  unspaced: boolean
}

function* runsOf(plain: string): Generator<Run> {
  for (const { 0: text, index } of plain.matchAll(runPattern)) yield { text, at: index, unspaced: unspacedStart.test(text) }
}

function pairsOf(run: string): string[] {
  const characters = Array.from(run)
  return characters.slice(1).map((character, index) => (characters[index] ?? '') + character)
}

/** Of a run inside a text: its pairs and the last character, so that each character begins a token. */
function tokensOf({ text, unspaced: paired }: Run): string[] {
  return paired ? [...pairsOf(text), Array.from(text).at(-1) ?? ''] : [text]
}

/**
 * What the full-text index holds of a text: tokens with spaces between them, letters and digits only. Another result for the same text
 * needs a migration that makes the index anew.
 */
export function indexTokens(text: string): string {
  const tokens: string[] = []
  for (const run of runsOf(fold(text))) tokens.push(...tokensOf(run))
  return tokens.join(' ')
}

/** One word as it was typed, up to a space. */
interface Term {
  runs: Run[]
  /** The last word may be a beginning. */
  open: boolean
}

function termsOf(query: string): Term[] {
  const words = fold(query).split(/\s+/u)
  return words.flatMap((word, index) => {
    const runs = [...runsOf(word)]
    const last = runs.at(-1)
    const open = index === words.length - 1 && last !== undefined && last.at + last.text.length === word.length
    return runs.length === 0 ? [] : [{ runs, open }]
  })
}

/**
 * The query in FTS5's language: every word must be there, its parts beside each other, the last word as a beginning. Tokens are letters
 * and digits in quotes, so nothing that is typed can be syntax. null where nothing can be looked for.
 */
export function matchExpression(query: string): string | null {
  const phrases = termsOf(query).map(({ runs, open }) => {
    const last = runs.at(-1)
    const single = last !== undefined && last.unspaced && Array.from(last.text).length === 1
    const tokens = runs.flatMap((run) => (run === last && run.unspaced && !single ? pairsOf(run.text) : tokensOf(run)))
    const prefix = last !== undefined && (last.unspaced ? single : open)
    return `"${tokens.join(' ')}"${prefix ? ' *' : ''}`
  })
  return phrases.length === 0 ? null : phrases.join(' AND ')
}

/** Characters of the text around the first hits. */
const before = 24
const after = 96
/** Where the best place of a text is looked for. */
const mostMarks = 500

interface Mark {
  start: number
  end: number
  /** Which part of the query it is. */
  part: string
}

/** A cut of the text where most of the query is, with its hits marked; without any its beginning. Lines are joined. */
export function snippetOf(text: string, query: string): SnippetPart[] {
  const characters = Array.from(text.normalize('NFC').replace(/\s+/gu, ' ').trim())
  const marks = marksIn(characters, query)
  const first = densest(marks)
  const from = first === null || first.start <= before ? 0 : first.start - before
  const to = Math.min(characters.length, (first?.start ?? 0) + after)
  const parts: SnippetPart[] = []
  const add = (start: number, end: number, hit: boolean) => {
    if (end > start) parts.push({ text: characters.slice(start, end).join(''), hit })
  }
  let at = from
  for (const { start, end } of marks) {
    if (start < at || end > to) continue
    add(at, start, false)
    add(start, end, true)
    at = end
  }
  add(at, to, false)
  if (from > 0) parts.unshift({ text: '…', hit: false })
  if (to < characters.length) parts.push({ text: '…', hit: false })
  return parts
}

/** In the order of the text, places in characters. */
function marksIn(characters: readonly string[], query: string): Mark[] {
  const wanted = termsOf(query)
  if (wanted.length === 0) return []
  let plain = ''
  // For each UTF-16 unit of the folded text the character it is from.
  const origin: number[] = []
  for (const [index, character] of characters.entries()) {
    const part = foldCharacter(character)
    for (let unit = 0; unit < part.length; unit++) origin.push(index)
    plain += part
  }
  const parts = wanted.flatMap(({ runs, open }) => runs.map((run, index) => ({ ...run, open: open && index === runs.length - 1 })))
  const marks: Mark[] = []
  const mark = (at: number, part: string) => {
    const start = origin[at]
    const end = origin[at + part.length - 1]
    if (start !== undefined && end !== undefined) marks.push({ start, end: end + 1, part })
  }
  for (const run of runsOf(plain)) {
    if (marks.length >= mostMarks) break
    for (const part of parts) {
      if (part.unspaced !== run.unspaced) continue
      if (!part.unspaced) {
        if (run.text === part.text || (part.open && run.text.startsWith(part.text))) mark(run.at, part.text)
        continue
      }
      for (let at = run.text.indexOf(part.text); at >= 0; at = run.text.indexOf(part.text, at + part.text.length))
        mark(run.at + at, part.text)
    }
  }
  return marks.sort((a, b) => a.start - b.start || b.end - a.end)
}

/** The first mark from which on most different parts of the query are in the cut. */
function densest(marks: readonly Mark[]): Mark | null {
  let best: Mark | null = null
  let most = 0
  for (const [index, mark] of marks.entries()) {
    const parts = new Set<string>()
    for (let next = index; next < marks.length; next++) {
      const other = marks[next]
      if (other === undefined || other.end > mark.start + after) break
      parts.add(other.part)
    }
    if (parts.size <= most) continue
    best = mark
    most = parts.size
  }
  return best
}
