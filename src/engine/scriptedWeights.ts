import { float32Bytes, type WriteTensor } from './ggufWriter'

/** Width of the scripted model's embeddings. */
export const scriptWidth = 256
/** With the check, codes fill the lower half; the feed-forward of block 0 carries them to the upper half, where the output looks. */
const half = scriptWidth / 2

/** The code of a token: ±1 in each dimension, the same on every machine. With the check, dimension 0 is always 1 (a bias for the gate). */
export function codeOf(id: number, checked: boolean): { embedding: Float32Array; output: Float32Array } {
  const embedding = new Float32Array(scriptWidth)
  const output = new Float32Array(scriptWidth)
  const random = randomBits(id + 1)
  for (let dim = 0; dim < (checked ? half : scriptWidth); dim++) {
    const sign = checked && dim === 0 ? 1 : random() ? 1 : -1
    embedding[dim] = sign
    output[checked ? half + dim : dim] = sign
  }
  return { embedding, output }
}

/** 0.2 × 256 = 51.2. With the check: 128 dimensions, each 1.403 after the last norm, so about 51.2 again. */
export function outputScale(checked: boolean): number {
  return checked ? 0.2852 : 0.2
}

/**
 * silu(gate) × up, then down: gate is 4 (2.8284 × the bias, which the norm makes √2), up is a Hadamard matrix H in Q4_K, down its transpose in
 * Q8_0, which leads dimension j to dimension 128 + j. H·Hᵀ = 256·I, so every quantized weight takes part in every logit.
 */
export function checkedBlock(name: (part: string) => string): WriteTensor[] {
  const gate = new Float32Array(scriptWidth * scriptWidth)
  for (let row = 0; row < scriptWidth; row++) gate[row * scriptWidth] = 4 / Math.SQRT2
  return [
    { name: name('ffn_gate'), dims: [scriptWidth, scriptWidth], type: 'F32', data: float32Bytes(gate) },
    { name: name('ffn_up'), dims: [scriptWidth, scriptWidth], type: 'Q4_K', data: hadamardQ4K() },
    { name: name('ffn_down'), dims: [scriptWidth, scriptWidth], type: 'Q8_0', data: transposedQ8() },
  ]
}

/** Sylvester's matrix: +1 where the bits that row and column share are even in number. */
function positive(row: number, column: number): boolean {
  let bits = row & column
  let odd = false
  for (; bits !== 0; bits &= bits - 1) odd = !odd
  return !odd
}

/** Each row is one block of 256: value = d·2·q − dmin·15 with d = dmin = 2⁻⁸, so q 15 is +15/256 and q 0 is −15/256, exactly. */
function hadamardQ4K(): Uint8Array {
  const bytes = new Uint8Array(scriptWidth * 144)
  for (let row = 0; row < scriptWidth; row++) {
    const at = row * 144
    // Two F16 2⁻⁸; then 6-bit scales 2 and minimums 15 of eight sub-blocks, packed as ggml's get_scale_min_k4 reads them.
    bytes.set([0x00, 0x1c, 0x00, 0x1c, 2, 2, 2, 2, 15, 15, 15, 15, 0xf2, 0xf2, 0xf2, 0xf2], at)
    for (let index = 0; index < 128; index++) {
      const column = Math.floor(index / 32) * 64 + (index % 32)
      bytes[at + 16 + index] = (positive(row, column) ? 0x0f : 0) | (positive(row, column + 32) ? 0xf0 : 0)
    }
  }
  return bytes
}

/** Blocks of 32: an F16 scale of 2⁻¹⁰ and ±96; the rows of the lower half are zero. */
function transposedQ8(): Uint8Array {
  const rowBytes = (scriptWidth / 32) * 34
  const bytes = new Uint8Array(scriptWidth * rowBytes)
  for (let row = half; row < scriptWidth; row++) {
    for (let column = 0; column < scriptWidth; column++) {
      const at = row * rowBytes + Math.floor(column / 32) * 34
      bytes[at + 1] = 0x14
      bytes[at + 2 + (column % 32)] = positive(column, row - half) ? 96 : 256 - 96
    }
  }
  return bytes
}

/** The finaliser of MurmurHash3 over seed and position; one bit a call. */
function randomBits(seed: number): () => boolean {
  let position = 0
  return () => {
    let hash = Math.imul(seed, 0x9e3779b1) + Math.imul(++position, 0x85ebca77)
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
    return ((hash ^ (hash >>> 16)) & 1) === 1
  }
}
