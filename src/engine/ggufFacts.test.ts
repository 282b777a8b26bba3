import type { LayerGeometry } from '@shared/domain/gguf'
import { SnugError } from '@shared/errors'
import { expect, test } from 'vitest'
import { factsFromHeader } from './ggufFacts'
import { readHeader, readHeaderFromBytes } from './ggufHeader'
import { type CpuFeatures, plainCpu } from './cpuFeatures'
import { bool, encodeHeader, f32, numbers, text, texts, u32, type WriteTensor, type WriteValue } from './ggufWriter'

type Said = Record<string, number | string | boolean | number[]>
const vocabulary = texts(['<unk>', '<s>', '</s>', 'a'])

async function factsOf(
  architecture: string,
  said: Said,
  options: { tensors?: WriteTensor[]; general?: [string, WriteValue][]; cpu?: CpuFeatures } = {},
) {
  const value = (item: Said[string]): WriteValue => {
    if (typeof item === 'number') return u32(item)
    if (typeof item === 'string') return text(item)
    return typeof item === 'boolean' ? bool(item) : numbers('u32', item)
  }
  const { header, fileSize } = encodeHeader({
    metadata: [
      ['general.architecture', text(architecture)],
      ...(options.general ?? []),
      ...Object.entries(said).map(([key, item]): [string, WriteValue] => [`${architecture}.${key}`, value(item)]),
      ['tokenizer.ggml.tokens', vocabulary],
    ],
    tensors: options.tensors ?? [{ name: 'token_embd.weight', dims: [64, 4], type: 'F32' }],
  })
  const checked = await readHeader({
    size: fileSize,
    read(offset, length) {
      const part = new Uint8Array(length)
      part.set(header.subarray(offset, offset + length))
      return part
    },
  })
  return factsFromHeader(checked, options.cpu ? { parts: [{ name: 'x.gguf', header: checked }], cpu: options.cpu } : {})
}

const base = { context_length: 8192, embedding_length: 2048, feed_forward_length: 8192, 'attention.head_count': 32 }

/** facts/engine.md: cells are padded to 256; sliding layers keep window + batch. */
function cacheBytes(layers: LayerGeometry[], context: number, window: number, batch: number): number {
  const pad = (cells: number) => Math.ceil(cells / 256) * 256
  return layers.reduce((sum, layer) => {
    if (layer.kind === 'full') return sum + pad(context) * layer.kvHeads * (layer.headDimK + layer.headDimV) * 2 + (layer.stateBytes ?? 0)
    if (layer.kind === 'sliding')
      return sum + pad(Math.min(context, window + batch)) * layer.kvHeads * (layer.headDimK + layer.headDimV) * 2
    return sum + (layer.kind === 'recurrent' ? layer.stateBytes : 0)
  }, 0)
}
const MiB = 1024 ** 2
const kinds = (layers: LayerGeometry[]) => layers.map((layer) => layer.kind[0]).join('')

test('llama 1B: 128 MiB of KV cache at 4,096', async () => {
  const { geometry } = await factsOf('llama', {
    ...base,
    block_count: 16,
    'attention.head_count_kv': 8,
    'attention.key_length': 64,
    'attention.value_length': 64,
  })
  expect(geometry.layers).toHaveLength(16)
  expect(cacheBytes(geometry.layers, 4096, 0, 512) / MiB).toBe(128)
})

test('head width comes from the embedding where no key says it; no KV heads means as many as heads', async () => {
  const { geometry } = await factsOf('llama', { ...base, block_count: 1 })
  expect(geometry.layers).toEqual([{ kind: 'full', kvHeads: 32, headDimK: 64, headDimV: 64 }])
})

test('gemma 3 4B: 5 full layers 320 MiB and 29 sliding ones 203 MiB at 16,384', async () => {
  const { geometry } = await factsOf('gemma3', {
    ...base,
    block_count: 34,
    'attention.head_count': 8,
    'attention.head_count_kv': 4,
    'attention.key_length': 256,
    'attention.value_length': 256,
    'attention.sliding_window': 1024,
  })
  expect(geometry.slidingWindow).toBe(1024)
  const part = (kind: string) =>
    cacheBytes(
      geometry.layers.filter((layer) => layer.kind === kind),
      16384,
      1024,
      513,
    ) / MiB
  expect([part('full'), part('sliding')]).toEqual([320, 203])
})

