import type { CopyResult } from '../domain/emptyCopy'
import type { ErrorValue } from '../errors'

/** Which file an empty copy is made of. */
export interface CopySubject {
  /** Or the address of a mere file. */
  repository: string
  /** Of the repository, of several parts the first; null: the one of that quantization, the first where there are several. */
  file: string | null
  quantization: string
}

export type CopyStage = 'header' | 'memory' | 'speed'

/** The test that runs now, or how the last one went. */
export interface CopyTestView {
  running: (CopySubject & { stage: CopyStage; fraction: number; secondsLeft: number }) | null
  /** Of the last try, with what it was about. */
  error: { subject: CopySubject; value: ErrorValue } | null
  /** The last one that came to its end. */
  done: (CopySubject & { result: CopyResult; at: number }) | null
}
