import type { TensorTypeName } from './ggufTypes'
import type { Shape, ShapeTensor } from './shapeKinds'

const fileTypeIds = { F16: 1, Q4_0: 2, Q4_1: 3, Q8_0: 7, Q4_K_M: 15, Q5_K_M: 17, Q6_K: 18, IQ4_XS: 30, BF16: 32, MXFP4_MOE: 38 } as const
export type ShapeQuantization = keyof typeof fileTypeIds
export const fileTypeOf = (quantization: ShapeQuantization): number => fileTypeIds[quantization]

const mainTypes: Record<ShapeQuantization, TensorTypeName> = {
  F16: 'F16',
  Q4_0: 'Q4_0',
  Q4_1: 'Q4_1',
  Q8_0: 'Q8_0',
  Q4_K_M: 'Q4_K',
  Q5_K_M: 'Q5_K',
  Q6_K: 'Q6_K',
  IQ4_XS: 'IQ4_XS',
  BF16: 'BF16',
  MXFP4_MOE: 'Q8_0',
}
/** What llama.cpp takes where rows are no multiple of 256 (`tensor_type_fallback` in llama-quant.cpp). */
const fallbacks: Partial<Record<TensorTypeName, TensorTypeName>> = { Q4_K: 'Q5_0', Q5_K: 'Q5_1', Q6_K: 'Q8_0', IQ4_XS: 'IQ4_NL' }

/** The mixture that llama-quantize makes, without an importance matrix (`llama_tensor_get_type_impl`). */
export function typeOfTensor(
  tensor: ShapeTensor,
  quantization: ShapeQuantization,
  shape: Shape,
  layer: number,
  layers: number,
): TensorTypeName {
  if (tensor.role === 'norm' || tensor.role === 'plain' || tensor.role === 'router') return 'F32'
  const wanted = wantedType(tensor.role, quantization, shape, layer, layers)
  return (tensor.dims[0] ?? 0) % 256 === 0 ? wanted : (fallbacks[wanted] ?? wanted)
}

function wantedType(
  role: ShapeTensor['role'],
  quantization: ShapeQuantization,
  shape: Shape,
  layer: number,
  layers: number,
): TensorTypeName {
  const main = mainTypes[quantization]
  if (quantization === 'F16' || quantization === 'BF16' || quantization === 'Q8_0') return main
  if (quantization === 'MXFP4_MOE') return role === 'experts' || role === 'experts-down' ? 'MXFP4' : 'Q8_0'
  if (role === 'output' || (role === 'embedding' && shape.tied)) return 'Q6_K'
  if (role === 'value' || role === 'down' || role === 'experts-down') {
    if (quantization === 'Q4_K_M' || quantization === 'Q5_K_M') return moreBits(layer, layers) ? 'Q6_K' : main
    const first = role !== 'value' && layer < Math.floor(layers / 8)
    if (quantization === 'IQ4_XS' && (first || (role === 'value' && shape.heads / shape.kvHeads >= 4))) return 'Q5_K'
  }
  return main
}

/** `use_more_bits` there. */
function moreBits(layer: number, layers: number): boolean {
  const eighth = Math.floor(layers / 8)
  return layer < eighth || layer >= Math.floor((7 * layers) / 8) || (layer - eighth) % 3 === 2
}
