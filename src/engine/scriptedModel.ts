import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { tokenTypes } from './ggufTokenizer'
import { bool, f32, float32Bytes, type GgufContent, numbers, text, texts, u32, writeGguf, type WriteTensor } from './ggufWriter'
import { checkedBlock, codeOf, outputScale, scriptWidth } from './scriptedWeights'

/**
 * A model made by code whose weights make the real llama.cpp say one fixed script, whatever it is asked (docs: DESIGN.md §6).
 * All attention and feed-forward weights are 0 and all norms 1, so what reaches the output is the embedding of the last token, ±1 in each
 * of its 256 dimensions; row b of the output matrix is 0.2 × the embedding of the token before b. So the logit of the next token of the
 * script is 0.2 × 256 = 51.2, and that of any other is a random sum with a deviation of 3.2.
 */
export interface ScriptedOptions {
  /** Default 4,096. */
  contextSize?: number
  /** Thoughts, and a template with `enable_thinking`; default true. */
  thinking?: boolean
  /** The answer starts again at its end and never stops: for stop and speed tests. */
  loop?: boolean
  /** So many numbered words (`1 2 3 …`) after the answer, then the end: a long reply that does end. */
  words?: number
  /** So many numbered words (`t1 t2 …`) more in the thought: one that a budget cuts. */
  thoughtWords?: number
  /** The template writes the level of `reasoning_effort` into the prompt; only with thinking. */
  effort?: boolean
  /** One Q4_K and one Q8_0 matrix through which everything must pass: a broken quantized kernel breaks the script. */
  checkQuantized?: boolean
  /** Blocks of zeros, and the width of their feed-forward: both only make the model slower. Default 2 and 32; holes take no disk. */
  layers?: number
  feedForwardLength?: number
}

export interface ScriptedExpectation {
  /** Exactly what is said between `<think>` and `</think>`; null without thinking. */
  thought: string | null
  /** Exactly what is said after it at temperature 0; with `loop` the part that comes again and again. */
  answer: string
  /** The raw text with thinking on, `<think>` included (the prompt ends before it), without the end token. */
  raw: string
  /** Tokens sampled at temperature 0 with thinking on and off, the end token not counted. */
  tokens: { on: number; off: number }
  choice: ScriptedChoice
  endOfTurn: string
}

/** The one place with two successors: `likely` and `other` differ by Δ in their logits, so P(other) = 1 / (1 + exp(Δ / T)). */
interface ScriptedChoice {
  before: string
  likely: string
  other: string
  delta: number
  probabilityOfOther(temperature: number): number
}

const heads = 4
const kvHeads = 2
/** Δ at the one choice. */
const choiceDelta = 1
const unknown = '<unk>'
const begin = '<s>'
const end = '</s>'
const turnStart = '<|im_start|>'
const turnEnd = '<|im_end|>'
const think = '<think>'
const thinkEnd = '</think>'
const blank = '\n\n'
const newline = byteToken(0x0a)

/** Pieces as a vocabulary spells them (▁ is a space); each is one token and stands once in thought and answer together. 想, 好 and the smile are byte tokens. */
const thoughtPieces = ['First', '▁I', '▁read', '▁my', '▁script', '：', '再', ...byteTokens('想'), '一', '步', '。', 'Now', '▁speak.']
const greeting = ['Hello', '▁from', '▁the', '▁scripted', '▁model:', '▁你', ...byteTokens('好'), '，', '世', '界', '！', ...byteTokens('🙂')]
const choice = { before: '▁shows', likely: '▁heads', other: '▁tails' }
const answerPieces = [...greeting, '▁The', '▁coin', choice.before, choice.likely, '▁today.']

/** The form of Qwen3's template: ChatML, thoughts of earlier turns dropped, an empty thought where thinking is off. */
const template = (thinking: boolean, effort: boolean) =>
  [
    ...(thinking && effort
      ? ["{%- if reasoning_effort is defined -%}{{- '<|im_start|>system\\nEffort: ' + reasoning_effort + '<|im_end|>\\n' -}}{%- endif -%}"]
      : []),
    '{%- for message in messages -%}',
    '{%- set content = message.content -%}',
    "{%- if message.role == 'assistant' and '</think>' in content -%}{%- set content = content.split('</think>')[-1].lstrip('\\n') -%}{%- endif -%}",
    "{{- '<|im_start|>' + message.role + '\\n' + content + '<|im_end|>\\n' -}}",
    '{%- endfor -%}',
    "{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}",
    ...(thinking
      ? ["{%- if enable_thinking is defined and enable_thinking is false -%}{{- '<think>\\n\\n</think>\\n\\n' -}}{%- endif -%}"]
      : []),
    '{%- endif -%}',
  ].join('\n')

