/** Block sizes of ggml's tensor types: [elements per block, bytes per block]. Source: ggml.h and gguf-py `GGML_QUANT_SIZES` of llama.cpp v0.4.0. */
const table = {
  F32: [0, 1, 4],
  F16: [1, 1, 2],
  Q4_0: [2, 32, 18],
  Q4_1: [3, 32, 20],
  Q5_0: [6, 32, 22],
  Q5_1: [7, 32, 24],
  Q8_0: [8, 32, 34],
  Q8_1: [9, 32, 36],
  Q2_K: [10, 256, 84],
  Q3_K: [11, 256, 110],
  Q4_K: [12, 256, 144],
  Q5_K: [13, 256, 176],
  Q6_K: [14, 256, 210],
  Q8_K: [15, 256, 292],
  IQ2_XXS: [16, 256, 66],
  IQ2_XS: [17, 256, 74],
  IQ3_XXS: [18, 256, 98],
  IQ1_S: [19, 256, 50],
  IQ4_NL: [20, 32, 18],
  IQ3_S: [21, 256, 110],
  IQ2_S: [22, 256, 82],
  IQ4_XS: [23, 256, 136],
  I8: [24, 1, 1],
  I16: [25, 1, 2],
  I32: [26, 1, 4],
  I64: [27, 1, 8],
  F64: [28, 1, 8],
  IQ1_M: [29, 256, 56],
  BF16: [30, 1, 2],
  TQ1_0: [34, 256, 54],
  TQ2_0: [35, 256, 66],
  MXFP4: [39, 32, 17],
  NVFP4: [40, 64, 36],
  Q1_0: [41, 128, 18],
  Q2_0: [42, 64, 18],
} as const satisfies Record<string, readonly [id: number, blockElements: number, blockBytes: number]>

export type TensorTypeName = keyof typeof table

export interface TensorType {
  id: number
  name: TensorTypeName
  blockElements: number
  blockBytes: number
}

const types = (Object.entries(table) as [TensorTypeName, readonly [number, number, number]][]).map(
  ([name, [id, blockElements, blockBytes]]): TensorType => ({ id, name, blockElements, blockBytes }),
)
const byId = new Map(types.map((type) => [type.id, type]))
const byName = new Map(types.map((type) => [type.name, type]))

export function tensorTypeById(id: number): TensorType | null {
  return byId.get(id) ?? null
}

export function tensorType(name: TensorTypeName): TensorType {
  const type = byName.get(name)
  if (!type) throw new RangeError(`no tensor type ${name}`)
  return type
}

/** Bytes of a tensor whose first dimension is a whole number of blocks. */
export function tensorBytes(name: TensorTypeName, dims: readonly number[]): number {
  const type = tensorType(name)
  return (dims.reduce((product, dim) => product * dim, 1) / type.blockElements) * type.blockBytes
}

export const valueTypeIds = {
  u8: 0,
  i8: 1,
  u16: 2,
  i16: 3,
  u32: 4,
  i32: 5,
  f32: 6,
  bool: 7,
  string: 8,
  array: 9,
  u64: 10,
  i64: 11,
  f64: 12,
} as const
export type ValueTypeName = keyof typeof valueTypeIds
export type ScalarTypeName = Exclude<ValueTypeName, 'string' | 'array'>

/** Bytes of one value; strings and arrays carry their own length. */
export const scalarBytes: Record<ScalarTypeName, number> = {
  u8: 1,
  i8: 1,
  u16: 2,
  i16: 2,
  u32: 4,
  i32: 4,
  f32: 4,
  bool: 1,
  u64: 8,
  i64: 8,
  f64: 8,
}

const valueTypesById = new Map<number, ValueTypeName>(
  (Object.entries(valueTypeIds) as [ValueTypeName, number][]).map(([name, id]) => [id, name]),
)

export function valueTypeById(id: number): ValueTypeName | null {
  return valueTypesById.get(id) ?? null
}

/** `general.file_type` → the name written in file names, and the tensor types that such a file must hold. Source: `enum llama_ftype` in llama.h. */
export const fileTypes = new Map<number, { name: string; holds: TensorTypeName[] }>([
  [0, { name: 'F32', holds: ['F32'] }],
  [1, { name: 'F16', holds: ['F16'] }],
  [2, { name: 'Q4_0', holds: ['Q4_0'] }],
  [3, { name: 'Q4_1', holds: ['Q4_1'] }],
  [7, { name: 'Q8_0', holds: ['Q8_0'] }],
  [8, { name: 'Q5_0', holds: ['Q5_0'] }],
  [9, { name: 'Q5_1', holds: ['Q5_1'] }],
  [10, { name: 'Q2_K', holds: ['Q2_K'] }],
  [11, { name: 'Q3_K_S', holds: ['Q3_K'] }],
  [12, { name: 'Q3_K_M', holds: ['Q3_K'] }],
  [13, { name: 'Q3_K_L', holds: ['Q3_K'] }],
  [14, { name: 'Q4_K_S', holds: ['Q4_K'] }],
  [15, { name: 'Q4_K_M', holds: ['Q4_K'] }],
  [16, { name: 'Q5_K_S', holds: ['Q5_K'] }],
  [17, { name: 'Q5_K_M', holds: ['Q5_K'] }],
  [18, { name: 'Q6_K', holds: ['Q6_K'] }],
  [19, { name: 'IQ2_XXS', holds: ['IQ2_XXS'] }],
  [20, { name: 'IQ2_XS', holds: ['IQ2_XS'] }],
  [21, { name: 'Q2_K_S', holds: ['Q2_K'] }],
  [22, { name: 'IQ3_XS', holds: ['IQ3_XXS', 'IQ3_S'] }],
  [23, { name: 'IQ3_XXS', holds: ['IQ3_XXS'] }],
  [24, { name: 'IQ1_S', holds: ['IQ1_S'] }],
  [25, { name: 'IQ4_NL', holds: ['IQ4_NL'] }],
  [26, { name: 'IQ3_S', holds: ['IQ3_S'] }],
  [27, { name: 'IQ3_M', holds: ['IQ3_S'] }],
  [28, { name: 'IQ2_S', holds: ['IQ2_XS', 'IQ2_S'] }],
  [29, { name: 'IQ2_M', holds: ['IQ2_S'] }],
  [30, { name: 'IQ4_XS', holds: ['IQ4_XS'] }],
  [31, { name: 'IQ1_M', holds: ['IQ1_M'] }],
  [32, { name: 'BF16', holds: ['BF16'] }],
  [36, { name: 'TQ1_0', holds: ['TQ1_0'] }],
  [37, { name: 'TQ2_0', holds: ['TQ2_0'] }],
  [38, { name: 'MXFP4_MOE', holds: ['MXFP4'] }],
  [39, { name: 'NVFP4', holds: ['NVFP4'] }],
  [40, { name: 'Q1_0', holds: ['Q1_0'] }],
  [41, { name: 'Q2_0', holds: ['Q2_0'] }],
])
