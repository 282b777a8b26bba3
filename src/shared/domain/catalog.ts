import type { ModelGeometry } from './gguf'
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
  /** Real size where it is known, else null: parameters × bits per weight. */
  sizeBytes: Bytes | null
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

export interface CatalogSampling {
  temperature?: number
  topP?: number
  topK?: number
  minP?: number
}

/** Base facts, each with its source; the header of the real file always wins. */
export interface CatalogEntry {
  id: string
  name: string
  family: string
  maker: string
  parameters: number
  /** Equal to `parameters` for a dense model. */
  activeParameters: number
  geometry: ModelGeometry
  tied: boolean
  tokenizer: 'bpe' | 'spm'
  thinking: CatalogThinking
  licence: { name: string; verified: boolean }
  uses: UseCase[]
  languages: string[]
  capability: Partial<Record<UseCase, CapabilityScore>> | null
  sampling: CatalogSampling | null
  /** It could see images, Snug cannot yet: said on its card. */
  imagesUnused: boolean
  /** The starter model: proves that everything works, not how good models are. */
  demonstration: boolean
  released: string | null
  quantizations: CatalogQuantization[]
  /** Field → where the fact is from. */
  sources: Record<string, string>
}

export interface Catalog {
  version: number
  updated: string
  entries: CatalogEntry[]
}
