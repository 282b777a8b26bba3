import type { Range } from './units'

/** Where a speed is from, best last. */
export type SpeedSource = 'assumed' | 'table' | 'calibration' | 'measured'

/** Tokens per second and milliseconds; a range until it was measured on this machine. */
export interface SpeedEstimate {
  decode: Range
  prefill: Range
  /** First token of a 1,000-token prompt, milliseconds. */
  ttftMs: Range
  source: SpeedSource
}
