import type { LayerGeometry, ModelGeometry } from '@shared/domain/gguf'
import { corrupt, type GgufHeader, unsupported } from './ggufHeader'
import { arrayOf, countOf, numbersOf, textOf } from './ggufRead'

/** llama.cpp v0.4.0 aborts the whole process above these (llama-hparams.h, GGML_ASSERTs in llama-model.cpp), so they are refused here. */
const maxLayers = 512
const maxExperts = 1024

/**
 * Which layers attend to a window only: every `period`-th layer attends to all, the last of each period, or its first where `denseFirst`.
 * `layers` says that the file lists them. Source: `load_arch_hparams` of each architecture in llama.cpp v0.4.0, src/models.
 */
interface SlidingRule {
  period?: number
  denseFirst?: boolean
  layers?: true
  /** Window where the file says none, or always, or wherever the file says one at all. */
  window?: number
  fixed?: 'always' | 'where-said'
  /** Only with this many layers. */
  onlyLayers?: number
}
const slidingRules: Record<string, SlidingRule> = {
  gemma2: { period: 2, window: 4096 },
  gemma3: { period: 6 },
  gemma3n: { period: 5 },
  'gemma-embedding': { period: 6 },
  gemma4: { layers: true },
  'gemma4-assistant': { layers: true },
  'gpt-oss': { period: 2 },
  cohere2: { period: 4 },
  cohere2moe: { period: 4, denseFirst: true, layers: true },
  exaone4: { period: 4, window: 4096, onlyLayers: 64 },
  'exaone-moe': { period: 4, window: 128 },
  olmo2: { period: 4 },
  plamo3: { period: 8 },
  llama4: { period: 4, window: 8192, fixed: 'always' },
  'muse-glimmer': { period: 4, layers: true },
  smallthinker: { period: 4, window: 4096, fixed: 'where-said', denseFirst: true },
  laguna: { period: 4, denseFirst: true },
  afmoe: { period: 4 },
  mellum: { period: 4, layers: true },
  step35: { layers: true },
  mimo2: { layers: true },
  dots3note: { layers: true },
  granite_swa: { layers: true },
  lfm2: { period: 0 },
  lfm2moe: { period: 0 },
  deepseek4: { period: 0 },
}
const recurrentArchitectures = new Set(['mamba', 'mamba2', 'rwkv6', 'rwkv6qwen2', 'rwkv7', 'arwkv7'])
/** Recurrent but for every n-th layer (`full_attention_interval`), or as `attention.recurrent_layers` lists. */
const intervalArchitectures = new Map([
  ['qwen3next', 4],
  ['qwen35', 4],
  ['qwen35moe', 4],
  ['qwen4exp', 4],
  ['minimax-01', 8],
])
/** Recurrent where a layer has no KV heads. */
const zeroHeadArchitectures = new Set(['jamba', 'granitehybrid', 'plamo2', 'lfm2', 'lfm2moe', 'kimi-linear', 'kimi-k3', 'bailingmoe3'])
const nemotronArchitectures = new Set(['nemotron_h', 'nemotron_h_moe'])
/** Give their multi-token-prediction blocks no cache outside speculative decoding; other architectures do. */
const cachelessPrediction = new Set(['step35', 'hy_v3', 'glm-dsa', 'mimo2', 'deepseek32'])

export function geometryOf(header: GgufHeader): ModelGeometry {
  const architecture = textOf(header, 'general.architecture') ?? ''
  const key = (name: string) => `${architecture}.${name}`
  const required = (name: string): number => {
    const value = countOf(header, key(name))
    if (value === null || value === 0) throw corrupt('missing-fact', `it does not say its ${name.replaceAll('_', ' ')}`, { key: key(name) })
    return value
  }
  const layerCount = required('block_count')
  if (layerCount > maxLayers) throw unsupported('too-many-layers', `it has ${layerCount} layers; ${maxLayers} are the limit`)
  const experts = expertsOf(header, key)
  const expertWidth = experts === null ? null : countOf(header, key('expert_feed_forward_length'))
  return {
    architecture,
    layers: layersOf(header, architecture, layerCount),
    embeddingLength: required('embedding_length'),
    feedForwardLength: Math.max(0, ...perLayer(header, key('feed_forward_length'), layerCount, 0)),
    ...(expertWidth === null ? {} : { expertFeedForwardLength: expertWidth }),
    headCount: Math.max(0, ...perLayer(header, key('attention.head_count'), layerCount, 0)),
    vocabularySize: arrayOf(header, 'tokenizer.ggml.tokens')?.length ?? countOf(header, key('vocab_size')) ?? 0,
    trainContextSize: required('context_length'),
    slidingWindow: slidingOf(header, architecture, layerCount)?.window ?? null,
    experts,
  }
}

