import type { PromptPiece } from '@shared/engine/protocol'

/** HTML that some vocabularies hold as tokens (Gemma): ordinary text, wherever it is read from. `<s>` is BOS elsewhere and stays out. */
const html = /^<\/?(?:table|caption|thead|tbody|tfoot|tr|th|td|h[1-6]|blockquote|strong|em|b|i|u|sub|sup|code|a|p|br|ul|ol|li|div|span)>$/i

/** The spellings that a text must not have: all but white space and plain words, which some vocabularies also list (Gemma's `\n\n`). */
export class Spellings {
  private readonly byFirst = new Map<string, { lengths: number[]; all: Set<string> }>()

  constructor(tokens: readonly string[]) {
    for (const token of tokens) {
      if (token.length < 2 || !/[^\s\p{L}\p{N}▁]/u.test(token) || html.test(token)) continue
      const first = token.charAt(0)
      const group = this.byFirst.get(first) ?? { lengths: [], all: new Set<string>() }
      group.all.add(token)
      if (!group.lengths.includes(token.length)) group.lengths.push(token.length)
      this.byFirst.set(first, group)
    }
    for (const group of this.byFirst.values()) group.lengths.sort((a, b) => b - a)
  }

  /** The longest spelling that starts there. */
  at(text: string, index: number): string | null {
    const group = this.byFirst.get(text.charAt(index))
    if (group === undefined) return null
    for (const length of group.lengths) {
      const candidate = text.slice(index, index + length)
      if (group.all.has(candidate)) return candidate
    }
    return null
  }

  occursIn(text: string): boolean {
    for (let index = 0; index < text.length; index++) if (this.at(text, index) !== null) return true
    return false
  }
}

/** A character of the private use area that none of these texts holds: the mark that breaks a spelling. */
export function freeMark(texts: readonly string[]): string {
  for (let code = 0xe000; code < 0xf8ff; code++) {
    const mark = String.fromCharCode(code)
    if (texts.every((text) => !text.includes(mark))) return mark
  }
  return ''
}

/** Puts a mark after the first character of each spelling (overlapping ones too), so that no template and no tokenizer sees it. */
export function breakSpellings(text: string, spellings: Spellings, mark: string): string {
  let broken = ''
  for (let index = 0; index < text.length; index++) {
    broken += text.charAt(index)
    if (spellings.at(text, index) !== null) broken += mark
  }
  return broken
}

const withoutMarks = (text: string, mark: string): string => text.split(mark).join('')

/**
 * Cuts a rendered prompt at the template's own special tokens and finds the fragments that hold a mark: those are tokenised without
 * specials. A spelling in `always` becomes its token even then (llama.cpp splits at user-defined tokens in any text), so that fragment
 * is cut in two at the mark.
 */
export function splitPrompt(
  marked: string,
  spellings: Spellings,
  mark: string,
  always: ReadonlySet<string>,
): { text: string; pieces: PromptPiece[] } {
  if (mark === '' || !marked.includes(mark)) return { text: marked, pieces: marked === '' ? [] : [{ kind: 'template', text: marked }] }
  const pieces: PromptPiece[] = []
  const add = (kind: PromptPiece['kind'], text: string): void => {
    const last = pieces.at(-1)
    if (text === '') return
    if (last?.kind === 'template' && kind === 'template') last.text += text
    else pieces.push({ kind, text })
  }
  const addFragment = (fragment: string): void => {
    if (!fragment.includes(mark)) return add('template', fragment)
    let part = ''
    for (let index = 0; index < fragment.length; index++) {
      const character = fragment.charAt(index)
      if (character !== mark) {
        part += character
        continue
      }
      // the spelling began one character before its mark
      const spelled = withoutMarks(fragment.slice(index - 1), mark)
      if ([...always].some((token) => spelled.startsWith(token))) {
        add('text', part)
        part = ''
      }
    }
    add('text', part)
  }
  let start = 0
  for (let index = 0; index < marked.length; ) {
    const special = spellings.at(marked, index)
    if (special === null) index++
    else {
      addFragment(marked.slice(start, index))
      add('template', special)
      index += special.length
      start = index
    }
  }
  addFragment(marked.slice(start))
  return { text: withoutMarks(marked, mark), pieces }
}
