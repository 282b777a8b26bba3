import { f32, numbers, u32, type WriteValue } from './ggufWriter'

/** Real tensor shapes of real architectures. `role` decides the type at a quantization. Sources: the headers of the published files, and
 * `load_arch_tensors` of each architecture in llama.cpp v0.4.0 (src/models). */
export interface ShapeTensor {
  name: string
  dims: number[]
  role: 'embedding' | 'output' | 'value' | 'down' | 'experts' | 'experts-down' | 'matrix' | 'router' | 'plain' | 'norm'
}

export interface Shape {
  architecture: string
  layers: number
  contextSize: number
  width: number
  feedForward: number
  heads: number
  kvHeads: number
  headDim: number
  vocabulary: number
  /** `gpt2` is BPE with merges, `llama` is SPM with scores. */
  tokenizer: 'gpt2' | 'llama'
  pre: string
  tied: boolean
  /** Besides what every model says; `layers` is the number that is written. */
  metadata(layers: number): [name: string, value: WriteValue][]
  block(layer: number): ShapeTensor[]
}

type Plain = Omit<Shape, 'metadata' | 'block'>

const norm = (name: string, ...dims: number[]): ShapeTensor => ({ name: `${name}.weight`, dims, role: 'norm' })
const matrix = (name: string, rows: number, columns: number, role: ShapeTensor['role'] = 'matrix'): ShapeTensor => ({
  name: `${name}.weight`,
  dims: [rows, columns],
  role,
})
const plain = (name: string, ...dims: number[]): ShapeTensor => ({ name, dims, role: 'plain' })
const experts = (name: string, from: number, to: number, count: number): ShapeTensor => ({
  name: `${name}.weight`,
  dims: [from, to, count],
  role: name === 'ffn_down_exps' ? 'experts-down' : 'experts',
})

function attention(s: Plain, queryFactor = 1): ShapeTensor[] {
  return [
    norm('attn_norm', s.width),
    matrix('attn_q', s.width, s.heads * s.headDim * queryFactor),
    matrix('attn_k', s.width, s.kvHeads * s.headDim),
    matrix('attn_v', s.width, s.kvHeads * s.headDim, 'value'),
    matrix('attn_output', s.heads * s.headDim, s.width),
  ]
}

const headNorms = (s: Plain) => [norm('attn_q_norm', s.headDim), norm('attn_k_norm', s.headDim)]

function feedForward(s: Plain): ShapeTensor[] {
  return [
    norm('ffn_norm', s.width),
    matrix('ffn_gate', s.width, s.feedForward),
    matrix('ffn_up', s.width, s.feedForward),
    matrix('ffn_down', s.feedForward, s.width, 'down'),
  ]
}

function mixture(s: Plain, count: number, expertWidth: number): ShapeTensor[] {
  return [
    { name: 'ffn_gate_inp.weight', dims: [s.width, count], role: 'router' },
    experts('ffn_gate_exps', s.width, expertWidth, count),
    experts('ffn_up_exps', s.width, expertWidth, count),
    experts('ffn_down_exps', expertWidth, s.width, count),
  ]
}

const mixtureKeys = (count: number, used: number, width: number): [string, WriteValue][] => [
  ['expert_count', u32(count)],
  ['expert_used_count', u32(used)],
  ['expert_feed_forward_length', u32(width)],
]
const kvHeadsKey = (s: Plain): [string, WriteValue] => ['attention.head_count_kv', u32(s.kvHeads)]

export function llama(s: Plain): Shape {
  return { ...s, metadata: () => [kvHeadsKey(s), ['rope.freq_base', f32(500_000)]], block: () => [...attention(s), ...feedForward(s)] }
}

export function qwen3(s: Plain): Shape {
  return {
    ...s,
    metadata: () => [kvHeadsKey(s), ['rope.freq_base', f32(1e6)]],
    block: () => [...attention(s), ...headNorms(s), ...feedForward(s)],
  }
}

export function gemma3(s: Plain, window: number): Shape {
  return {
    ...s,
    metadata: () => [kvHeadsKey(s), ['attention.sliding_window', u32(window)], ['rope.freq_base', f32(1e6)]],
    block: () => [
      ...attention(s),
      ...headNorms(s),
      norm('post_attention_norm', s.width),
      ...feedForward(s),
      norm('post_ffw_norm', s.width),
    ],
  }
}

export function qwen3moe(s: Plain, count: number, used: number, width: number): Shape {
  return {
    ...s,
    metadata: () => [kvHeadsKey(s), ...mixtureKeys(count, used, width), ['rope.freq_base', f32(1e6)]],
    block: () => [...attention(s), ...headNorms(s), norm('ffn_norm', s.width), ...mixture(s, count, width)],
  }
}

export function gptOss(s: Plain, count: number, used: number, window: number): Shape {
  return {
    ...s,
    metadata: () => [
      kvHeadsKey(s),
      ...mixtureKeys(count, used, s.feedForward),
      ['attention.sliding_window', u32(window)],
      ['rope.freq_base', f32(150_000)],
    ],
    block: () => [
      ...attention(s),
      plain('attn_q.bias', s.heads * s.headDim),
      plain('attn_k.bias', s.kvHeads * s.headDim),
      plain('attn_v.bias', s.kvHeads * s.headDim),
      plain('attn_output.bias', s.width),
      plain('attn_sinks.weight', s.heads),
      norm('post_attention_norm', s.width),
      ...mixture(s, count, s.feedForward),
      plain('ffn_gate_inp.bias', count),
      plain('ffn_gate_exps.bias', s.feedForward, count),
      plain('ffn_up_exps.bias', s.feedForward, count),
      plain('ffn_down_exps.bias', s.width, count),
    ],
  }
}

