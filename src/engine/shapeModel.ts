import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { tensorBytes, tensorType, type TensorTypeName } from './ggufTypes'
import { bool, f32, float32Bytes, text, u32, writeGguf, type WriteTensor, type WriteValue } from './ggufWriter'
import { diverseBlocks } from './shapeFill'
import type { Shape, ShapeTensor } from './shapeKinds'
import { type ShapeName, shapes, valueLength } from './shapes'
import { fileTypeOf, type ShapeQuantization, typeOfTensor } from './shapeTypes'
import { shapeVocabulary } from './shapeVocabulary'

export interface ShapeOptions {
  shape: ShapeName
  quantization: ShapeQuantization
  /** Only the first so many blocks; the whole model where left out. */
  layers?: number
  /** `zeros` are holes: gigabytes of size, megabytes of disk, right for memory. `diverse` blocks run like real ones and need the disk. */
  fill?: 'zeros' | 'diverse'
}

/** Rows of the token embedding that are never zero, so that different tokens reach different experts. */
const livingRows = 1024

/**
 * A model without sense in the real tensor shapes of a real one, to measure memory and speed on the real kernels without a download.
 * Its logits are constant (with zeros), its vocabulary is made up; it says of itself that it is synthetic.
 */
export async function writeShapeModel(path: string, options: ShapeOptions): Promise<{ path: string; bytes: number }> {
  const shape: Shape = shapes[options.shape]
  const layers = options.layers ?? shape.layers
  if (!Number.isInteger(layers) || layers < 1 || layers > shape.layers)
    throw new RangeError(`${options.shape} has 1 to ${shape.layers} layers`)
  if (shape.architecture === 'deepseek2' && (layers === 26 || layers === 27))
    throw new RangeError('26 and 27 layers mean another model to llama.cpp')
  return await writeShape(path, {
    name: options.shape,
    shape,
    layers,
    fill: options.fill ?? 'zeros',
    fileType: fileTypeOf(options.quantization),
    typeOf: (tensor, layer) => typeOfTensor(tensor, options.quantization, shape, layer, layers),
  })
}

/** Any shape, with a choice of type for each tensor. */
export interface WrittenShape {
  name: string
  shape: Shape
  layers: number
  fill: 'zeros' | 'diverse'
  fileType: number
  typeOf: (tensor: ShapeTensor, layer: number) => TensorTypeName
}

export async function writeShape(path: string, written: WrittenShape): Promise<{ path: string; bytes: number }> {
  await mkdir(dirname(path), { recursive: true })
  const { bytes } = await writeGguf(path, { metadata: metadataOf(written), tensors: tensorsOf(written) })
  return { path, bytes }
}

function metadataOf({ name: shapeName, shape, layers, fileType }: WrittenShape): [string, WriteValue][] {
  const key = (name: string) => `${shape.architecture}.${name}`
  return [
    ['general.architecture', text(shape.architecture)],
    ['general.type', text('model')],
    ['general.name', text(`Snug shape model ${shapeName}`)],
    ['general.file_type', u32(fileType)],
    ['snug.shape', text(shapeName)],
    ['snug.synthetic', bool(true)],
    [key('block_count'), u32(layers)],
    [key('context_length'), u32(shape.contextSize)],
    [key('embedding_length'), u32(shape.width)],
    [key('feed_forward_length'), u32(shape.feedForward)],
    [key('attention.head_count'), u32(shape.heads)],
    [key('attention.key_length'), u32(shape.headDim)],
    [key('attention.value_length'), u32(valueLength(shape))],
    [key('attention.layer_norm_rms_epsilon'), f32(1e-6)],
    [key('vocab_size'), u32(shape.vocabulary)],
    ...shape.metadata(layers).map(([name, value]): [string, WriteValue] => [key(name), value]),
    ...shapeVocabulary(shape.tokenizer, shape.pre, shape.vocabulary),
  ]
}

function tensorsOf({ shape, layers, fill, typeOf }: WrittenShape): WriteTensor[] {
  const ends: ShapeTensor[] = [
    { name: 'token_embd.weight', dims: [shape.width, shape.vocabulary], role: 'embedding' },
    { name: 'output_norm.weight', dims: [shape.width], role: 'norm' },
    ...(shape.tied ? [] : [{ name: 'output.weight', dims: [shape.width, shape.vocabulary], role: 'output' as const }]),
  ]
  const blocks = Array.from({ length: layers }, (_, layer) =>
    shape.block(layer).map((tensor) => ({ layer, tensor: { ...tensor, name: `blk.${layer}.${tensor.name}` } })),
  )
  return [...ends.map((tensor) => ({ layer: 0, tensor })), ...blocks.flat()].map(({ layer, tensor }, index) => {
    const type = typeOf(tensor, layer)
    const bytes = filledBytes(tensor, type, fill)
    const { name, dims, role } = tensor
    if (role === 'norm') return { name, dims, type, data: float32Bytes(new Float32Array(dims.reduce((a, b) => a * b, 1)).fill(1)) }
    return bytes === 0 ? { name, dims, type } : { name, dims, type, data: () => diverseBlocks(type, bytes, index + 1) }
  })
}

/** Zeros are left out but for what keeps experts apart: the routers, and some rows of the embedding. */
function filledBytes(tensor: ShapeTensor, type: WriteTensor['type'], fill: 'zeros' | 'diverse'): number {
  const all = tensorBytes(type, tensor.dims)
  if (tensor.role === 'router' || (fill === 'diverse' && tensor.role !== 'plain')) return all
  const { blockElements, blockBytes } = tensorType(type)
  return tensor.role === 'embedding' ? Math.min(all, ((tensor.dims[0] ?? 0) / blockElements) * blockBytes * livingRows) : 0
}
