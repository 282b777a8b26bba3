/**
 * Processors with AMX (Intel Xeon from Sapphire Rapids on) compute matrices from a layout of their own, into which llama.cpp copies them as
 * it loads; experts stay out. Bytes of that copy per byte in the file: a row sum, or unpacked scales, are added to each block
 * (`get_row_size` in ggml-cpu/amx/mmq.cpp). F16 is copied as it is.
 */
export const amxGrowth: Readonly<Record<string, number>> = {
  F16: 1,
  Q4_0: 1,
  Q4_1: 1,
  Q8_0: 38 / 34,
  Q4_K: 148 / 144,
  Q5_K: 180 / 176,
  Q6_K: 1,
  IQ4_XS: 138 / 136,
}

/** As llama.cpp's own line of features and Linux name it. */
export function hasAmx(features: readonly string[]): boolean {
  return features.some((feature) => /^amx_int8$/i.test(feature))
}
