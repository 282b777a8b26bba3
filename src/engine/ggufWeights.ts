import { amxGrowth } from '@shared/domain/amx'
import type { WeightFacts } from '@shared/domain/gguf'
import type { CpuFeatures } from './cpuFeatures'
import { predictionLayers } from './ggufGeometry'
import type { GgufHeader, GgufTensor } from './ggufHeader'
import type { TensorTypeName } from './ggufTypes'

/** Read row by row from RAM, whatever runs on a GPU (LLM_TENSOR_LAYER_INPUT in llama-arch.cpp). */
const inputTensors = /^(token_embd|position_embd|token_types|per_layer_token_embd)\./
/** llama.cpp skips the prediction blocks of these unless asked to load them (`load_mtp`, off in node-llama-cpp). */
const skipPrediction = new Set(
  'deepseek2 deepseek32 deepseek4 qwen3next qwen35 qwen35moe step35 bailingmoe3 cohere2moe nemotron_h nemotron_h_moe hy_v3 glm-dsa glm4moe mimo2'.split(
    ' ',
  ),
)

/** No device that llama.cpp uses takes less in one tensor (Vulkan promises 2²⁷ bytes, `maxStorageBufferRange`). */
const leastRefusedBytes = 2 ** 27

export interface CountedTensor extends GgufTensor {
  /** The block, null outside of them. */
  layer: number | null
  /** A stack of all experts, or one expert's own matrix. */
  expert: boolean
}

export function countedTensors(header: GgufHeader, tensors: readonly GgufTensor[], architecture: string, layers: number): CountedTensor[] {
  const skipped = skipPrediction.has(architecture) ? layers - predictionLayers(header) : layers
  return tensors.flatMap((tensor): CountedTensor[] => {
    const block = /^blk\.(\d+)\./.exec(tensor.name)
    const layer = block ? Number(block[1]) : null
    if (layer !== null && layer >= skipped && layer < layers) return []
    return [{ ...tensor, layer: layer !== null && layer < layers ? layer : null, expert: isExpert(tensor.name) }]
  })
}

function isExpert(name: string): boolean {
  return /_(ch)?exps\./.test(name) || /\.ffn_(gate|up|down)\.\d+\./.test(name)
}

/** Share of a tensor read for one token: a mixture reads only the experts used. */
export function activeShare(tensor: CountedTensor, experts: { count: number; used: number } | null): number {
  return tensor.expert && experts ? experts.used / experts.count : 1
}

export function weightsOf(
  files: readonly CountedTensor[][],
  layers: number,
  experts: { count: number; used: number } | null,
  given: CpuFeatures,
): WeightFacts {
  const all = files.flat()
  const cpu = cpuFor(all, given)
  const layerBytes = Array.from({ length: layers }, () => 0)
  const activeLayerBytes = Array.from({ length: layers }, () => 0)
  const bytesByType: Record<string, number> = {}
  const activeBytesByType: Record<string, number> = {}
  const outputName = all.some((tensor) => tensor.name === 'output.weight') ? 'output.weight' : 'token_embd.weight'
  for (const tensor of all) {
    bytesByType[tensor.type] = (bytesByType[tensor.type] ?? 0) + tensor.bytes
    const isOutput = tensor.name === outputName
    const active = tensor.layer === null ? (isOutput ? tensor.bytes : 0) : tensor.bytes * activeShare(tensor, experts)
    if (active > 0) activeBytesByType[tensor.type] = (activeBytesByType[tensor.type] ?? 0) + Math.round(active)
    if (tensor.layer === null) continue
    layerBytes[tensor.layer] = (layerBytes[tensor.layer] ?? 0) + tensor.bytes
    activeLayerBytes[tensor.layer] = (activeLayerBytes[tensor.layer] ?? 0) + tensor.bytes * activeShare(tensor, experts)
  }
  const output = all.filter((tensor) => tensor.name === 'output.weight')
  const embedding = all.filter((tensor) => tensor.name === 'token_embd.weight')
  return {
    totalBytes: sumBytes(all),
    tokenEmbeddingBytes: sumBytes(all.filter((tensor) => inputTensors.test(tensor.name))),
    outputBytes: sumBytes(output.length > 0 ? output : embedding),
    outputIsTied: output.length === 0,
    stacked: all.some(isStacked),
    largeTensors: all.flatMap((tensor) => {
      const isOutput = tensor.name === outputName
      if (tensor.bytes <= leastRefusedBytes || (tensor.layer === null && !isOutput)) return []
      return [{ layer: tensor.layer, bytes: tensor.bytes, copyBytes: isOutput ? outputCopyBytes(tensor, given) : copyBytes(tensor, given) }]
    }),
    layerBytes,
    activeLayerBytes: activeLayerBytes.map(Math.round),
    bytesByType,
    activeBytesByType,
    repackableBytes:
      all.reduce((sum, tensor) => sum + copyBytes(tensor, cpu), 0) +
      embedding.reduce((sum, tensor) => sum + (output.length > 0 ? 0 : outputCopyBytes(tensor, cpu)), 0),
    plainBytesWhenRepacked: sumBytes(all.filter((tensor) => copyBytes(tensor, cpu) === 0)),
    mappedBytesWhenRepacked: files.reduce((sum, file) => sum + mappedRange(file.filter((tensor) => copyBytes(tensor, cpu) === 0)), 0),
  }
}

