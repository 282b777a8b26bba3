/** What a person loses, in words (glossary: hardly any · little · clear), and nothing for the original precision. */
export type QuantizationLoss = 'none' | 'hardly' | 'little' | 'clear'

export interface QuantizationInfo {
  /** As written in files: `Q4_K_M`. */
  name: string
  /** Whole file, Llama 3.1 8B, llama.cpp tools/quantize/README.md; the real size of a file always wins. */
  bitsPerWeight: number
  /** Most of the repeating blocks. */
  bulkType: string
  /** The output matrix, the costliest single tensor (llama.cpp src/llama-quant.cpp: Q6_K in K-quants below 8 bits). */
  outputType: string
  /** Mean Kullback-Leibler divergence from F16, Llama 3 8B (llama.cpp tools/perplexity/README.md, revision f364eb6f); null: not published there. */
  klDivergence: number | null
  loss: QuantizationLoss
}

/** Bits of one weight in a tensor of this type: block bytes × 8 ÷ block elements (gguf-py GGML_QUANT_SIZES). */
export const blockBits: Readonly<Record<string, number>> = {
  F32: 32,
  F16: 16,
  BF16: 16,
  Q8_0: 8.5,
  Q6_K: 6.5625,
  Q5_K: 5.5,
  Q5_0: 5.5,
  Q5_1: 6,
  Q4_K: 4.5,
  Q4_0: 4.5,
  Q4_1: 5,
  Q3_K: 3.4375,
  Q2_K: 2.625,
  IQ4_NL: 4.5,
  IQ4_XS: 4.25,
  IQ3_S: 3.4375,
  IQ3_XXS: 3.0625,
  IQ2_S: 2.5625,
  IQ2_XS: 2.3125,
  IQ2_XXS: 2.0625,
  IQ1_M: 1.75,
  IQ1_S: 1.5625,
  MXFP4: 4.25,
  NVFP4: 4.5,
  TQ1_0: 1.6875,
  TQ2_0: 2.0625,
}

/** Bounds of the words, on the mean KL divergence: 0.02 keeps Q5_K_S and better, 0.08 keeps everything of about 4 bits. */
const hardlyBelow = 0.02
const littleBelow = 0.08

type Row = [name: string, bitsPerWeight: number, bulkType: string, outputType: string, klDivergence: number | null]

/** Largest first. Where two rows of the source exist, the one made with an importance matrix, as published files are. */
const rows: Row[] = [
  ['F32', 32, 'F32', 'F32', 0],
  ['BF16', 16, 'BF16', 'BF16', 0],
  ['F16', 16, 'F16', 'F16', 0.000551],
  ['Q8_0', 8.5, 'Q8_0', 'Q8_0', 0.001355],
  ['Q6_K', 6.56, 'Q6_K', 'Q6_K', 0.005452],
  ['Q5_1', 6, 'Q5_1', 'Q6_K', 0.018045],
  ['Q5_K_M', 5.7, 'Q5_K', 'Q6_K', 0.010762],
  ['Q5_K_S', 5.57, 'Q5_K', 'Q6_K', 0.016595],
  ['Q5_0', 5.57, 'Q5_0', 'Q6_K', 0.022239],
  ['Q4_1', 5.13, 'Q4_1', 'Q6_K', 0.071683],
  ['Q4_K_M', 4.89, 'Q4_K', 'Q6_K', 0.028152],
  ['Q4_K_S', 4.67, 'Q4_K', 'Q6_K', 0.031951],
  ['IQ4_NL', 4.68, 'IQ4_NL', 'Q6_K', 0.035742],
  ['Q4_0', 4.65, 'Q4_0', 'Q6_K', 0.07194],
  ['MXFP4', 4.63, 'MXFP4', 'Q8_0', null],
  ['IQ4_XS', 4.46, 'IQ4_XS', 'Q6_K', 0.036334],
  ['Q3_K_L', 4.3, 'Q3_K', 'Q6_K', 0.073077],
  ['Q3_K_M', 4, 'Q3_K', 'Q6_K', 0.084358],
  ['IQ3_M', 3.76, 'IQ3_S', 'Q6_K', 0.102534],
  ['IQ3_S', 3.66, 'IQ3_S', 'Q6_K', 0.111278],
  ['Q3_K_S', 3.64, 'Q3_K', 'Q6_K', 0.199821],
  ['IQ3_XS', 3.5, 'IQ3_S', 'Q6_K', 0.138693],
  ['IQ3_XXS', 3.25, 'IQ3_XXS', 'Q5_K', 0.183625],
  ['Q2_K', 3.16, 'Q2_K', 'Q6_K', 0.332223],
  ['Q2_K_S', 2.97, 'Q2_K', 'Q6_K', 0.40336],
  ['IQ2_M', 2.93, 'IQ2_S', 'Q5_K', 0.325989],
  ['IQ2_S', 2.74, 'IQ2_XS', 'Q5_K', 0.4392],
  ['IQ2_XS', 2.59, 'IQ2_XS', 'Q5_K', 0.54629],
  ['IQ2_XXS', 2.38, 'IQ2_XXS', 'Q5_K', 0.812022],
  ['IQ1_M', 2.15, 'IQ1_M', 'Q5_K', 1.393084],
  ['IQ1_S', 2, 'IQ1_S', 'Q5_K', 2.254554],
]