test('sliding patterns of other families', async () => {
  const pattern = async (architecture: string, said: Said) => kinds((await factsOf(architecture, { ...base, ...said })).geometry.layers)
  expect(await pattern('gpt-oss', { block_count: 4, 'attention.sliding_window': 128 })).toBe('sfsf')
  expect(await pattern('gemma2', { block_count: 4 })).toBe('sfsf')
  expect(await pattern('cohere2', { block_count: 5, 'attention.sliding_window': 4096 })).toBe('sssfs')
  expect(await pattern('smallthinker', { block_count: 5, 'attention.sliding_window': 4096 })).toBe('fsssf')
  expect(await pattern('llama4', { block_count: 4 })).toBe('sssf')
  expect(await pattern('llama4', { block_count: 4, 'attention.sliding_window': 0 })).toBe('ffff')
  // Switched off in llama.cpp, and a window alone says nothing for other families.
  expect(await pattern('phi3', { block_count: 2, 'attention.sliding_window': 2048 })).toBe('ff')
  expect(await pattern('llama', { block_count: 2, 'attention.sliding_window': 4096 })).toBe('ff')
})

test('gemma 4: listed layers, own widths, shared layers own nothing', async () => {
  const { geometry } = await factsOf('gemma4', {
    ...base,
    block_count: 6,
    'attention.head_count_kv': [2, 1, 2, 1, 2, 1],
    'attention.key_length': 512,
    'attention.value_length': 512,
    'attention.key_length_swa': 256,
    'attention.value_length_swa': 256,
    'attention.sliding_window': 512,
    'attention.sliding_window_pattern': [1, 0, 1, 0, 1, 0],
    'attention.shared_kv_layers': 2,
  })
  expect(geometry.layers).toEqual([
    { kind: 'sliding', kvHeads: 2, headDimK: 256, headDimV: 256 },
    { kind: 'full', kvHeads: 1, headDimK: 512, headDimV: 512 },
    { kind: 'sliding', kvHeads: 2, headDimK: 256, headDimV: 256 },
    { kind: 'full', kvHeads: 1, headDimK: 512, headDimV: 512 },
    { kind: 'none' },
    { kind: 'none' },
  ])
})

test('deepseek2 with MLA caches the latent as K, and no V', async () => {
  const mla = {
    'attention.key_length': 576,
    'attention.value_length': 512,
    'attention.key_length_mla': 192,
    'attention.value_length_mla': 128,
  }
  const { geometry } = await factsOf('deepseek2', { ...base, block_count: 1, 'attention.head_count_kv': 1, ...mla })
  expect(geometry.layers).toEqual([{ kind: 'full', kvHeads: 1, headDimK: 576, headDimV: 0 }])
})

test('qwen35: three of four layers keep a state, prediction blocks neither', async () => {
  const { geometry } = await factsOf('qwen35', {
    ...base,
    block_count: 9,
    nextn_predict_layers: 1,
    'attention.head_count_kv': 2,
    'attention.key_length': 256,
    'attention.value_length': 256,
    'ssm.conv_kernel': 4,
    'ssm.inner_size': 2048,
    'ssm.state_size': 128,
    'ssm.group_count': 16,
  })
  expect(kinds(geometry.layers)).toBe('rrrfrrrfn')
  // (4 − 1) × (2048 + 2 × 16 × 128) + 128 × 2048 values of 4 bytes.
  expect(geometry.layers[0]).toEqual({ kind: 'recurrent', stateBytes: (3 * (2048 + 4096) + 128 * 2048) * 4 })
})

