import { tokenTypes } from './ggufTokenizer'
import { bool, numbers, text, texts, u32, type WriteValue } from './ggufWriter'

/** A vocabulary of the right size and kind: its memory is part of what a model takes. Texts are made of Latin letters, each from one shorter. */
export function shapeVocabulary(kind: 'gpt2' | 'llama', pre: string, size: number): [string, WriteValue][] {
  const tokens = kind === 'gpt2' ? ['<s>', '</s>', ...byteLetters()] : ['<unk>', '<s>', '</s>', ...byteTokens(), '▁', ...letters]
  const types = tokens.map((token) => {
    if (token === '<unk>') return tokenTypes.unknown
    if (/^<0x..>$/.test(token)) return tokenTypes.byte
    return token === '<s>' || token === '</s>' ? tokenTypes.control : tokenTypes.normal
  })
  const merges: string[] = []
  let shorter: readonly string[] = letters
  while (tokens.length < size) {
    const longer: string[] = []
    for (const stem of shorter) {
      for (const letter of letters) {
        if (tokens.length === size) break
        tokens.push(stem + letter)
        types.push(tokenTypes.normal)
        longer.push(stem + letter)
        merges.push(`${stem} ${letter}`)
      }
    }
    shorter = longer
  }
  const begin = tokens.indexOf('<s>')
  return [
    ['tokenizer.ggml.model', text(kind)],
    ['tokenizer.ggml.pre', text(pre)],
    ['tokenizer.ggml.tokens', texts(tokens)],
    ['tokenizer.ggml.token_type', numbers('i32', types)],
    kind === 'gpt2'
      ? ['tokenizer.ggml.merges', texts(merges)]
      : [
          'tokenizer.ggml.scores',
          numbers(
            'f32',
            tokens.map((_, index) => -index),
          ),
        ],
    ['tokenizer.ggml.bos_token_id', u32(begin)],
    ['tokenizer.ggml.eos_token_id', u32(begin + 1)],
    ['tokenizer.ggml.add_bos_token', bool(false)],
  ]
}

const letters = Array.from('abcdefghijklmnopqrstuvwxyz')

function byteTokens(): string[] {
  return Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`)
}

/** The letter that stands for each byte in byte-level BPE: printable Latin-1 for itself, the others from U+0100 on. */
function byteLetters(): string[] {
  let next = 256
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte > 32 && byte < 127) || (byte > 160 && byte !== 173)
    return String.fromCharCode(printable ? byte : next++)
  })
}
