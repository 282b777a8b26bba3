/** The closed list of what can go wrong. A new code needs words in both languages (`i18n/<language>/errors.ts`), or the build fails. */
export const errorCodes = [
  'model/not-found',
  'model/corrupt-file',
  'model/unsupported',
  'model/not-loaded',
  'model/file-changed',
  'fit/impossible',
  'engine/crashed',
  'engine/stalled',
  'engine/out-of-memory',
  'engine/load-failed',
  'engine/busy',
  'engine/unavailable',
  'template/failed',
  'template/too-slow',
  'chat/not-found',
  'chat/context-too-small',
  'chat/busy',
  'hub/not-found',
  'hub/gated',
  'hub/token-refused',
  'hub/unreachable',
  'hub/bad-answer',
  'hub/bad-address',
  'hub/rate-limited',
  'catalog/no-address',
  'catalog/refused',
  'catalog/older',
  'download/disk-full',
  'download/hash-mismatch',
  'download/changed',
  'download/not-found',
  'download/busy',
  'file/unsafe-name',
  'file/not-permitted',
  'file/exists',
  'network/offline',
  'network/certificate',
  'network/proxy-kind',
  'db/from-future',
  'db/damaged',
  'db/busy',
  'db/disk-full',
  'calibration/not-now',
  'copy/too-big',
  'usage/invalid',
  'cancelled',
  'internal/bug',
] as const

export type ErrorCode = (typeof errorCodes)[number]

/** What crosses a process boundary: never a stack, never an Error object. `message` is English for logs; the page and the command line show words for `code`. */
export interface ErrorValue {
  code: ErrorCode
  message: string
  data?: Record<string, unknown>
}

export class SnugError extends Error {
  readonly code: ErrorCode
  /** For machines and for the words shown: names, bytes, paths. */
  readonly data: Record<string, unknown>

  constructor(code: ErrorCode, message: string, data: Record<string, unknown> = {}, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'SnugError'
    this.code = code
    this.data = data
  }

  static from(value: ErrorValue): SnugError {
    return new SnugError(value.code, value.message, value.data)
  }
}

/** Anything thrown becomes a value; what is not ours is a bug and keeps only its message. */
export function toErrorValue(error: unknown): ErrorValue {
  if (error instanceof SnugError) return { code: error.code, message: error.message, data: error.data }
  if (error instanceof Error && error.name === 'AbortError') return { code: 'cancelled', message: 'cancelled' }
  return { code: 'internal/bug', message: error instanceof Error ? error.message : String(error) }
}

export function assertNever(value: never): never {
  throw new SnugError('internal/bug', `unexpected value ${JSON.stringify(value)}`)
}
