import { SnugError } from '@shared/errors'
import { scalarBytes, tensorTypeById, type TensorTypeName, valueTypeById, type ValueTypeName } from './ggufTypes'
import { decodeText, GgufArray, type GgufValue, readScalar, viewOf } from './ggufValues'

/** Where a header is read from: a file, bytes in memory, a range of a remote file. */
export interface ByteSource {
  readonly size: number
  /** Exactly `length` bytes where the file has them, fewer at its end. */
  read(offset: number, length: number): Uint8Array | Promise<Uint8Array>
}

export interface GgufTensor {
  name: string
  dims: number[]
  type: TensorTypeName
  elements: number
  bytes: number
  /** From the start of the file. */
  offset: number
}

export interface GgufHeader {
  version: number
  /** A Map, because a key such as `__proto__` must stay a key. */
  metadata: Map<string, GgufValue>
  tensors: GgufTensor[]
  alignment: number
  /** Where the first tensor's data starts. */
  dataOffset: number
  fileSize: number
}

const MiB = 1024 * 1024
/** Above what real files have (Gemma 4: 514,906 elements in one array, 1.3 M in all), below what costs memory or time. */
export const headerLimits = {
  headerBytes: 64 * MiB,
  keyBytes: 64 * 1024,
  stringBytes: 16 * MiB,
  arrayElements: MiB,
  /** Real files have under 200; each costs a Map entry, and llama.cpp compares each with each. */
  keys: 10_000,
  tensors: 100_000,
  dims: 4,
  /** ggml's GGML_MAX_NAME is 64 with the closing zero. */
  tensorNameBytes: 63,
} as const

const firstRead = 256 * 1024
const maxSafe = BigInt(Number.MAX_SAFE_INTEGER)

/** Reads and checks the header of a GGUF, never more than its first 64 MiB and never by a length that the file does not have. */
export async function readHeader(source: ByteSource): Promise<GgufHeader> {
  const cursor = new Cursor(source.size)
  const steps = parse(cursor)
  for (let step = steps.next(); ; step = steps.next()) {
    if (step.done) return step.value
    const part = await source.read(cursor.have, cursor.nextRead())
    cursor.take(part)
  }
}

/** What the first bytes of a header say. `needsBytes` is the least that must be there to go on; `likelyBytes` a guess at where the header ends. */
export type HeaderStart = { complete: true; header: GgufHeader } | { complete: false; needsBytes: number; likelyBytes: number }

/** The same, where only the first `known` bytes of the file are there: the rest may have to be fetched. */
export async function readHeaderStart(source: ByteSource, known: number): Promise<HeaderStart> {
  const cursor = new Cursor(source.size)
  const steps = parse(cursor)
  for (let step = steps.next(); ; step = steps.next()) {
    // The padding belongs to the header, unless it leads beyond what a header may have.
    const needsBytes = step.done ? Math.min(step.value.dataOffset, headerLimits.headerBytes) : cursor.wanted
    while (cursor.have < needsBytes) {
      if (cursor.have >= known) return { complete: false, needsBytes, likelyBytes: Math.max(needsBytes, cursor.likely) }
      cursor.take(await source.read(cursor.have, Math.min(Math.max(cursor.nextRead(), needsBytes - cursor.have), known - cursor.have)))
    }
    if (step.done) return { complete: true, header: step.value }
  }
}

/** The same for a file that lies in memory. */
export function readHeaderFromBytes(bytes: Uint8Array): GgufHeader {
  const cursor = new Cursor(bytes.byteLength)
  const steps = parse(cursor)
  for (let step = steps.next(); ; step = steps.next()) {
    if (step.done) return step.value
    cursor.take(bytes.subarray(cursor.have, cursor.have + cursor.nextRead()))
  }
}

export function corrupt(problem: string, reason: string, data: Record<string, unknown> = {}): SnugError {
  return new SnugError('model/corrupt-file', `damaged GGUF: ${reason}`, { problem, reason, ...data })
}