test('hybrids by KV heads, and purely recurrent families', async () => {
  const ssm = { 'ssm.conv_kernel': 4, 'ssm.inner_size': 3072, 'ssm.state_size': 128, 'ssm.group_count': 1 }
  const state = { kind: 'recurrent', stateBytes: (3 * (3072 + 256) + 128 * 3072) * 4 }
  const granite = await factsOf('granitehybrid', { ...base, block_count: 3, 'attention.head_count_kv': [0, 8, 0], ...ssm })
  expect(granite.geometry.layers).toEqual([state, { kind: 'full', kvHeads: 8, headDimK: 64, headDimV: 64 }, state])

  const nemotron = { ...base, block_count: 3, 'attention.head_count_kv': [0, 0, 2], feed_forward_length: [0, 1856, 0], ...ssm }
  expect(kinds((await factsOf('nemotron_h', nemotron)).geometry.layers)).toBe('rnf')

  const lfm = await factsOf('lfm2', { ...base, block_count: 2, 'attention.head_count_kv': [0, 8], 'shortconv.l_cache': 3 })
  expect(lfm.geometry.layers).toEqual([
    { kind: 'recurrent', stateBytes: 2048 * 2 * 4 },
    { kind: 'full', kvHeads: 8, headDimK: 64, headDimV: 64 },
  ])
  const mamba = await factsOf('mamba', { context_length: 1024, embedding_length: 768, block_count: 1, ...ssm, 'ssm.group_count': 0 })
  expect(mamba.geometry.layers).toEqual([{ kind: 'recurrent', stateBytes: (3 * 3072 + 128 * 3072) * 4 }])
  const rwkv = await factsOf('rwkv7', { context_length: 1024, embedding_length: 768, block_count: 1, 'wkv.head_size': 64 })
  expect(rwkv.geometry.layers).toEqual([{ kind: 'recurrent', stateBytes: (2 * 768 + 768 * 64) * 4 }])
  const falcon = await factsOf('falcon-h1', { ...base, block_count: 1, 'attention.head_count_kv': 2, ...ssm })
  expect(falcon.geometry.layers).toEqual([{ kind: 'full', kvHeads: 2, headDimK: 64, headDimV: 64, stateBytes: state.stateBytes }])
})

const mixture: WriteTensor[] = [
  { name: 'token_embd.weight', dims: [256, 512], type: 'Q4_K' },
  { name: 'output.weight', dims: [256, 512], type: 'Q6_K' },
  { name: 'output_norm.weight', dims: [256], type: 'F32' },
  { name: 'blk.0.attn_q.weight', dims: [256, 256], type: 'Q4_K' },
  { name: 'blk.0.attn_k.weight', dims: [256, 12], type: 'Q4_K' },
  { name: 'blk.0.ffn_gate_inp.weight', dims: [256, 8], type: 'F32' },
  { name: 'blk.0.ffn_up_exps.weight', dims: [256, 64, 8], type: 'Q4_K' },
  { name: 'blk.0.attn_k_b.weight', dims: [256, 8, 2], type: 'Q4_0' },
  { name: 'blk.0.ffn_norm.weight', dims: [256], type: 'F32' },
]
const mixtureSaid = { ...base, embedding_length: 256, block_count: 1, expert_count: 8, expert_used_count: 2 }

test('a mixture reads only the experts used; weights are told by place', async () => {
  const facts = await factsOf('qwen3moe', mixtureSaid, { tensors: mixture, general: [['general.file_type', u32(15)]] })
  const q4k = (elements: number) => (elements / 256) * 144
  const experts = q4k(256 * 64 * 8)
  const layer = q4k(256 * 256) + q4k(256 * 12) + 256 * 8 * 4 + experts + (256 * 8 * 2 * 18) / 32 + 1024
  expect(facts.weights).toMatchObject({
    tokenEmbeddingBytes: q4k(256 * 512),
    outputBytes: 512 * 210,
    outputIsTied: false,
    layerBytes: [layer],
    activeLayerBytes: [layer - (experts * 6) / 8],
    totalBytes: layer + q4k(256 * 512) + 512 * 210 + 1024,
  })
  expect(facts.geometry.experts).toEqual({ count: 8, used: 2 })
  expect(facts.parameters - facts.activeParameters).toBe((256 * 64 * 8 * 6) / 8)
  expect(facts.quantization).toBe('Q4_K_M')
  expect(facts.bitsPerWeight).toBeCloseTo((facts.weights.totalBytes * 8) / facts.parameters, 10)
})