export function scriptedExpectation(options: ScriptedOptions = {}): ScriptedExpectation {
  const { thought, answer } = scriptOf(options)
  const spokenThought = thought === null ? null : spoken(thought)
  const spokenAnswer = spoken(answer)
  return {
    thought: spokenThought,
    answer: spokenAnswer,
    raw: spokenThought === null ? spokenAnswer : `${think}${spokenThought}${thinkEnd}${blank}${spokenAnswer}`,
    tokens: { on: answer.length + (thought === null ? 0 : thought.length + 3), off: answer.length },
    choice: {
      before: spoken([choice.before]),
      likely: spoken([choice.likely]),
      other: spoken([choice.other]),
      delta: choiceDelta,
      probabilityOfOther: (temperature) => 1 / (1 + Math.exp(choiceDelta / temperature)),
    },
    endOfTurn: turnEnd,
  }
}

export async function writeScriptedModel(
  path: string,
  options: ScriptedOptions = {},
): Promise<ScriptedExpectation & { path: string; bytes: number }> {
  await mkdir(dirname(path), { recursive: true })
  const { bytes } = await writeGguf(path, scriptedContent(options))
  return { ...scriptedExpectation(options), path, bytes }
}

/** The file's content; `writeScriptedModel` writes it. */
export function scriptedContent(options: ScriptedOptions = {}): GgufContent {
  const script = scriptOf(options)
  const vocabulary = vocabularyOf(script)
  const layers = options.layers ?? 2
  const feedForward = options.checkQuantized ? scriptWidth : (options.feedForwardLength ?? 32)
  const { embedding, output } = matrices(script, vocabulary, options)
  return {
    metadata: [
      ['general.architecture', text('llama')],
      ['general.type', text('model')],
      ['general.name', text('Snug scripted model')],
      ['general.license', text('mit')],
      ['general.file_type', u32(0)],
      ['snug.scripted', bool(true)],
      ['llama.block_count', u32(layers)],
      ['llama.context_length', u32(options.contextSize ?? 4096)],
      ['llama.embedding_length', u32(scriptWidth)],
      ['llama.feed_forward_length', u32(feedForward)],
      ['llama.attention.head_count', u32(heads)],
      ['llama.attention.head_count_kv', u32(kvHeads)],
      ['llama.attention.layer_norm_rms_epsilon', f32(1e-6)],
      ['llama.rope.dimension_count', u32(scriptWidth / heads)],
      ['llama.vocab_size', u32(vocabulary.tokens.length)],
      ['tokenizer.ggml.model', text('llama')],
      ['tokenizer.ggml.tokens', texts(vocabulary.tokens)],
      [
        'tokenizer.ggml.scores',
        numbers(
          'f32',
          vocabulary.tokens.map(() => 0),
        ),
      ],
      ['tokenizer.ggml.token_type', numbers('i32', vocabulary.types)],
      ['tokenizer.ggml.unknown_token_id', u32(0)],
      ['tokenizer.ggml.bos_token_id', u32(vocabulary.idOf(begin))],
      ['tokenizer.ggml.eos_token_id', u32(vocabulary.idOf(turnEnd))],
      ['tokenizer.ggml.add_bos_token', bool(false)],
      ['tokenizer.ggml.add_space_prefix', bool(false)],
      ['tokenizer.chat_template', text(template(script.thought !== null, options.effort === true))],
    ],
    tensors: [
      { name: 'token_embd.weight', dims: [scriptWidth, vocabulary.tokens.length], type: 'F32', data: float32Bytes(embedding) },
      { name: 'output_norm.weight', dims: [scriptWidth], type: 'F32', data: ones() },
      { name: 'output.weight', dims: [scriptWidth, vocabulary.tokens.length], type: 'F32', data: float32Bytes(output) },
      ...Array.from({ length: layers }, (_, layer) => block(layer, feedForward, options.checkQuantized === true && layer === 0)).flat(),
    ],
  }
}

function block(layer: number, feedForward: number, checked: boolean): WriteTensor[] {
  const name = (part: string) => `blk.${layer}.${part}.weight`
  const kvWidth = (scriptWidth / heads) * kvHeads
  const zeros = (part: string, dims: number[]): WriteTensor => ({ name: name(part), dims, type: 'F32' })
  return [
    { name: name('attn_norm'), dims: [scriptWidth], type: 'F32', data: ones() },
    zeros('attn_q', [scriptWidth, scriptWidth]),
    zeros('attn_k', [scriptWidth, kvWidth]),
    zeros('attn_v', [scriptWidth, kvWidth]),
    zeros('attn_output', [scriptWidth, scriptWidth]),
    { name: name('ffn_norm'), dims: [scriptWidth], type: 'F32', data: ones() },
    ...(checked
      ? checkedBlock(name)
      : [
          zeros('ffn_gate', [scriptWidth, feedForward]),
          zeros('ffn_up', [scriptWidth, feedForward]),
          zeros('ffn_down', [feedForward, scriptWidth]),
        ]),
  ]
}