interface Latent {
  queryRank: number
  rank: number
  nope: number
  rope: number
  value: number
  experts: number
  used: number
  expertWidth: number
  shared: number
  denseLayers: number
}

export function deepseek2(s: Plain, l: Latent): Shape {
  return {
    ...s,
    metadata: () => [
      kvHeadsKey(s),
      ...mixtureKeys(l.experts, l.used, l.expertWidth),
      ['expert_shared_count', u32(l.shared)],
      ['leading_dense_block_count', u32(l.denseLayers)],
      ['attention.q_lora_rank', u32(l.queryRank)],
      ['attention.kv_lora_rank', u32(l.rank)],
      ['attention.key_length_mla', u32(l.nope + l.rope)],
      ['attention.value_length_mla', u32(l.value)],
      ['rope.dimension_count', u32(l.rope)],
      ['expert_weights_scale', f32(1)],
    ],
    block: (layer) => [
      norm('attn_norm', s.width),
      norm('attn_q_a_norm', l.queryRank),
      norm('attn_kv_a_norm', l.rank),
      matrix('attn_q_a', s.width, l.queryRank),
      matrix('attn_q_b', l.queryRank, s.heads * (l.nope + l.rope)),
      matrix('attn_kv_a_mqa', s.width, l.rank + l.rope),
      { name: 'attn_k_b.weight', dims: [l.nope, l.rank, s.heads], role: 'matrix' },
      { name: 'attn_v_b.weight', dims: [l.rank, l.value, s.heads], role: 'value' },
      matrix('attn_output', s.heads * l.value, s.width),
      ...(layer < l.denseLayers
        ? feedForward(s)
        : [
            norm('ffn_norm', s.width),
            ...mixture(s, l.experts, l.expertWidth),
            matrix('ffn_gate_shexp', s.width, l.expertWidth * l.shared),
            matrix('ffn_up_shexp', s.width, l.expertWidth * l.shared),
            matrix('ffn_down_shexp', l.expertWidth * l.shared, s.width, 'down'),
          ]),
    ],
  }
}

interface Recurrent {
  convolution: number
  inner: number
  state: number
  groups: number
  /** Value heads (Qwen) or state heads (Mamba 2). */
  rank: number
  /** Attention in layer i. */
  attends(layer: number): boolean
}

const recurrentKeys = (r: Recurrent): [string, WriteValue][] => [
  ['ssm.conv_kernel', u32(r.convolution)],
  ['ssm.inner_size', u32(r.inner)],
  ['ssm.state_size', u32(r.state)],
  ['ssm.group_count', u32(r.groups)],
  ['ssm.time_step_rank', u32(r.rank)],
]

export function qwen35(s: Plain, r: Recurrent): Shape {
  const keys = r.state * r.groups
  const values = r.state * r.rank
  return {
    ...s,
    metadata: () => [
      kvHeadsKey(s),
      ...recurrentKeys(r),
      ['full_attention_interval', u32(4)],
      ['rope.dimension_count', u32(64)],
      ['rope.dimension_sections', numbers('i32', [11, 11, 10, 0])],
      ['rope.freq_base', f32(1e7)],
    ],
    block: (layer) => [
      ...(r.attends(layer)
        ? [...attention(s, 2), ...headNorms(s)]
        : [
            norm('attn_norm', s.width),
            matrix('attn_qkv', s.width, keys * 2 + values),
            matrix('attn_gate', s.width, values),
            plain('ssm_conv1d.weight', r.convolution, keys * 2 + values),
            plain('ssm_dt.bias', r.rank),
            plain('ssm_a', r.rank),
            matrix('ssm_beta', s.width, r.rank),
            matrix('ssm_alpha', s.width, r.rank),
            norm('ssm_norm', r.state),
            matrix('ssm_out', values, s.width),
          ]),
      norm('post_attention_norm', s.width),
      ...feedForward(s).slice(1),
    ],
  }
}

export function graniteHybrid(s: Plain, r: Recurrent): Shape {
  return {
    ...s,
    metadata: (layers) => [
      [
        'attention.head_count_kv',
        numbers(
          'u32',
          Array.from({ length: layers }, (_, layer) => (r.attends(layer) ? s.kvHeads : 0)),
        ),
      ],
      ...recurrentKeys(r),
    ],
    block: (layer) => [
      ...(r.attends(layer)
        ? attention(s)
        : [
            norm('attn_norm', s.width),
            matrix('ssm_in', s.width, 2 * r.inner + 2 * r.groups * r.state + r.rank),
            plain('ssm_conv1d.weight', r.convolution, r.inner + 2 * r.groups * r.state),
            plain('ssm_conv1d.bias', r.inner + 2 * r.groups * r.state),
            plain('ssm_dt.bias', r.rank),
            plain('ssm_a', 1, r.rank),
            plain('ssm_d', 1, r.rank),
            norm('ssm_norm', r.inner / r.groups, r.groups),
            matrix('ssm_out', r.inner, s.width),
          ]),
      ...feedForward(s),
    ],
  }
}