/** Blocks at the end that only predict further tokens (MTP); llama.cpp does not load their weights unless asked. */
export function predictionLayers(header: GgufHeader): number {
  const architecture = textOf(header, 'general.architecture') ?? ''
  return countOf(header, `${architecture}.nextn_predict_layers`) ?? 0
}

function expertsOf(header: GgufHeader, key: (name: string) => string): ModelGeometry['experts'] {
  const count = countOf(header, key('expert_count')) ?? 0
  const used = countOf(header, key('expert_used_count')) ?? Math.max(0, ...(numbersOf(header, key('expert_used_count')) ?? []))
  if (count > maxExperts) throw unsupported('too-many-experts', `it has ${count} experts; ${maxExperts} are the limit`)
  if (used > count || (count > 0 && used === 0)) {
    throw corrupt('experts', `it says that ${used} of ${count} experts are used`)
  }
  return count === 0 ? null : { count, used }
}

/** A key that is one number for all layers or a list with one per layer. */
function perLayer(header: GgufHeader, key: string, layers: number, fallback: number): number[] {
  const list = numbersOf(header, key)
  if (list) {
    if (list.length !== layers) throw corrupt('layer-list', `a list for ${layers} layers has ${list.length} entries`, { key })
    if (list.some((n) => !Number.isInteger(n) || n < 0))
      throw corrupt('layer-list', 'a list for its layers holds impossible numbers', { key })
    return list
  }
  const same = countOf(header, key) ?? fallback
  return Array.from({ length: layers }, () => same)
}

function windowOf(rule: SlidingRule, said: number | null): number {
  if (said === 0) return 0
  if (rule.fixed === 'always' || (rule.fixed === 'where-said' && said !== null)) return rule.window ?? 0
  return rule.fixed ? 0 : (said ?? rule.window ?? 0)
}

function slidingOf(header: GgufHeader, architecture: string, layers: number): { window: number; at: (layer: number) => boolean } | null {
  const rule = slidingRules[architecture]
  if (!rule || (rule.onlyLayers !== undefined && rule.onlyLayers !== layers)) return null
  const said = countOf(header, `${architecture}.attention.sliding_window`)
  const window = windowOf(rule, said)
  if (window === 0) return null
  const patternKey = `${architecture}.attention.sliding_window_pattern`
  const list = rule.layers ? numbersOf(header, patternKey) : null
  // A list may leave out prediction blocks: what it does not name attends to all.
  if (list) return { window, at: (layer) => (list[layer] ?? 0) !== 0 }
  const period = countOf(header, patternKey) ?? rule.period
  if (period === undefined) return null
  const ordinary = layers - predictionLayers(header)
  return {
    window,
    at: (layer) => layer < ordinary && (period === 0 || (rule.denseFirst ? layer % period !== 0 : layer % period < period - 1)),
  }
}

