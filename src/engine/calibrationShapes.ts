import type { SliceMeasurement } from '@shared/domain/calibration'
import type { TensorTypeName } from './ggufTypes'
import { llama, qwen3moe, type Shape } from './shapeKinds'
import { type WrittenShape, writeShape } from './shapeModel'

/** One thing to run: a few blocks in the shapes of real models, all matrices of one type. */
export interface SlicePlan {
  name: string
  role: SliceMeasurement['role']
  type: TensorTypeName
  shape: Shape
  layers: number
  /** The prompt is this long, and decode measured a second time after it; 0: one batch, and not. */
  deepTokens: number
}

const vocabulary = 8192
const bpe = { tokenizer: 'gpt2' as const, pre: 'qwen2', tied: true, contextSize: 4096 }

/** The blocks of Llama 3.2 1B: 61 million parameters each. */
const wideShape = (layers: number, words = vocabulary): Shape =>
  llama({ architecture: 'llama', layers, width: 2048, feedForward: 8192, heads: 32, kvHeads: 8, headDim: 64, vocabulary: words, ...bpe })

/** The blocks of Llama 3.1 8B. */
const widestShape = (layers: number): Shape =>
  llama({ architecture: 'llama', layers, width: 4096, feedForward: 14_336, heads: 32, kvHeads: 8, headDim: 128, vocabulary, ...bpe })

/** The blocks of models with some hundred million parameters. */
const narrowShape = (layers: number): Shape =>
  llama({ architecture: 'llama', layers, width: 512, feedForward: 1536, heads: 8, kvHeads: 4, headDim: 64, vocabulary, ...bpe })

/** Many words and hardly anything to read for them. */
const wordsShape = (words: number): Shape =>
  llama({ architecture: 'llama', layers: 4, width: 64, feedForward: 256, heads: 8, kvHeads: 4, headDim: 64, vocabulary: words, ...bpe })

/** Mostly attention: with heads as wide as most models', and as Gemma's. */
const headShape = (headDim: number): Shape => {
  const heads = 2048 / headDim
  return llama({ architecture: 'llama', layers: 4, width: 512, feedForward: 512, heads, kvHeads: heads / 4, headDim, vocabulary, ...bpe })
}

/** The blocks of Qwen3 30B-A3B with a quarter of its experts: as many are used for a token, and a file of a quarter. */
const mixtureShape = (layers: number): Shape =>
  qwen3moe(
    { architecture: 'qwen3moe', layers, width: 2048, feedForward: 6144, heads: 32, kvHeads: 4, headDim: 128, vocabulary, ...bpe },
    32,
    8,
    768,
  )

/**
 * In the order of how often models are made of them: what time does not allow is left out. Q5_0 stands for Q4_K where a width is no
 * multiple of 256, as in most small models, and processors have no fast way for it: no type near it tells its speed.
 */
const furtherTypes: TensorTypeName[] = ['Q5_0', 'Q4_1', 'Q5_K', 'MXFP4', 'IQ4_XS', 'Q4_0']

/** `blocks`: of a wide slice; `large`: whether there are larger ones as well. No file above 600 MB. */
export function slicePlans(blocks: number, large: boolean): SlicePlan[] {
  const slice = (role: SlicePlan['role'], type: TensorTypeName, shape: Shape, deepTokens = 0): SlicePlan => ({
    name: `${role} ${type} ${shape.layers}`,
    role,
    type,
    shape,
    layers: shape.layers,
    deepTokens,
  })
  return [
    slice('wide', 'Q4_K', wideShape(blocks), 1024),
    slice('narrow', 'Q4_K', narrowShape(4)),
    slice('narrow', 'Q4_K', narrowShape(30)),
    slice('vocabulary', 'Q4_0', wordsShape(131_072)),
    slice('wide', 'Q6_K', wideShape(blocks)),
    // Of this type it is in most models.
    slice('output', 'Q6_K', wideShape(1, 98_304)),
    slice('heads', 'Q4_K', headShape(128), 768),
    slice('heads', 'Q4_K', headShape(256), 768),
    slice('mixture', 'Q4_K', mixtureShape(3)),
    slice('wide', 'Q8_0', wideShape(blocks)),
    ...(large ? [slice('large', 'Q8_0', wideShape(8)), slice('large', 'Q4_K', wideShape(13)), slice('large', 'Q4_K', widestShape(4))] : []),
    ...furtherTypes.map((type) => slice('wide', type, wideShape(blocks))),
  ]
}

export function writeSlice(path: string, { name, type, shape, layers }: SlicePlan): Promise<{ bytes: number }> {
  const written: WrittenShape = {
    name,
    shape,
    layers,
    fill: 'diverse',
    // "Mostly Q4_K_M": a word for the header; the tensors say their own types.
    fileType: 15,
    typeOf: ({ role }) => (role === 'norm' || role === 'plain' || role === 'router' ? 'F32' : type),
  }
  return writeShape(path, written)
}
