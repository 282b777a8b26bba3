/** A number of bytes. GiB exists only where a person reads it (`format.ts`). */
export type Bytes = number
/** Inclusive low and high end. A prediction is a range until it was measured on this machine. */
export type Range = readonly [low: number, high: number]

export const KiB = 1024
export const MiB = 1024 * KiB
export const GiB = 1024 * MiB
