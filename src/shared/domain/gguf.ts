import type { Bytes } from './units'

/** KV cache element type. */
export type KvCacheType = 'f16' | 'q8_0' | 'q4_0'

/** What one block keeps between tokens. A model is a list of these, so every mixture of layer kinds is the same sum. */
export type LayerGeometry =
  /** Attention over the whole context. `headDimV` is 0 where only K is cached (MLA). `stateBytes` where the block keeps a state as well (Falcon-H1). */
  | { kind: 'full'; kvHeads: number; headDimK: number; headDimV: number; stateBytes?: Bytes }
  /** Attention over the last `slidingWindow` tokens. */
  | { kind: 'sliding'; kvHeads: number; headDimK: number; headDimV: number }
  /** A constant state per sequence (Mamba, short convolution, linear attention), F32. */
  | { kind: 'recurrent'; stateBytes: Bytes }
  /** Owns no cache (shared KV, feed-forward only). */
  | { kind: 'none' }

export interface ModelGeometry {
  /** `general.architecture` of the GGUF, e.g. `llama`, `qwen3moe`. */
  architecture: string
  layers: LayerGeometry[]
  embeddingLength: number
  feedForwardLength: number
  /** Of one expert, where the file says it apart. */
  expertFeedForwardLength?: number
  headCount: number
  vocabularySize: number
  trainContextSize: number
  /** Tokens, null without sliding layers. */
  slidingWindow: number | null
  /** null for a dense model. */
  experts: { count: number; used: number } | null
}

/** Where the bytes of the weights are; all of them resident, `activeBytes` of them read for each token. */
export interface WeightFacts {
  totalBytes: Bytes
  /** `token_embd`: always in RAM; read row-wise, so it costs no bandwidth unless tied. */
  tokenEmbeddingBytes: Bytes
  /** `output`, or the tied token embedding's size. */
  outputBytes: Bytes
  outputIsTied: boolean
  /** Bytes of each repeating block, first to last. */
  layerBytes: Bytes[]
  /** Bytes of each block read for one token (a mixture reads only the experts used). */
  activeLayerBytes: Bytes[]
  /** Bytes by tensor type, e.g. `Q4_K`. */
  bytesByType: Record<string, Bytes>
  /** Of these, read for one token: blocks (a mixture only the experts used) and output matrix. Absent where no header was read. */
  activeBytesByType?: Record<string, Bytes>
  /** Name of the quantization, where only that is known of the types. */
  quantization?: string
  /** What llama.cpp's CPU backend takes for copies in an interleaved layout or in AMX's, where nothing lies on a card (facts: engine.md §1, exact rule). */
  repackableBytes: Bytes
  /** Then, without mmap: what is not copied, and so stays as in the file. Absent in facts kept before it was known. */
  plainBytesWhenRepacked?: Bytes
  /**
   * Matrices above 128 MiB, the least that a device of llama.cpp may refuse, with what the processor takes for a copy in its own layout
   * (0: none); `layer` null is the output matrix. Absent where no header was read, and in facts kept before it was known.
   */
  largeTensors?: { layer: number | null; bytes: Bytes; copyBytes: Bytes }[]
  /** It has stacks of matrices other than experts, which AMX cannot compute: it runs without. */
  stacked?: boolean
  /** With mmap: the range from the first to the last tensor that is not repacked. */
  mappedBytesWhenRepacked: Bytes
}

export interface TokenizerFacts {
  model: string
  pre: string | null
  bos: string | null
  eos: string | null
  addBos: boolean | null
  tokens: number
  merges: number
}

/** Everything that the header of a GGUF says, checked and bounded. The header of the real file always wins over the catalogue. */
export interface ModelFacts {
  architecture: string
  name: string | null
  /** e.g. `8B`, as written in the file. */
  sizeLabel: string | null
  parameters: number
  activeParameters: number
  /** As written in files: `Q4_K_M`; `mixed` where neither file type nor tensors tell. */
  quantization: string
  bitsPerWeight: number
  /** All parts of a split file together. */
  sizeBytes: Bytes
  /** Offset of the first tensor's data. */
  headerBytes: Bytes
  trainContextSize: number
  geometry: ModelGeometry
  weights: WeightFacts
  tokenizer: TokenizerFacts
  /** `tokenizer.chat_template`; null when the file has none. */
  chatTemplate: string | null
  licence: string | null
  /** File names of all parts, this one included; one entry for a file that is not split. */
  parts: string[]
  /** Recommended sampling from the file (`general.sampling.*`), where given. */
  sampling: { temperature?: number; topP?: number; topK?: number; minP?: number } | null
  /** A projector or adapter is no model to chat with. */
  kind: 'model' | 'projector' | 'adapter' | 'embedding'
  /** True for a file made by `scriptedModel.ts`: labelled as a script wherever it is met. */
  scripted: boolean
}

/** As people say it: of a mixture what each token passes through, of a dense model all, although a block for guessing ahead is not active. */
export function saidActiveParameters({
  parameters,
  activeParameters,
  geometry,
}: {
  parameters: number
  activeParameters: number
  geometry: Pick<ModelGeometry, 'experts'>
}): number {
  return geometry.experts === null ? parameters : activeParameters
}
