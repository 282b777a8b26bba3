import type { LayerGeometry, ModelGeometry } from './gguf'
import type { SizedModel } from './memory'
import type { RecommendedSampling } from './preset'
import { amxGrowth } from './amx'
import { type QuantizationInfo, blockBits, normalQuantizationName, quantizationInfo } from './quantization'
import type { Bytes } from './units'

export type UseCase = 'chat' | 'code' | 'reasoning' | 'chinese' | 'small'
export const useCases: readonly UseCase[] = ['chat', 'code', 'reasoning', 'chinese', 'small']

/** A published figure with its date and link, or null: "not rated". Never a guess. */
export interface CapabilityScore {
  /** 0 … 100 on the named test. */
  score: number
  test: string
  date: string
  link: string
}

export interface CatalogQuantization {
  /** As written in files: `Q4_K_M`. */
  name: string
  bitsPerWeight: number
  /** Size of the file where it was seen, else null: parameters × bits per weight. */
  sizeBytes: Bytes | null
  /** How far off `sizeBytes` can be: a listing that says "4.7 GB" is within 0.05 GiB. 0: exact to the byte. */
  sizeRounding: Bytes
  /** Repository that carries it; null: only what lies on this disk (the starter model). */
  repository: string | null
  /** Known only where the file was seen; otherwise the repository's listing is matched by `name`. */
  file: string | null
  sha256: string | null
}

export interface CatalogThinking {
  kind: 'none' | 'always' | 'toggle' | 'effort'
  /** Variable of the template, where known. */
  variable: string | null
  levels: string[]
  /** Thinking cannot be switched off. */
  cannotBeOff: boolean
}

/** Base facts, each with its source; the header of the real file always wins. */
export interface CatalogEntry {
  id: string
  name: string
  family: string
  maker: string
  parameters: number
  /** Equal to `parameters` for a dense model. Embedding and output matrix are counted, so it is more than the name of a mixture says. */
  activeParameters: number
  geometry: ModelGeometry
  /** False: the widths are those of a sibling or come from a part of a configuration; the file's header decides. */
  geometryChecked: boolean
  tied: boolean
  tokenizer: 'bpe' | 'spm'
  thinking: CatalogThinking
  licence: { name: string; verified: boolean }
  uses: UseCase[]
  languages: string[]
  capability: Partial<Record<UseCase, CapabilityScore>> | null
  sampling: RecommendedSampling | null
  /** It could see images, Snug cannot yet: said on its card. */
  imagesUnused: boolean
  /** The starter model: proves that everything works, not how good models are. */
  demonstration: boolean
  released: string | null
  /** The first one is offered; the others carry the same model. */
  repositories: string[]
  quantizations: CatalogQuantization[]
  /** Field → where the fact is from. "not checked" where nobody opened a page for it. */
  sources: Record<string, string>
}

export interface Catalog {
  version: number
  updated: string
  entries: CatalogEntry[]
}

/** What of an entry decides its size; the header of one file of a repository says the same of all its quantizations (`headerGeometry`). */
export type CatalogGeometry = Pick<CatalogEntry, 'parameters' | 'activeParameters' | 'geometry' | 'tied' | 'tokenizer'> & {
  /** Known where a header was read. */
  merges?: number
}

const mergesOf = ({ merges }: { merges?: number }) => (merges === undefined ? {} : { merges })

export function headerGeometry({ parameters, activeParameters, geometry, weights, tokenizer }: SizedModel): CatalogGeometry {
  const bpe = tokenizer.model === 'gpt2' || tokenizer.model === 'bpe'
  return { parameters, activeParameters, geometry, tied: weights.outputIsTied, tokenizer: bpe ? 'bpe' : 'spm', ...mergesOf(tokenizer) }
}

/** What a model takes at a quantization, from its geometry: the catalogue's stand-in for the header of a file. */
export interface CatalogModel extends SizedModel {
  sizeBytes: Bytes
  /** False: worked out, shown with "about". */
  sizeIsExact: boolean
}

/** Blocks, embedding and output of Llama 3.1 8B: the model on which llama.cpp measured bits per weight. */
const reference = { parameters: 8_030_261_248, matrix: 128_256 * 4096 }

/**
 * Bits per weight of the repeating blocks, with embedding and output taken out of the measured whole: small models have a large share of
 * those two, so a whole-file figure is wrong for them. Q4_K_M: (4.89 × 8.03 − 4.5 × 0.525 − 6.5625 × 0.525) ÷ 6.98 = 4.79.
 */
export function blockBitsPerWeight(info: QuantizationInfo): number {
  const bulk = blockBits[info.bulkType] ?? info.bitsPerWeight
  const output = blockBits[info.outputType] ?? bulk
  return (info.bitsPerWeight * reference.parameters - (bulk + output) * reference.matrix) / (reference.parameters - 2 * reference.matrix)
}

/** Share of the blocks that the x86 CPU backend copies to an interleaved layout (facts: 0.80 llama1b, 0.79 gemma3-4B at Q4_K_M; the others by their mixes). */
const repackShare: Readonly<Record<string, number>> = { Q4_K_M: 0.8, Q4_K_S: 0.95, Q4_0: 1, IQ4_NL: 1, MXFP4: 0.93 }

