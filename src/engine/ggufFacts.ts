import type { ModelFacts, ModelGeometry } from '@shared/domain/gguf'
import { geometryOf, isEncoder } from './ggufGeometry'
import { corrupt, type GgufHeader } from './ggufHeader'
import { countOf, flagOf, realOf, textOf } from './ggufRead'
import { checkVocabulary, tokenizerOf } from './ggufTokenizer'
import { fileTypes, type TensorTypeName } from './ggufTypes'
import { type CpuFeatures, plainCpu } from './cpuFeatures'
import { activeShare, type CountedTensor, countedTensors, weightsOf } from './ggufWeights'

export interface FactsOptions {
  /** File names of all parts in order; the header given is the first one's. */
  parts?: { name: string; header: GgufHeader }[]
  cpu?: CpuFeatures
}

/** Says what a checked header means. Throws where llama.cpp would abort the process rather than refuse. */
export function factsFromHeader(header: GgufHeader, options: FactsOptions = {}): ModelFacts {
  const parts = options.parts ?? [{ name: '', header }]
  const architecture = textOf(header, 'general.architecture')
  if (architecture === null || architecture === '') throw corrupt('missing-fact', 'it does not say what kind of model it is')
  const kind = kindOf(header, architecture)
  const geometry = kind === 'projector' || kind === 'adapter' ? emptyGeometry(architecture) : geometryOf(header)
  const files = parts.map((part) => countedTensors(header, part.header.tensors, architecture, geometry.layers.length))
  const tensors = files.flat()
  if (kind !== 'projector' && kind !== 'adapter' && tensors.length === 0) throw corrupt('no-tensors', 'it holds no weights')
  checkVocabulary(header)
  if (geometry.feedForwardLength === 0 && tensors.some((tensor) => /^blk\.\d+\.ffn_(gate|up|down)\.weight$/.test(tensor.name))) {
    throw corrupt('missing-fact', 'it does not say its feed forward length', { key: `${architecture}.feed_forward_length` })
  }
  // Every parameter of the file, prediction blocks too, as llama.cpp and the hubs count.
  const parameters = parts.reduce((sum, part) => sum + part.header.tensors.reduce((count, tensor) => count + tensor.elements, 0), 0)
  const fileBytes = parts.reduce((sum, part) => sum + part.header.tensors.reduce((bytes, tensor) => bytes + tensor.bytes, 0), 0)
  return {
    architecture,
    name: textOf(header, 'general.name') ?? textOf(header, 'general.basename'),
    sizeLabel: textOf(header, 'general.size_label'),
    parameters,
    activeParameters: Math.round(tensors.reduce((sum, tensor) => sum + tensor.elements * activeShare(tensor, geometry.experts), 0)),
    quantization: quantizationOf(header, tensors),
    bitsPerWeight: parameters === 0 ? 0 : (fileBytes * 8) / parameters,
    sizeBytes: parts.reduce((sum, part) => sum + part.header.fileSize, 0),
    headerBytes: header.dataOffset,
    trainContextSize: geometry.trainContextSize,
    geometry,
    weights: weightsOf(files, geometry.layers.length, geometry.experts, options.cpu ?? plainCpu),
    tokenizer: tokenizerOf(header),
    chatTemplate: textOf(header, 'tokenizer.chat_template'),
    licence: textOf(header, 'general.license') ?? textOf(header, 'general.license.name'),
    parts: parts.map((part) => part.name),
    sampling: samplingOf(header),
    kind,
    scripted: flagOf(header, 'snug.scripted') === true,
  }
}

function kindOf(header: GgufHeader, architecture: string): ModelFacts['kind'] {
  const type = textOf(header, 'general.type')
  if (architecture === 'clip' || type === 'mmproj' || type === 'projector') return 'projector'
  if (type === 'adapter' || textOf(header, 'adapter.type') !== null) return 'adapter'
  // 0 is "no pooling" (enum llama_pooling_type); every other value makes one vector or score of a text.
  const pooling = countOf(header, `${architecture}.pooling_type`) ?? 0
  return pooling > 0 || isEncoder(header, architecture) ? 'embedding' : 'model'
}

function emptyGeometry(architecture: string): ModelGeometry {
  return {
    architecture,
    layers: [],
    embeddingLength: 0,
    feedForwardLength: 0,
    headCount: 0,
    vocabularySize: 0,
    trainContextSize: 0,
    slidingWindow: null,
    experts: null,
  }
}

/** What llama.cpp names a file by, where only its tensors tell (`llama_model_loader`, guessed file type). */
const usualNames: Partial<Record<TensorTypeName, string>> = { Q3_K: 'Q3_K_M', Q4_K: 'Q4_K_M', Q5_K: 'Q5_K_M', MXFP4: 'MXFP4_MOE' }

/** The file's own word where its tensors bear it out (at least 5 % of the matrices' bytes), else the type of most bytes, else `mixed`. */
function quantizationOf(header: GgufHeader, tensors: readonly CountedTensor[]): string {
  const byType = new Map<TensorTypeName, number>()
  let total = 0
  for (const tensor of tensors) {
    if (tensor.dims.length < 2) continue
    byType.set(tensor.type, (byType.get(tensor.type) ?? 0) + tensor.bytes)
    total += tensor.bytes
  }
  const said = fileTypes.get((countOf(header, 'general.file_type') ?? -1) & ~1024)
  if (said) {
    const borneOut = said.holds.reduce((sum, type) => sum + (byType.get(type) ?? 0), 0)
    if (total > 0 && borneOut >= total * 0.05) return said.name
  }
  const [most] = [...byType].sort((a, b) => b[1] - a[1])
  return most && most[1] >= total * 0.6 ? (usualNames[most[0]] ?? most[0]) : 'mixed'
}

function samplingOf(header: GgufHeader): ModelFacts['sampling'] {
  const given = {
    temperature: realOf(header, 'general.sampling.temp'),
    topP: realOf(header, 'general.sampling.top_p'),
    topK: countOf(header, 'general.sampling.top_k'),
    minP: realOf(header, 'general.sampling.min_p'),
  }
  const sampling: NonNullable<ModelFacts['sampling']> = {}
  for (const name of ['temperature', 'topP', 'topK', 'minP'] as const) {
    const value = given[name]
    if (value !== null) sampling[name] = value
  }
  return Object.keys(sampling).length === 0 ? null : sampling
}