interface Script {
  thought: string[] | null
  answer: string[]
  /** Each step from one token to the next, with a factor of the usual logit. */
  steps: { from: string; to: string; factor: number }[]
}

function scriptOf(options: ScriptedOptions): Script {
  const counted = Array.from({ length: options.words ?? 0 }, (_, i) => `▁${i + 1}`)
  const pondered = Array.from({ length: options.thoughtWords ?? 0 }, (_, i) => `▁t${i + 1}`)
  const thought = options.thinking === false ? null : [...thoughtPieces, ...pondered]
  const answer = [...answerPieces, ...counted]
  const path = thought === null ? [blank, ...answer] : [newline, think, ...thought, thinkEnd, blank, ...answer]
  const steps = path.slice(1).map((to, index) => ({ from: path[index] ?? blank, to, factor: 1 }))
  const last = answer[answer.length - 1] ?? blank
  steps.push({ from: last, to: options.loop ? (answer[0] ?? turnEnd) : turnEnd, factor: 1 })
  const likely = scriptedLogit - choiceDelta
  steps.push({ from: choice.before, to: choice.other, factor: likely / scriptedLogit })
  const after = answer[answer.indexOf(choice.likely) + 1] ?? turnEnd
  steps.push({ from: choice.other, to: after, factor: 1 })
  return { thought, answer, steps }
}

interface Vocabulary {
  tokens: string[]
  types: number[]
  idOf(token: string): number
}

/** An SPM vocabulary. The beginnings of each piece are tokens too, so that the tokeniser finds a piece in a text by joining letter after letter. */
function vocabularyOf(script: Script): Vocabulary {
  const ids = new Map<string, number>()
  const types: number[] = []
  const add = (token: string, type: number) => {
    if (ids.has(token)) return
    ids.set(token, ids.size)
    types.push(type)
  }
  add(unknown, tokenTypes.unknown)
  add(begin, tokenTypes.control)
  add(end, tokenTypes.control)
  for (let byte = 0; byte < 256; byte++) add(byteToken(byte), tokenTypes.byte)
  add(turnStart, tokenTypes.control)
  add(turnEnd, tokenTypes.control)
  if (script.thought !== null) {
    // As in real families: not control, so that a person's plain "<think>" is the case that the prompt has to handle.
    add(think, tokenTypes.userDefined)
    add(thinkEnd, tokenTypes.userDefined)
  }
  add(blank, tokenTypes.normal)
  for (const piece of [...(script.thought ?? []), ...script.answer, choice.other]) {
    const letters = Array.from(piece)
    for (let length = 1; length <= letters.length; length++) add(letters.slice(0, length).join(''), tokenTypes.normal)
  }
  const idOf = (token: string) => {
    const id = ids.get(token)
    if (id === undefined) throw new RangeError(`no token ${token}`)
    return id
  }
  return { tokens: [...ids.keys()], types, idOf }
}

/** A token that stands nowhere in the script has the embedding of the blank line before the answer, so that any prompt is answered. */
function matrices(script: Script, vocabulary: Vocabulary, options: ScriptedOptions): { embedding: Float32Array; output: Float32Array } {
  const checked = options.checkQuantized === true
  const size = vocabulary.tokens.length
  const embedding = new Float32Array(size * scriptWidth)
  const output = new Float32Array(size * scriptWidth)
  const leading = new Set(script.steps.map((step) => step.from))
  const codes = vocabulary.tokens.map((token, id) => codeOf(leading.has(token) ? id : vocabulary.idOf(blank), checked))
  for (const [id, code] of codes.entries()) embedding.set(code.embedding, id * scriptWidth)
  for (const step of script.steps) {
    const row = vocabulary.idOf(step.to) * scriptWidth
    const code = codes[vocabulary.idOf(step.from)]?.output ?? []
    for (const [dim, value] of code.entries()) output[row + dim] = (output[row + dim] ?? 0) + value * outputScale(checked) * step.factor
  }
  return { embedding, output }
}

/** Scale 0.2 × 256 dimensions. */
const scriptedLogit = 51.2

function ones(): Uint8Array {
  return float32Bytes(new Float32Array(scriptWidth).fill(1))
}

function byteToken(byte: number): string {
  return `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`
}

function byteTokens(character: string): string[] {
  return [...Buffer.from(character, 'utf8')].map(byteToken)
}

function spoken(pieces: readonly string[]): string {
  const bytes = pieces.map((piece) => {
    const byte = /^<0x([0-9A-F]{2})>$/.exec(piece)
    return byte ? Buffer.from([Number.parseInt(byte[1] ?? '', 16)]) : Buffer.from(piece.replaceAll('▁', ' '), 'utf8')
  })
  return Buffer.concat(bytes).toString('utf8')
}