export function unsupported(problem: string, reason: string, data: Record<string, unknown> = {}): SnugError {
  return new SnugError('model/unsupported', `unsupported GGUF: ${reason}`, { problem, reason, ...data })
}

/** The bytes read so far and the place in them. `lacks(n)` is true until the next n bytes are there, and throws where they cannot be. */
class Cursor {
  readonly size: number
  have = 0
  at = 0
  view: DataView = new DataView(new ArrayBuffer(0))
  #bytes: Uint8Array = new Uint8Array(0)
  #wanted = 0
  /** Where the list under way seems to end; 0 outside of one. */
  likely = 0

  constructor(size: number) {
    this.size = size
  }

  lacks(length: number): boolean {
    const end = this.at + length
    if (end <= this.have) return false
    if (end > this.size) throw corrupt('cut-short', 'the file ends in the middle of its header', { offset: this.at, size: this.size })
    if (end > headerLimits.headerBytes) throw unsupported('header-too-large', 'its header is larger than 64 MiB', { offset: this.at })
    this.#wanted = end
    return true
  }

  get wanted(): number {
    return this.#wanted
  }

  nextRead(): number {
    const goal = Math.max(this.#wanted, this.have * 2, firstRead)
    return Math.min(goal, this.size, headerLimits.headerBytes) - this.have
  }

  take(part: Uint8Array): void {
    if (part.byteLength === 0) throw corrupt('cut-short', 'the file became shorter while it was read', { offset: this.have })
    const end = this.have + part.byteLength
    if (this.have === 0) {
      this.#bytes = part
    } else {
      // One exact allocation per doubling: at most old + new, 96 MiB at the very limit.
      const grown = new Uint8Array(end)
      grown.set(this.#bytes.subarray(0, this.have))
      grown.set(part, this.have)
      this.#bytes = grown
    }
    this.have = end
    this.view = viewOf(this.#bytes)
  }

  u32(): number {
    const value = this.view.getUint32(this.at, true)
    this.at += 4
    return value
  }

  u64(): bigint {
    const value = this.view.getBigUint64(this.at, true)
    this.at += 8
    return value
  }

  bytes(length: number): Uint8Array {
    const part = this.#bytes.subarray(this.at, this.at + length)
    this.at += length
    return part
  }
}

type Steps<T> = Generator<void, T, void>

function* parse(c: Cursor): Steps<GgufHeader> {
  if (c.size < 4) throw corrupt('not-gguf', 'the file is too short to be a GGUF', { size: c.size })
  if (c.lacks(4)) yield
  if (decodeText(c.bytes(4)) !== 'GGUF') throw corrupt('not-gguf', 'the file does not start with the letters GGUF')
  if (c.lacks(20)) yield
  const version = c.u32()
  if ((version & 0xffff) === 0 && version !== 0) throw unsupported('big-endian', 'it was made for big-endian machines', { version })
  if (version < 2 || version > 3) throw unsupported('version', `GGUF version ${version} is not known here (2 and 3 are)`, { version })
  const tensorCount = countOf(c.u64(), headerLimits.tensors, 'tensors', c)
  const keyCount = countOf(c.u64(), headerLimits.keys, 'metadata entries', c)

  const metadata = new Map<string, GgufValue>()
  for (let i = 0; i < keyCount; i++) {
    const key = decodeText(yield* shortBytes(c, headerLimits.keyBytes, 'a metadata key'))
    if (key === '') throw corrupt('empty-key', 'a metadata entry has no name', { offset: c.at })
    // A name that starts with a zero byte is empty to C, and aborts the process that loads it.
    if (hasControlCharacter(key)) throw corrupt('bad-name', 'the name of a metadata entry holds control characters', { offset: c.at })
    if (metadata.has(key)) throw corrupt('duplicate-key', 'a metadata entry is there twice', { key: key.slice(0, 80) })
    metadata.set(key, yield* value(c, key))
  }
  const alignment = alignmentOf(metadata)
  const tensors = yield* tensorInfos(c, tensorCount)

  const dataOffset = tensorCount === 0 ? c.at : pad(c.at, alignment)
  if (dataOffset > c.size) throw corrupt('cut-short', 'the file ends before its tensors', { offset: dataOffset, size: c.size })
  place(tensors, dataOffset, alignment, c.size)
  return { version, metadata, tensors, alignment, dataOffset, fileSize: c.size }
}

/** Each entry needs at least 13 bytes, so a count above what is left of the file is a lie, whatever the limit. */
function countOf(count: bigint, limit: number, what: string, c: Cursor): number {
  if (count * 13n > BigInt(c.size)) throw corrupt('impossible-count', `it claims ${count} ${what}, more than the file can hold`)
  if (count > BigInt(limit)) throw unsupported('too-many', `it has ${count} ${what}; ${limit} are the limit here`)
  return Number(count)
}

function* shortBytes(c: Cursor, limit: number, what: string): Steps<Uint8Array> {
  if (c.lacks(8)) yield
  const length = c.u64()
  if (length > BigInt(c.size - c.at)) {
    throw corrupt('impossible-length', `${what} claims ${length} bytes, more than the file has left`, { offset: c.at })
  }
  if (length > BigInt(limit))
    throw unsupported('too-long', `${what} is ${length} bytes long; ${limit} are the limit here`, { offset: c.at })
  if (c.lacks(Number(length))) yield
  return c.bytes(Number(length))
}

function typeOf(id: number, key: string): ValueTypeName {
  const type = valueTypeById(id)
  if (type === null) throw corrupt('value-type', `a metadata entry has the unknown type ${id}`, { key: key.slice(0, 80) })
  return type
}

function* value(c: Cursor, key: string): Steps<GgufValue> {
  if (c.lacks(4)) yield
  const type = typeOf(c.u32(), key)
  if (type === 'string') return decodeText(yield* shortBytes(c, headerLimits.stringBytes, 'a text'))
  if (type === 'array') return yield* array(c, key)
  if (c.lacks(scalarBytes[type])) yield
  const at = c.at
  c.at += scalarBytes[type]
  return readScalar(c.view, at, type)
}

function* array(c: Cursor, key: string): Steps<GgufArray> {
  if (c.lacks(12)) yield
  const type = typeOf(c.u32(), key)
  if (type === 'array') throw corrupt('nested-array', 'a metadata entry is a list of lists', { key: key.slice(0, 80) })
  const length = c.u64()
  const least = BigInt(type === 'string' ? 8 : scalarBytes[type])
  if (length * least > BigInt(c.size - c.at)) {
    throw corrupt('impossible-length', `a list claims ${length} elements, more than the file can hold`, { key: key.slice(0, 80) })
  }
  if (length > BigInt(headerLimits.arrayElements)) {
    throw unsupported('too-long', `a list has ${length} elements; ${headerLimits.arrayElements} are the limit here`, {
      key: key.slice(0, 80),
    })
  }
  const count = Number(length)
  const start = c.at
  if (type !== 'string') {
    if (c.lacks(count * scalarBytes[type])) yield
    return new GgufArray(type, count, c.bytes(count * scalarBytes[type]))
  }
  for (let i = 0; i < count; i++) {
    if (c.lacks(8)) {
      c.likely = start + ((c.at - start) / Math.max(1, i)) * count
      yield
    }
    const low = c.u32()
    const high = c.u32()
    if (high !== 0 || low > c.size - c.at) {
      throw corrupt('impossible-length', 'a text in a list claims more bytes than the file has left', {
        key: key.slice(0, 80),
        offset: c.at,
      })
    }
    if (low > headerLimits.stringBytes) throw unsupported('too-long', 'a text in a list is longer than 16 MiB', { key: key.slice(0, 80) })
    if (c.lacks(low)) {
      c.likely = start + ((c.at - start) / (i + 1)) * count
      yield
    }
    c.at += low
  }
  c.likely = 0
  const end = c.at
  c.at = start
  return new GgufArray('string', count, c.bytes(end - start))
}

function hasControlCharacter(name: string): boolean {
  for (let i = 0; i < name.length; i++) if (name.charCodeAt(i) < 32) return true
  return false
}

function alignmentOf(metadata: Map<string, GgufValue>): number {
  const alignment = metadata.get('general.alignment') ?? 32
  if (typeof alignment !== 'number' || !Number.isInteger(alignment) || alignment < 1 || alignment > 2 ** 31) {
    throw corrupt('alignment', 'its alignment is no positive whole number')
  }
  if ((BigInt(alignment) & (BigInt(alignment) - 1n)) !== 0n) throw corrupt('alignment', `its alignment ${alignment} is no power of two`)
  return alignment
}

/** Tensors with the offset as written, relative to the data section. */
function* tensorInfos(c: Cursor, count: number): Steps<GgufTensor[]> {
  const tensors: GgufTensor[] = []
  const names = new Set<string>()
  for (let i = 0; i < count; i++) {
    const name = decodeText(yield* shortBytes(c, headerLimits.tensorNameBytes, 'a tensor name'))
    if (hasControlCharacter(name)) throw corrupt('bad-name', 'the name of a tensor holds control characters', { offset: c.at })
    if (names.has(name)) throw corrupt('duplicate-tensor', 'a tensor is there twice', { tensor: name })
    names.add(name)
    if (c.lacks(4)) yield
    const dimCount = c.u32()
    if (dimCount > headerLimits.dims) throw corrupt('dimensions', `a tensor has ${dimCount} dimensions; 4 are the limit`, { tensor: name })
    if (c.lacks(dimCount * 8 + 12)) yield
    const dims: number[] = []
    let elements = 1n
    for (let d = 0; d < dimCount; d++) {
      const dim = c.u64()
      elements *= dim
      if (dim === 0n || dim > maxSafe || elements > maxSafe)
        throw corrupt('tensor-size', 'a tensor has an impossible size', { tensor: name })
      dims.push(Number(dim))
    }
    const typeId = c.u32()
    const type = tensorTypeById(typeId)
    if (type === null) throw unsupported('tensor-type', `a tensor has the type ${typeId}, which is not known here`, { tensor: name })
    const offset = c.u64()
    const blockElements = BigInt(type.blockElements)
    if (BigInt(dims[0] ?? 1) % blockElements !== 0n) {
      throw corrupt('tensor-size', `a tensor of type ${type.name} has rows that are no whole number of blocks`, { tensor: name })
    }
    const bytes = (elements / blockElements) * BigInt(type.blockBytes)
    if (bytes > BigInt(c.size) || offset > BigInt(c.size)) {
      throw corrupt('cut-short', 'a tensor reaches beyond the end of the file', { tensor: name, size: c.size })
    }
    tensors.push({ name, dims, type: type.name, elements: Number(elements), bytes: Number(bytes), offset: Number(offset) })
  }
  return tensors
}

/** llama.cpp takes tensors only in a row, each at the padded end of the one before; so overlaps and gaps are both damage. */
function place(tensors: GgufTensor[], dataOffset: number, alignment: number, size: number): void {
  let next = 0
  for (const tensor of tensors) {
    if (tensor.offset !== next) {
      const what = tensor.offset < next ? 'overlaps the one before it' : 'leaves a gap after the one before it'
      throw corrupt('tensor-place', `a tensor ${what}`, { tensor: tensor.name, offset: tensor.offset, expected: next })
    }
    next = pad(next + tensor.bytes, alignment)
    tensor.offset += dataOffset
    if (tensor.offset + tensor.bytes > size) {
      const missing = tensor.offset + tensor.bytes - size
      throw corrupt('cut-short', 'the file is shorter than its tensors', { tensor: tensor.name, size, missingBytes: missing })
    }
  }
}

function pad(offset: number, alignment: number): number {
  return Math.ceil(offset / alignment) * alignment
}