test('repacked: matrices and expert stacks of some types with rows in eights, never the token embedding', async () => {
  const options = { tensors: mixture }
  const { weights } = await factsOf('qwen3moe', mixtureSaid, options)
  // attn_k has 12 rows, attn_k_b is a stack but no experts.
  expect(weights.repackableBytes).toBe(((256 * 256 + 256 * 64 * 8) / 256) * 144)
  // From the token embedding, which comes first, to the last norm: here nothing at either end is repacked.
  expect(weights.mappedBytesWhenRepacked).toBe(weights.totalBytes)
  const without = await factsOf('qwen3moe', mixtureSaid, { ...options, cpu: { ...plainCpu, avx2: false } })
  expect(without.weights.repackableBytes).toBe(0)
  const arm = await factsOf('qwen3moe', mixtureSaid, { ...options, cpu: { ...plainCpu, family: 'arm' } })
  expect(arm.weights.repackableBytes).toBe(weights.repackableBytes + 512 * 210)
})

test('AMX: all matrices but experts in a layout of its own, a tied embedding once more for the output', async () => {
  const cpu = { ...plainCpu, amx: true }
  const tensors = mixture.filter(({ name }) => !name.includes('attn_k_b'))
  const { weights } = await factsOf('qwen3moe', mixtureSaid, { tensors, cpu })
  const q4k = (elements: number) => (elements / 256) * 144
  const [attention, experts, output] = [q4k(256 * 256), q4k(256 * 64 * 8), 512 * 210]
  // attn_k has 12 rows, no 32s. Experts are interleaved; Q6_K keeps its size, Q4_K gets 4 bytes a block.
  expect(weights.repackableBytes).toBe((attention * 148) / 144 + experts + output)
  expect(weights.plainBytesWhenRepacked).toBe(weights.totalBytes - attention - experts - output)

  const tied: WriteTensor[] = [
    { name: 'token_embd.weight', dims: [256, 512], type: 'Q8_0' },
    { name: 'blk.0.ffn_up.weight', dims: [64, 32], type: 'F16' },
    { name: 'blk.0.attn_norm.weight', dims: [256], type: 'F16' },
  ]
  const facts = await factsOf('llama', { ...base, block_count: 1 }, { tensors: tied, cpu })
  const embedding = (256 * 512 * 34) / 32
  expect(facts.weights.repackableBytes).toBe((embedding * 38) / 34 + 64 * 32 * 2)
  expect(facts.weights.plainBytesWhenRepacked).toBe(embedding + 512)
})

test('a stack of matrices that are no experts is told, and such a model counts as run without AMX', async () => {
  const plain = await factsOf('qwen3moe', mixtureSaid, { tensors: mixture })
  const amx = await factsOf('qwen3moe', mixtureSaid, { tensors: mixture, cpu: { ...plainCpu, amx: true } })
  expect(plain.weights.stacked).toBe(true)
  expect(amx.weights).toEqual(plain.weights)
})

test('the name of the quantization: the file’s own where its tensors bear it out', async () => {
  const named = async (type: WriteTensor['type'], fileType?: number) => {
    const tensors: WriteTensor[] = [
      { name: 'token_embd.weight', dims: [256, 64], type },
      { name: 'output_norm.weight', dims: [256], type: 'F32' },
    ]
    const general: [string, WriteValue][] = fileType === undefined ? [] : [['general.file_type', u32(fileType)]]
    return (await factsOf('llama', { ...base, block_count: 1 }, { tensors, general })).quantization
  }
  expect(await named('Q4_K', 14)).toBe('Q4_K_S')
  expect(await named('Q4_K', 0)).toBe('Q4_K_M')
  expect(await named('Q5_K')).toBe('Q5_K_M')
  expect(await named('IQ4_XS', 30)).toBe('IQ4_XS')
  expect(await named('BF16', 1)).toBe('BF16')
  expect(await named('MXFP4', 38)).toBe('MXFP4_MOE')
})