function layersOf(header: GgufHeader, architecture: string, count: number): LayerGeometry[] {
  const key = (name: string) => `${architecture}.${name}`
  const heads = perLayer(header, key('attention.head_count'), count, 0)
  const kvHeads = header.metadata.has(key('attention.head_count_kv')) ? perLayer(header, key('attention.head_count_kv'), count, 0) : heads
  if (kvHeads.some((own, layer) => own > (heads[layer] ?? 0))) throw corrupt('heads', 'a layer has more KV heads than heads')
  const feedForward = perLayer(header, key('feed_forward_length'), count, 0)
  const firstHeads = heads[0] ?? 0
  const headDim = firstHeads > 0 ? Math.floor((countOf(header, key('embedding_length')) ?? 0) / firstHeads) : 0
  const headDimK = countOf(header, key('attention.key_length')) ?? headDim
  const headDimV = countOf(header, key('attention.value_length')) ?? headDim
  const slidingK = countOf(header, key('attention.key_length_swa')) ?? headDimK
  const slidingV = countOf(header, key('attention.value_length_swa')) ?? headDimV
  // MLA keeps the compressed latent as K and no V (llama-kv-cache.cpp, has_v = !is_mla).
  const latent =
    (countOf(header, key('attention.key_length_mla')) ?? 0) > 0 && (countOf(header, key('attention.value_length_mla')) ?? 0) > 0
  const sliding = slidingOf(header, architecture, count)
  const recurrent = recurrentLayers(header, architecture, count, kvHeads, feedForward)
  const stateBytes = recurrentStateBytes(header, architecture, firstHeads, headDimK)
  const sharedFrom = architecture === 'gemma3n' ? 20 : count - (countOf(header, key('attention.shared_kv_layers')) ?? 0)
  const predictions = predictionLayers(header)
  const cacheless = predictions > 0 && (cachelessPrediction.has(architecture) || recurrent.some(Boolean))
  const encoder = isEncoder(header, architecture)

  return Array.from({ length: count }, (_, layer): LayerGeometry => {
    const own = kvHeads[layer] ?? 0
    if (cacheless && layer >= count - predictions) return { kind: 'none' }
    if (recurrent[layer] && architecture !== 'falcon-h1') return { kind: 'recurrent', stateBytes }
    if (encoder || own === 0 || layer >= sharedFrom) return { kind: 'none' }
    if (nemotronArchitectures.has(architecture) && (feedForward[layer] ?? 0) > 0) return { kind: 'none' }
    if (sliding?.at(layer)) return { kind: 'sliding', kvHeads: own, headDimK: slidingK, headDimV: latent ? 0 : slidingV }
    const full = { kind: 'full' as const, kvHeads: own, headDimK, headDimV: latent ? 0 : headDimV }
    // Falcon-H1 has attention and a state in each block.
    return architecture === 'falcon-h1' ? { ...full, stateBytes } : full
  })
}

function recurrentLayers(header: GgufHeader, architecture: string, count: number, kvHeads: number[], feedForward: number[]): boolean[] {
  const ordinary = count - predictionLayers(header)
  const each = (test: (layer: number) => boolean) => Array.from({ length: count }, (_, layer) => layer < ordinary && test(layer))
  if (recurrentArchitectures.has(architecture) || architecture === 'falcon-h1') return each(() => true)
  if (zeroHeadArchitectures.has(architecture)) return each((layer) => kvHeads[layer] === 0)
  if (nemotronArchitectures.has(architecture)) return each((layer) => kvHeads[layer] === 0 && feedForward[layer] === 0)
  const defaultInterval = intervalArchitectures.get(architecture)
  if (defaultInterval === undefined) return each(() => false)
  const list = numbersOf(header, `${architecture}.attention.recurrent_layers`)
  if (list) return each((layer) => (list[layer] ?? 0) !== 0)
  const interval = countOf(header, `${architecture}.full_attention_interval`) ?? defaultInterval
  if (interval === 0) throw corrupt('layer-list', 'its full attention interval is zero')
  return each((layer) => (layer + 1) % interval !== 0)
}

/** (n_embd_r + n_embd_s) × 4 bytes for each layer and sequence. Source: llama-hparams.cpp, `n_embd_r` and `n_embd_s`. */
function recurrentStateBytes(header: GgufHeader, architecture: string, heads: number, headDim: number): number {
  const get = (name: string) => countOf(header, `${architecture}.${name}`) ?? 0
  const width = get('embedding_length')
  const wkv = get('wkv.head_size')
  if (wkv > 0) return ((countOf(header, `${architecture}.token_shift_count`) ?? 2) * width + width * wkv) * 4
  const convolution = Math.max(0, get('ssm.conv_kernel') - 1)
  const inner = get('ssm.inner_size')
  const state = get('ssm.state_size')
  const shortConvolution = get('shortconv.l_cache')
  if (shortConvolution > 0) return (width * (shortConvolution - 1) + state * inner) * 4
  const kda = get('kda.head_dim')
  if (kda > 0) return (3 * (get('ssm.conv_kernel') > 0 ? convolution : 3) * heads * kda + kda * kda * heads) * 4
  const convolutionState = convolution * (inner + 2 * get('ssm.group_count') * state)
  return (convolutionState + (architecture === 'minimax-01' ? headDim * headDim * heads : state * inner)) * 4
}

/** Encoders keep no cache. */
export function isEncoder(header: GgufHeader, architecture: string): boolean {
  return (
    /bert|^t5encoder$|^gemma-embedding$|^llama-embed$/.test(architecture) ||
    header.metadata.get(`${architecture}.attention.causal`) === false
  )
}
