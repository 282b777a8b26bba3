import type { TokenizerFacts } from '@shared/domain/gguf'
import { corrupt, type GgufHeader } from './ggufHeader'
import { arrayOf, countOf, flagOf, numbersOf, textOf } from './ggufRead'
import { decodeText, type GgufArray } from './ggufValues'

/** Token types of `tokenizer.ggml.token_type` (enum llama_token_type in llama.h). */
export const tokenTypes = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const

export function tokenizerOf(header: GgufHeader): TokenizerFacts {
  const tokens = arrayOf(header, 'tokenizer.ggml.tokens')
  const spelling = (key: string) => {
    const id = countOf(header, key)
    return id === null ? null : (tokens?.stringAt(id) ?? null)
  }
  return {
    model: textOf(header, 'tokenizer.ggml.model') ?? 'none',
    pre: textOf(header, 'tokenizer.ggml.pre'),
    bos: spelling('tokenizer.ggml.bos_token_id'),
    eos: spelling('tokenizer.ggml.eos_token_id'),
    addBos: flagOf(header, 'tokenizer.ggml.add_bos_token'),
    tokens: tokens?.length ?? 0,
    merges: arrayOf(header, 'tokenizer.ggml.merges')?.length ?? 0,
  }
}

/** llama.cpp makes these control tokens whatever type the file gives them (llama-vocab.cpp: end of turn, of text, of message; fill-in-the-middle). */
const alwaysControl = new Set(
  `<|eot_id|> <|im_end|> <|end|> <|return|> <|call|> <|flush|> <|calls|> <end_of_turn> <turn|> <|endoftext|> <|end_of_text|> <|eom_id|> <EOT> _<EOT> [EOT]
  <｜end▁of▁sentence｜> <end_of_utterance> <|fim_prefix|> <|fim-prefix|> <fim-prefix> <fim_prefix> <PRE> ▁<PRE> <|code_prefix|> <|fim_suffix|> <|fim-suffix|>
  <fim-suffix> <fim_suffix> <SUF> ▁<SUF> <|code_suffix|> <|fim_middle|> <|fim-middle|> <fim-middle> <fim_middle> <MID> ▁<MID> <|code_middle|> <|fim_pad|>
  <fim-pad> <PAD> <|fim_repo|> <|repo_name|> <fim-repo> <REPO> <|file_sep|> <|fim_sep|> <|fim_begin|> <|fim_hole|> <|fim_end|>`.split(
    /\s+/,
  ),
)

/**
 * Spellings that llama.cpp reads as one token wherever special tokens are parsed: control, user-defined and unknown ones, longest first.
 * User-defined ones are read so even where special tokens are not parsed.
 */
export function controlTokensOf(header: GgufHeader): string[] {
  const tokens = arrayOf(header, 'tokenizer.ggml.tokens')
  if (!tokens) return []
  const types = numbersOf(header, 'tokenizer.ggml.token_type')
  const found: string[] = []
  for (const [index, text] of tokens.entries()) {
    const type = types?.[index] ?? tokenTypes.normal
    const special = type === tokenTypes.control || type === tokenTypes.userDefined || type === tokenTypes.unknown
    if (!special && type === tokenTypes.byte) continue
    const spelling = text()
    if (spelling !== '' && (special || alwaysControl.has(spelling))) found.push(spelling)
  }
  return found.sort((a, b) => b.length - a.length)
}

/** Refuses vocabularies that make llama.cpp abort the process or read beyond a list (llama-vocab.cpp, v0.4.0). */
export function checkVocabulary(header: GgufHeader): void {
  const tokens = arrayOf(header, 'tokenizer.ggml.tokens')
  if (!tokens) return
  if (tokens.itemType !== 'string') throw corrupt('vocabulary', 'its vocabulary holds no texts')
  for (const [key, types] of [
    ['tokenizer.ggml.scores', ['f32', 'i32']],
    ['tokenizer.ggml.token_type', ['i32']],
  ] as const) {
    if (!header.metadata.has(key)) continue
    const list = arrayOf(header, key)
    if (!list || !types.some((type) => type === list.itemType) || list.length < tokens.length) {
      throw corrupt('vocabulary', `its vocabulary has ${tokens.length} tokens, but the list beside it does not fit`, { key })
    }
  }
  const twice = repeated(tokens)
  if (twice !== null) throw corrupt('vocabulary', 'a token is in its vocabulary twice', { token: twice.slice(0, 80) })
  if (textOf(header, 'tokenizer.ggml.model') !== 'llama') return
  let bytes = 0
  for (const raw of tokens.rawStrings()) if (raw.length === 6 && /^<0x[0-9A-F]{2}>$/.test(decodeText(raw))) bytes++
  // Without any, a text is only cut into known pieces; with some, a missing one is asked for and not found.
  if (bytes > 0 && bytes < 256) throw corrupt('vocabulary', `its vocabulary has ${bytes} of 256 byte tokens`)
}

/** A text that is there twice, empty ones aside (llama.cpp renames those). By hash, because a Set of a million texts costs 100 MB. */
function repeated(tokens: GgufArray): string | null {
  const hashes = new Float64Array(tokens.length)
  let index = 0
  for (const raw of tokens.rawStrings()) hashes[index++] = raw.length === 0 || raw[0] === 0 ? -index : hashOf(raw)
  const suspects = new Set<number>()
  const sorted = hashes.slice().sort()
  for (let i = 1; i < sorted.length; i++) if (sorted[i] === sorted[i - 1]) suspects.add(sorted[i] ?? 0)
  if (suspects.size === 0) return null
  const seen = new Set<string>()
  for (const [i, text] of tokens.entries()) {
    if (!suspects.has(hashes[i] ?? 0)) continue
    const spelling = text().split('\0', 1)[0] ?? ''
    if (seen.has(spelling)) return spelling
    seen.add(spelling)
  }
  return null
}

/** Two FNV-1a hashes side by side, 53 bits; to the first zero byte, where a text ends for llama.cpp. */
function hashOf(bytes: Uint8Array): number {
  let a = 0x811c9dc5
  let b = 0x9747b28c
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] ?? 0
    if (byte === 0) break
    a = Math.imul(a ^ byte, 0x01000193)
    b = Math.imul(b ^ byte, 0x85ebca6b)
  }
  return (a >>> 0) * 2 ** 21 + (b >>> 11)
}
