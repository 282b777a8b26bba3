import { LlamaVocabularyType, type LlamaModel, type Token } from 'node-llama-cpp'

export interface Vocabulary {
  readonly bos: Token | null
  /** The vocabulary's own flag: whether BOS belongs before a text that does not start with it. */
  readonly addsBos: boolean
  tokenize(text: string, specials: boolean): Token[]
  /** As a continuation: never the leading space that a fresh SentencePiece text gets. */
  tokenizeOn(text: string): Token[]
  /** Whether a control token eats the white space before or after it. */
  stripsBefore(token: Token): boolean
  stripsAfter(token: Token): boolean
  isControl(token: Token): boolean
  /** A user-defined token that looks like markup of a turn, a thought or a tool. */
  isTag(token: Token): boolean
  isEnd(token: Token): boolean
  /** The token as the file spells it: joined, these spell a text exactly (byte-level letters, `▁` for a space). */
  spelling(token: Token): string
  controls(): Iterable<{ token: Token; spelling: string }>
}

/** Not HTML and not white space, which Gemma's vocabulary has as user-defined tokens: those are ordinary text. */
const tagShape = /^<[|｜]|[|｜]>$|^\[\/?[A-Z_]{2,}\]$|think|tool|channel|turn|reason|message|system|assistant|budget/i

export function createVocabulary(model: LlamaModel): Vocabulary {
  const texts = model.fileInfo.metadata.tokenizer?.ggml?.tokens ?? []
  const byteLevel = model.vocabularyType === LlamaVocabularyType.bpe
  const controls = new Set<Token>()
  const tags = new Set<Token>()
  for (const token of model.iterateAllTokens()) {
    const attributes = model.getTokenAttributes(token)
    if (attributes.control || attributes.unknown) controls.add(token)
    else if (attributes.userDefined && tagShape.test(texts[token] ?? '')) tags.add(token)
  }
  return {
    bos: model.tokens.bos,
    addsBos: model.tokens.shouldPrependBosToken,
    tokenize: (text, specials) => model.tokenize(text, specials),
    tokenizeOn: (text) => (byteLevel ? model.tokenize(text, false) : model.tokenize(text, false, 'trimLeadingSpace')),
    stripsBefore: (token) => controls.has(token) && model.getTokenAttributes(token).lstrip,
    stripsAfter: (token) => controls.has(token) && model.getTokenAttributes(token).rstrip,
    isControl: (token) => controls.has(token),
    isTag: (token) => tags.has(token),
    isEnd: (token) => model.isEogToken(token),
    spelling: (token) => texts[token] ?? `\u0000${token}\u0000`,
    *controls() {
      for (const token of controls) yield { token, spelling: texts[token] ?? '' }
    },
  }
}