test('what kind of file it is, its licence and its sampling', async () => {
  const one = { ...base, block_count: 1 }
  expect((await factsOf('bert', one)).kind).toBe('embedding')
  expect((await factsOf('qwen3', { ...one, pooling_type: 3 })).kind).toBe('embedding')
  expect((await factsOf('clip', {})).kind).toBe('projector')
  expect((await factsOf('llama', {}, { general: [['general.type', text('adapter')]] })).kind).toBe('adapter')
  const facts = await factsOf('llama', one, {
    general: [
      ['general.license', text('apache-2.0')],
      ['general.sampling.temp', f32(0.5)],
      ['general.sampling.top_k', u32(20)],
    ],
  })
  expect(facts).toMatchObject({ kind: 'model', licence: 'apache-2.0', sampling: { temperature: 0.5, topK: 20 }, scripted: false })
  expect((await factsOf('llama', one)).sampling).toBeNull()
})

test('what llama.cpp would abort on is refused', async () => {
  const refused = async (architecture: string, said: Said) => {
    const error: unknown = await factsOf(architecture, said).catch((reason: unknown) => reason)
    return error instanceof SnugError ? `${error.code} ${String(error.data.problem)}` : error
  }
  expect(await refused('llama', { ...base })).toBe('model/corrupt-file missing-fact')
  expect(await refused('llama', { ...base, block_count: 0 })).toBe('model/corrupt-file missing-fact')
  expect(await refused('llama', { ...base, block_count: 513 })).toBe('model/unsupported too-many-layers')
  expect(await refused('llama', { ...base, block_count: 2, 'attention.head_count_kv': [1] })).toBe('model/corrupt-file layer-list')
  expect(await refused('llama', { ...base, block_count: 1, expert_count: 4, expert_used_count: 5 })).toBe('model/corrupt-file experts')
  expect(await refused('llama', { ...base, block_count: 1, 'attention.head_count_kv': 33 })).toBe('model/corrupt-file heads')
  expect(await refused('llama', { ...base, block_count: 1, expert_count: 4 })).toBe('model/corrupt-file experts')
  expect(await refused('llama', { ...base, block_count: 1, expert_count: 2000, expert_used_count: 4 })).toBe(
    'model/unsupported too-many-experts',
  )
  expect(await refused('qwen35', { ...base, block_count: 1, full_attention_interval: 0 })).toBe('model/corrupt-file layer-list')
})

test('vocabularies that abort llama.cpp are refused', async () => {
  const refused = async (tokens: string[], rest: [string, WriteValue][] = []) => {
    const { header, fileSize } = encodeHeader({
      metadata: [
        ['general.architecture', text('llama')],
        ...Object.entries(base).map(([key, value]): [string, WriteValue] => [`llama.${key}`, u32(value)]),
        ['llama.block_count', u32(1)],
        ['tokenizer.ggml.model', text('llama')],
        ['tokenizer.ggml.tokens', texts(tokens)],
        ...rest,
      ],
      tensors: [{ name: 'token_embd.weight', dims: [64, 1], type: 'F32' }],
    })
    const bytes = new Uint8Array(fileSize)
    bytes.set(header)
    const error: unknown = await Promise.resolve()
      .then(() => factsFromHeader(readHeaderFromBytes(bytes)))
      .catch((reason: unknown) => reason)
    return error instanceof SnugError ? String(error.data.problem) : 'accepted'
  }
  const bytes = Array.from({ length: 256 }, (_, i) => `<0x${i.toString(16).toUpperCase().padStart(2, '0')}>`)
  expect(await refused(['a', 'b', '', ''])).toBe('accepted')
  expect(await refused(['a', 'b', 'a'])).toBe('vocabulary')
  expect(await refused(['a', 'b', 'a\0c'])).toBe('vocabulary')
  expect(await refused(bytes)).toBe('accepted')
  expect(await refused(bytes.slice(1))).toBe('vocabulary')
  expect(await refused(['a', 'b'], [['tokenizer.ggml.token_type', numbers('i32', [1])]])).toBe('vocabulary')
  expect(await refused(['a', 'b'], [['tokenizer.ggml.scores', numbers('u8', [1, 1])]])).toBe('vocabulary')
})