/** Known quantizations, largest first: the order of every list. */
export const quantizations: readonly QuantizationInfo[] = rows.map(([name, bitsPerWeight, bulkType, outputType, klDivergence]) => ({
  name,
  bitsPerWeight,
  bulkType,
  outputType,
  klDivergence,
  loss: lossOf(name, klDivergence),
}))

const byName = new Map(quantizations.map((info, index) => [info.name, { info, index }]))

/** Names that are the same mix under another label: Unsloth's dynamic files (`UD-Q4_K_XL`), `MXFP4_MOE`, `_L` of Q5/Q6. */
export function normalQuantizationName(name: string): string {
  const upper = name.toUpperCase().replace(/-/g, '_').replace(/^UD_/, '')
  if (byName.has(upper)) return upper
  const known: Record<string, string> = {
    MXFP4_MOE: 'MXFP4',
    Q6_K_L: 'Q6_K',
    Q6_K_XL: 'Q6_K',
    Q2_K_XL: 'Q2_K',
    Q2_K_L: 'Q2_K',
    Q8_K_XL: 'Q8_0',
    FP16: 'F16',
  }
  const direct = known[upper]
  if (direct !== undefined) return direct
  const wide = /^(Q\d_K)_(?:XL|L)$/.exec(upper)?.[1]
  if (wide !== undefined && byName.has(`${wide}_M`)) return `${wide}_M`
  return upper
}

export function quantizationInfo(name: string): QuantizationInfo | null {
  return byName.get(normalQuantizationName(name))?.info ?? null
}

/** For sorting, smallest first: unknown names by nothing, at the end. */
export function compareQuantizations(a: string, b: string): number {
  const rank = (name: string) => byName.get(normalQuantizationName(name))?.index ?? -1
  return rank(b) - rank(a) || a.localeCompare(b)
}

/** Finds the quantization in a file or repository name: `Qwen3-8B-UD-Q4_K_XL-00001-of-00002.gguf` → `Q4_K_XL` as written. */
export function quantizationInName(fileName: string): string | null {
  const match =
    /(?:^|[-_./])((?:UD-)?(?:IQ\d_[A-Z]+|Q\d_K(?:_[A-Z]+)?|Q\d_[01]|MXFP4(?:_MOE)?|NVFP4|BF16|F16|F32|TQ\d_0))(?=[-_.]|$)/i.exec(fileName)
  return match?.[1]?.toUpperCase() ?? null
}

/** Loss by published divergence; without a row of its own, by bits per weight. A file trained at its precision (MXFP4) loses nothing further. */
export function lossByBits(bitsPerWeight: number): QuantizationLoss {
  if (bitsPerWeight >= 16) return 'none'
  if (bitsPerWeight >= 5.5) return 'hardly'
  return bitsPerWeight >= 4.3 ? 'little' : 'clear'
}

export function quantizationLoss(name: string, bitsPerWeight: number): QuantizationLoss {
  return quantizationInfo(name)?.loss ?? lossByBits(bitsPerWeight)
}

function lossOf(name: string, klDivergence: number | null): QuantizationLoss {
  if (name === 'MXFP4') return 'hardly'
  if (klDivergence === null) return 'clear'
  if (klDivergence < 0.001) return 'none'
  if (klDivergence < hardlyBelow) return 'hardly'
  return klDivergence < littleBelow ? 'little' : 'clear'
}