const sumBytes = (tensors: readonly GgufTensor[]) => tensors.reduce((sum, tensor) => sum + tensor.bytes, 0)

/** With mmap llama.cpp keeps, for each file, the range from the first to the last tensor that lies in a plain CPU buffer. */
function mappedRange(tensors: readonly GgufTensor[]): number {
  if (tensors.length === 0) return 0
  let first = Number.MAX_SAFE_INTEGER
  let last = 0
  for (const tensor of tensors) {
    first = Math.min(first, tensor.offset)
    last = Math.max(last, tensor.offset + tensor.bytes)
  }
  return last - first
}

/** Rows must come in groups of this many. Source: `ggml_repack_get_optimal_repack_type` in ggml-cpu/repack.cpp; ARM with dotprod assumed. */
const x86Rows: Partial<Record<TensorTypeName, number>> = { Q4_0: 8, Q4_K: 8, IQ4_NL: 8, MXFP4: 8 }
const armRows: Partial<Record<TensorTypeName, number>> = { Q4_0: 4, Q4_K: 8, Q5_K: 8, Q6_K: 8, IQ4_NL: 4, MXFP4: 4, Q8_0: 4 }

/** A model with such a stack runs on llama.cpp's build without AMX (cpuBuild.ts), unless a card is there, beside which only large tensors count. */
function cpuFor(tensors: readonly GgufTensor[], cpu: CpuFeatures): CpuFeatures {
  return cpu.amx && tensors.some(isStacked) ? { ...cpu, amx: false } : cpu
}

/** Matrices one above the other that are no experts, of a type that AMX would take. */
export function isStacked({ name, dims, type }: GgufTensor): boolean {
  return dims.length > 2 && !isExpert(name) && amxGrowth[type] !== undefined
}

/** What a matrix takes in the layout that the processor computes it from; 0: it stays as it is in the file. */
export function copyBytes(tensor: GgufTensor, cpu: CpuFeatures): number {
  return inputTensors.test(tensor.name) ? 0 : outputCopyBytes(tensor, cpu)
}

/** The same where a tied token embedding is the output matrix: then it is copied, and stays for the input as well (TENSOR_DUPLICATED). */
export function outputCopyBytes(tensor: GgufTensor, cpu: CpuFeatures): number {
  return amxBytes(tensor, cpu) || (isInterleaved(tensor, cpu) ? tensor.bytes : 0)
}

/** Matrices only, and stacks of them only for experts (`supports_op` there: MUL_MAT with 2, MUL_MAT_ID with 3 dimensions). */
function isInterleaved(tensor: GgufTensor, cpu: CpuFeatures): boolean {
  if (tensor.dims.length !== (isExpert(tensor.name) && tensor.dims.length === 3 ? 3 : 2)) return false
  const rows = rowsOf(tensor.type, cpu)
  return rows !== undefined && (tensor.dims[1] ?? 1) % rows === 0
}

/** Asked before the interleaved layout: rows in 32s, columns in whole blocks, no experts (`supports_op` in ggml-cpu/amx/amx.cpp). */
function amxBytes(tensor: GgufTensor, cpu: CpuFeatures): number {
  const growth = amxGrowth[tensor.type]
  const [columns = 0, rows = 0] = tensor.dims
  if (!cpu.amx || growth === undefined || isExpert(tensor.name) || tensor.dims.length !== 2) return 0
  return rows % 32 === 0 && columns % (tensor.type === 'F16' ? 16 : blockElements(tensor.type)) === 0 ? tensor.bytes * growth : 0
}

function blockElements(type: TensorTypeName): number {
  return /_K$|^IQ4_XS$/.test(type) ? 256 : 32
}

function rowsOf(type: TensorTypeName, cpu: CpuFeatures): number | undefined {
  if (cpu.family === 'arm') return armRows[type]
  if (cpu.family === 'other' || !cpu.avx2) return undefined
  return type === 'Q2_K' && cpu.avx512 ? 8 : x86Rows[type]
}
