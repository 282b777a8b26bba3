import type { PromptPiece } from '@shared/engine/protocol'
import type { Token } from 'node-llama-cpp'
import type { Vocabulary } from './vocabulary'

type Tokenizer = Pick<Vocabulary, 'bos' | 'addsBos' | 'tokenize' | 'tokenizeOn' | 'stripsBefore' | 'stripsAfter'>

/**
 * The tokens of a rendered prompt. `template` pieces are tokenised with specials, `text` pieces without: a message can spell
 * `<|im_end|>`, never be it. Pieces meet at control tokens (`splitPrompt`), so each is tokenised as it is in the whole; two text
 * pieces in a row are one text that was cut inside a user-defined token's spelling, which llama.cpp would match in any text.
 */
export function promptTokens(pieces: PromptPiece[], vocabulary: Tokenizer): Token[] {
  const tokens: Token[] = []
  const parts = pieces.filter((piece) => piece.text !== '').map((piece) => ({ ...piece, tokens: [] as Token[] }))
  for (const part of parts) if (part.kind === 'template') part.tokens = vocabulary.tokenize(part.text, true)
  for (const [index, part] of parts.entries()) {
    const before = parts[index - 1]
    const after = parts[index + 1]
    if (part.kind === 'text') {
      // Some control tokens eat the white space beside them (Phi-3).
      let text = part.text
      const left = before?.tokens[before.tokens.length - 1]
      const right = after?.tokens[0]
      if (left !== undefined && vocabulary.stripsAfter(left)) text = text.trimStart()
      if (right !== undefined && vocabulary.stripsBefore(right)) text = text.trimEnd()
      part.tokens = before?.kind === 'text' ? vocabulary.tokenizeOn(text) : vocabulary.tokenize(text, false)
    }
    for (const token of part.tokens) tokens.push(token)
  }
  // BOS exactly once: a text that starts with it (its template wrote it) gets none added.
  if (vocabulary.bos !== null && tokens[0] !== vocabulary.bos && vocabulary.addsBos) tokens.unshift(vocabulary.bos)
  return tokens
}
