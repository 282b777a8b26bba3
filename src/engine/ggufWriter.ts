import { open, rename, rm } from 'node:fs/promises'
import { scalarBytes, type ScalarTypeName, tensorBytes, tensorType, type TensorTypeName, valueTypeIds } from './ggufTypes'

export type WriteValue =
  | { type: ScalarTypeName; value: number | bigint | boolean }
  | { type: 'string'; value: string }
  | { type: 'array'; of: ScalarTypeName; values: readonly (number | bigint | boolean)[] }
  | { type: 'array'; of: 'string'; values: readonly string[] }
  /** As it lay in another header: type and value. */
  | { type: 'encoded'; bytes: Uint8Array }

export interface WriteTensor {
  name: string
  dims: number[]
  type: TensorTypeName
  /** Left out: zeros that take no room on the disk (a hole). A function is called when its turn comes, so that big tensors stream. */
  data?: Uint8Array | (() => Iterable<Uint8Array>)
}

export interface GgufContent {
  metadata: [key: string, value: WriteValue][]
  tensors: WriteTensor[]
  /** A power of two; 32 where left out. */
  alignment?: number
}

export const u32 = (value: number): WriteValue => ({ type: 'u32', value })
export const f32 = (value: number): WriteValue => ({ type: 'f32', value })
export const bool = (value: boolean): WriteValue => ({ type: 'bool', value })
export const text = (value: string): WriteValue => ({ type: 'string', value })
export const texts = (values: readonly string[]): WriteValue => ({ type: 'array', of: 'string', values })
export const numbers = (of: ScalarTypeName, values: readonly number[]): WriteValue => ({ type: 'array', of, values })

/** Header bytes, padded to where the tensors start, and the place of each tensor after that. */
export function encodeHeader(content: GgufContent): { header: Buffer; offsets: number[]; fileSize: number } {
  const alignment = content.alignment ?? 32
  const parts: Uint8Array[] = [Buffer.from('GGUF'), number('u32', 3), number('u64', content.tensors.length)]
  const metadata =
    content.alignment === undefined ? content.metadata : [...content.metadata, ['general.alignment', u32(alignment)] as const]
  parts.push(number('u64', metadata.length))
  for (const [key, value] of metadata) parts.push(string(key), ...encodeValue(value))
  const offsets: number[] = []
  let next = 0
  let end = 0
  for (const tensor of content.tensors) {
    parts.push(string(tensor.name), number('u32', tensor.dims.length), ...tensor.dims.map((dim) => number('u64', dim)))
    parts.push(number('u32', tensorType(tensor.type).id), number('u64', next))
    offsets.push(next)
    end = next + tensorBytes(tensor.type, tensor.dims)
    next = pad(end, alignment)
  }
  const bare = Buffer.concat(parts)
  const header = content.tensors.length === 0 ? bare : Buffer.concat([bare, Buffer.alloc(pad(bare.length, alignment) - bare.length)])
  return { header, offsets: offsets.map((offset) => header.length + offset), fileSize: header.length + end }
}

/** The whole file in memory; for small ones. */
export function encodeGguf(content: GgufContent): Buffer {
  const { header, offsets, fileSize } = encodeHeader(content)
  const file = Buffer.alloc(fileSize)
  header.copy(file)
  content.tensors.forEach((tensor, index) => {
    let at = offsets[index] ?? 0
    for (const chunk of chunksOf(tensor)) {
      file.set(chunk, at)
      at += chunk.byteLength
    }
  })
  return file
}

/** Writes beside the goal and renames, so that a half-written file is never met under its name. */
export async function writeGguf(path: string, content: GgufContent): Promise<{ bytes: number }> {
  const { header, offsets, fileSize } = encodeHeader(content)
  const partial = `${path}.${process.pid}.partial`
  const handle = await open(partial, 'w')
  try {
    await handle.truncate(fileSize)
    await handle.write(header, 0, header.length, 0)
    for (const [index, tensor] of content.tensors.entries()) {
      let at = offsets[index] ?? 0
      const end = at + tensorBytes(tensor.type, tensor.dims)
      for (const chunk of chunksOf(tensor)) {
        if (at + chunk.byteLength > end) throw new RangeError(`data of ${tensor.name} is longer than its shape`)
        await handle.write(chunk, 0, chunk.byteLength, at)
        at += chunk.byteLength
      }
    }
    await handle.close()
    await rename(partial, path)
  } catch (error) {
    await handle.close().catch(() => {
      // Closed already: the error that counts is the one that led here.
    })
    await rm(partial, { force: true })
    throw error
  }
  return { bytes: fileSize }
}

export function float32Bytes(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
}

function chunksOf(tensor: WriteTensor): Iterable<Uint8Array> {
  if (tensor.data === undefined) return []
  return typeof tensor.data === 'function' ? tensor.data() : [tensor.data]
}

function encodeValue(value: WriteValue): Uint8Array[] {
  if (value.type === 'encoded') return [value.bytes]
  const id = number('u32', valueTypeIds[value.type])
  if (value.type === 'string') return [id, string(value.value)]
  if (value.type !== 'array') return [id, number(value.type, value.value)]
  const head = [id, number('u32', valueTypeIds[value.of]), number('u64', value.values.length)]
  if (value.of === 'string') return [...head, strings(value.values)]
  const { of } = value
  const step = scalarBytes[of]
  const body = Buffer.alloc(value.values.length * step)
  value.values.forEach((item, index) => put(body, index * step, of, item))
  return [...head, body]
}

function string(value: string): Buffer {
  const bytes = Buffer.from(value, 'utf8')
  return Buffer.concat([number('u64', bytes.length), bytes])
}

/** In one buffer: a vocabulary of 262,144 small ones is slow, and too many arguments for a call. */
function strings(values: readonly string[]): Buffer {
  const body = Buffer.alloc(values.reduce((sum, value) => sum + 8 + Buffer.byteLength(value), 0))
  let at = 0
  for (const value of values) {
    const length = body.write(value, at + 8, 'utf8')
    body.writeBigUInt64LE(BigInt(length), at)
    at += 8 + length
  }
  return body
}

function number(type: ScalarTypeName, value: number | bigint | boolean): Buffer {
  const buffer = Buffer.alloc(scalarBytes[type])
  put(buffer, 0, type, value)
  return buffer
}

function put(buffer: Buffer, at: number, type: ScalarTypeName, value: number | bigint | boolean): void {
  switch (type) {
    case 'u8':
    case 'bool':
      buffer.writeUInt8(Number(value), at)
      break
    case 'i8':
      buffer.writeInt8(Number(value), at)
      break
    case 'u16':
      buffer.writeUInt16LE(Number(value), at)
      break
    case 'i16':
      buffer.writeInt16LE(Number(value), at)
      break
    case 'u32':
      buffer.writeUInt32LE(Number(value), at)
      break
    case 'i32':
      buffer.writeInt32LE(Number(value), at)
      break
    case 'f32':
      buffer.writeFloatLE(Number(value), at)
      break
    case 'f64':
      buffer.writeDoubleLE(Number(value), at)
      break
    case 'u64':
      buffer.writeBigUInt64LE(BigInt(value), at)
      break
    case 'i64':
      buffer.writeBigInt64LE(BigInt(value), at)
      break
  }
}

function pad(offset: number, alignment: number): number {
  return Math.ceil(offset / alignment) * alignment
}
