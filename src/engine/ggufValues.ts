import { assertNever } from '@shared/errors'
import { scalarBytes, type ScalarTypeName } from './ggufTypes'

export type GgufValue = number | bigint | boolean | string | GgufArray

const decoder = new TextDecoder('utf-8')

/** Decodes lazily: a vocabulary of half a million tokens stays bytes until somebody asks, so that a hostile header cannot multiply its size. */
export class GgufArray {
  readonly itemType: ScalarTypeName | 'string'
  readonly length: number
  readonly #bytes: Uint8Array

  constructor(itemType: ScalarTypeName | 'string', length: number, bytes: Uint8Array) {
    this.itemType = itemType
    this.length = length
    this.#bytes = bytes
  }

  /** Numbers and booleans as numbers (true is 1); null for an array of strings. */
  numbers(): number[] | null {
    if (this.itemType === 'string') return null
    const view = viewOf(this.#bytes)
    const step = scalarBytes[this.itemType]
    const { itemType } = this
    return Array.from({ length: this.length }, (_, i) => Number(readScalar(view, i * step, itemType)))
  }

  strings(): string[] {
    return [...this.entries()].map(([, text]) => text())
  }

  stringAt(index: number): string | null {
    if (index < 0 || index >= this.length) return null
    for (const [i, text] of this.entries()) if (i === index) return text()
    return null
  }

  /** Index and a decoder for each string, so that a scan decodes only what it wants. */
  *entries(): Generator<[index: number, text: () => string]> {
    let index = 0
    for (const bytes of this.rawStrings()) yield [index++, () => decoder.decode(bytes)]
  }

  *rawStrings(): Generator<Uint8Array> {
    if (this.itemType !== 'string') return
    const view = viewOf(this.#bytes)
    let at = 0
    for (let i = 0; i < this.length; i++) {
      const start = at + 8
      at = start + view.getUint32(at, true)
      yield this.#bytes.subarray(start, at)
    }
  }
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

export function decodeText(bytes: Uint8Array): string {
  return decoder.decode(bytes)
}

/** 64-bit values that a number holds exactly become numbers. */
export function readScalar(view: DataView, at: number, type: ScalarTypeName): number | bigint | boolean {
  switch (type) {
    case 'u8':
      return view.getUint8(at)
    case 'i8':
      return view.getInt8(at)
    case 'u16':
      return view.getUint16(at, true)
    case 'i16':
      return view.getInt16(at, true)
    case 'u32':
      return view.getUint32(at, true)
    case 'i32':
      return view.getInt32(at, true)
    case 'f32':
      return view.getFloat32(at, true)
    case 'bool':
      return view.getUint8(at) !== 0
    case 'u64':
      return narrow(view.getBigUint64(at, true))
    case 'i64':
      return narrow(view.getBigInt64(at, true))
    case 'f64':
      return view.getFloat64(at, true)
    default:
      return assertNever(type)
  }
}

function narrow(value: bigint): number | bigint {
  return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value
}
