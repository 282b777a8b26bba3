import { tensorType, type TensorTypeName } from './ggufTypes'

/** Where the F16 scales of a block lie: zeros or equal scales run faster than real ones with some types (DESIGN.md §6). */
const scaleOffsets: Partial<Record<TensorTypeName, number[]>> = {
  Q1_0: [0],
  Q2_0: [0],
  Q4_0: [0],
  Q4_1: [0, 2],
  Q5_0: [0],
  Q5_1: [0, 2],
  Q8_0: [0],
  Q2_K: [80, 82],
  Q3_K: [108],
  Q4_K: [0, 2],
  Q5_K: [0, 2],
  Q6_K: [208],
  IQ4_NL: [0],
  IQ4_XS: [0],
  IQ1_S: [0],
  IQ2_XXS: [0],
  IQ2_XS: [0],
  IQ2_S: [0],
  IQ3_XXS: [0],
  IQ3_S: [0],
  TQ1_0: [52],
  TQ2_0: [64],
}

const chunkBytes = 4 * 1024 * 1024

/** `bytes` bytes of whole blocks with random quants and diverse, valid, small scales, in chunks of at most about 4 MiB. */
export function* diverseBlocks(type: TensorTypeName, bytes: number, seed: number): Generator<Uint8Array> {
  const { blockBytes } = tensorType(type)
  const most = Math.floor(chunkBytes / blockBytes) * blockBytes
  const words = new Uint32Array(Math.ceil(Math.min(most, bytes) / 4))
  const chunk = new Uint8Array(words.buffer)
  let state = (seed * 2654435761) >>> 0 || 1
  for (let done = 0; done < bytes; done += most) {
    const size = Math.min(most, bytes - done)
    for (let i = 0; i < Math.ceil(size / 4); i++) {
      state ^= state << 13
      state ^= state >>> 17
      state ^= state << 5
      words[i] = state
    }
    setScales(chunk, size, type, blockBytes)
    yield chunk.slice(0, size)
  }
}

/** The same, made once and repeated: gigabytes are then written as fast as the disk takes them. `turn` shifts where it begins. */
export function* repeatedBlocks(type: TensorTypeName, bytes: number, turn: number): Generator<Uint8Array> {
  const { blockBytes } = tensorType(type)
  let chunk = made.get(type)
  if (chunk === undefined) {
    chunk = Buffer.concat([...diverseBlocks(type, Math.floor(chunkBytes / blockBytes) * blockBytes, 1)])
    made.set(type, chunk)
  }
  let from = ((turn * 977) % (chunk.byteLength / blockBytes)) * blockBytes
  for (let done = 0; done < bytes; ) {
    const part = chunk.subarray(from, Math.min(chunk.byteLength, from + bytes - done))
    yield part
    done += part.byteLength
    from = 0
  }
}

const made = new Map<TensorTypeName, Uint8Array>()

function setScales(chunk: Uint8Array, size: number, type: TensorTypeName, blockBytes: number): void {
  if (type === 'F32' || type === 'F16' || type === 'BF16') {
    // The highest byte of each value holds sign and most of the exponent: about 2⁻⁶ in each type.
    const high = { F32: 0x3c, F16: 0x24, BF16: 0x3c }[type]
    for (let at = blockBytes - 1; at < size; at += blockBytes) chunk[at] = ((chunk[at] ?? 0) & 0x80) | high
    return
  }
  for (let block = 0; block < size; block += blockBytes) {
    // MXFP4: one exponent byte, 2^(e − 127); else F16 between 2⁻⁸ and 2⁻⁶, mantissa random.
    if (type === 'MXFP4') chunk[block] = 119 + ((chunk[block] ?? 0) & 1)
    // NVFP4: four scales of one byte, 2^(e − 7) and three bits of mantissa.
    if (type === 'NVFP4') for (let at = block; at < block + 4; at++) chunk[at] = 0x10 | ((chunk[at] ?? 0) & 0xf)
    // IQ1_M: the F16 scale is spread over the highest four bits of four words; those of the last hold sign and most of the exponent.
    if (type === 'IQ1_M') chunk[block + 55] = 0x20 | ((chunk[block + 55] ?? 0) & 0xf)
    for (const offset of scaleOffsets[type] ?? []) chunk[block + offset + 1] = 0x1c + ((chunk[block + offset + 1] ?? 0) & 7)
  }
}