/**
 * A catalogue entry at a quantization as the formula wants it. Worked example: Llama 3.2 1B at Q4_K_M: 0.973 × 10⁹ × 4.79 ÷ 8 of blocks and
 * 0.263 × 10⁹ × 6.5625 ÷ 8 of the tied matrix are 763 MiB; the real file's tensors are 762.8. With AMX a processor copies all but the experts,
 * and a tied matrix beside the one for the input.
 */
export function catalogModel(
  entry: CatalogGeometry,
  quantization: Pick<CatalogQuantization, 'name' | 'bitsPerWeight' | 'sizeBytes'> & { sizeRounding?: Bytes },
  amx = false,
): CatalogModel {
  const info = quantizationInfo(quantization.name)
  const { geometry } = entry
  const bulk = blockBits[info?.bulkType ?? ''] ?? quantization.bitsPerWeight
  const output = blockBits[info?.outputType ?? ''] ?? bulk
  const matrix = geometry.vocabularySize * geometry.embeddingLength
  const tokenEmbeddingBytes = (matrix * (entry.tied ? output : bulk)) / 8
  const outputBytes = (matrix * output) / 8
  const ends = tokenEmbeddingBytes + (entry.tied ? 0 : outputBytes)
  const blockParameters = Math.max(0, entry.parameters - matrix * (entry.tied ? 1 : 2))
  const bits = info === null ? quantization.bitsPerWeight : blockBitsPerWeight(info)
  const worked = (blockParameters * bits) / 8 + ends
  const { sizeBytes: seen, sizeRounding: off = 0 } = quantization
  const blockBytes = Math.max(0, (seen === null ? worked : Math.min(Math.max(worked, seen - off), seen + off)) - ends)
  const blocks = geometry.layers.length
  const activeShare = Math.min(
    1,
    Math.max(0.01, (entry.activeParameters - (entry.parameters - blockParameters)) / Math.max(1, blockParameters)),
  )
  const expertShare = geometry.experts === null ? 0 : Math.min(1, (1 - activeShare) / (1 - geometry.experts.used / geometry.experts.count))
  const copied = [{ bytes: blockBytes * (repackShare[normalQuantizationName(quantization.name)] ?? 0), growth: 1, stays: false }]
  const [blockGrowth, outputGrowth] = [amxGrowth[info?.bulkType ?? ''], amxGrowth[info?.outputType ?? '']]
  // Latent attention runs without AMX (cpuBuild.ts).
  const takes = amx && !geometry.layers.some((layer) => 'headDimV' in layer && layer.headDimV === 0)
  if (takes && blockGrowth !== undefined) {
    for (const part of copied) part.bytes *= expertShare
    copied.push({ bytes: blockBytes * (1 - expertShare), growth: blockGrowth, stays: false })
  }
  if (takes && outputGrowth !== undefined) copied.push({ bytes: outputBytes, growth: outputGrowth, stays: entry.tied })
  const sizeBytes = blockBytes + ends
  const plainBytes = sizeBytes - copied.reduce((sum, part) => sum + (part.stays ? 0 : part.bytes), 0)
  return {
    parameters: entry.parameters,
    activeParameters: entry.activeParameters,
    trainContextSize: geometry.trainContextSize,
    geometry,
    tokenizer: { model: entry.tokenizer === 'bpe' ? 'gpt2' : 'llama', tokens: geometry.vocabularySize, ...mergesOf(entry) },
    weights: {
      totalBytes: sizeBytes,
      tokenEmbeddingBytes,
      outputBytes,
      outputIsTied: entry.tied,
      layerBytes: Array.from({ length: blocks }, () => blockBytes / blocks),
      activeLayerBytes: Array.from({ length: blocks }, () => (blockBytes / blocks) * activeShare),
      bytesByType: {},
      quantization: quantization.name,
      repackableBytes: copied.reduce((sum, part) => sum + part.bytes * part.growth, 0),
      plainBytesWhenRepacked: plainBytes,
      mappedBytesWhenRepacked: plainBytes,
    },
    sizeBytes,
    sizeIsExact: seen !== null && off === 0,
  }
}

/** Compact form of the blocks in `catalog.json`: a pattern of letters repeated over all blocks, the last ones without a cache of their own. */
export interface CompactLayers {
  blocks: number
  /** f full attention · s sliding window · r recurrent · n none; e.g. `sssssf` for Gemma, `rrrf` for Qwen3.5. */
  pattern: string
  kvHeads: number
  headDim: number
  /** 0 for MLA (only K is cached); null: as K. */
  headDimV: number | null
  /** Where sliding and full layers differ. */
  sliding: { kvHeads: number; headDim: number } | null
  stateBytes: Bytes
  sharedTail: number
}

export function expandLayers(compact: CompactLayers): LayerGeometry[] {
  const full: LayerGeometry = {
    kind: 'full',
    kvHeads: compact.kvHeads,
    headDimK: compact.headDim,
    headDimV: compact.headDimV ?? compact.headDim,
  }
  const near = compact.sliding ?? { kvHeads: compact.kvHeads, headDim: compact.headDim }
  return Array.from({ length: compact.blocks }, (_, index): LayerGeometry => {
    if (index >= compact.blocks - compact.sharedTail) return { kind: 'none' }
    switch (compact.pattern[index % compact.pattern.length]) {
      case 's':
        return { kind: 'sliding', kvHeads: near.kvHeads, headDimK: near.headDim, headDimV: near.headDim }
      case 'r':
        return { kind: 'recurrent', stateBytes: compact.stateBytes }
      case 'n':
        return { kind: 'none' }
      default:
        return full
    }
  })
}
