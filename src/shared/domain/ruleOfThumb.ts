import type { Bytes, Range } from './units'

/** Rule of thumb (the field guide): S = N × B. */
export const bytesPerParameter = { FP32: 4, FP16: 2, BF16: 2, FP8: 1, INT8: 1, INT4: 0.5 } as const
export type Precision = keyof typeof bytesPerParameter

export function ruleOfThumbSize(parameters: number, precision: Precision): Bytes {
  return parameters * bytesPerParameter[precision]
}

/** Quantized: S′ = N × B′ × k, k from 1.1 to 1.2. */
export const defaultQuantizationFactor: Range = [1.1, 1.2]

export function ruleOfThumbQuantized(parameters: number, precision: Precision, factor: Range = defaultQuantizationFactor): Range {
  const size = ruleOfThumbSize(parameters, precision)
  return [size * factor[0], size * factor[1]]
}
