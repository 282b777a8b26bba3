import type { TokenizerFacts } from '@shared/domain/gguf'
import type { GgufHeader } from './ggufHeader'
import { arrayOf, countOf, flagOf, numbersOf, textOf } from './ggufRead'

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
