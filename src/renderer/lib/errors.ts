import { type ErrorCode, type ErrorValue, errorCodes } from '@shared/errors'

const known: ReadonlySet<string> = new Set(errorCodes)

export function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && known.has(code)
}

/** What a call threw, as a value with a code that has words. oRPC rejects bad input with a code of its own. */
export function errorValueOf(error: unknown): ErrorValue {
  if (typeof error === 'object' && error !== null) {
    const { code, message, data, name } = error as { code?: unknown; message?: unknown; data?: unknown; name?: unknown }
    const text = typeof message === 'string' ? message : ''
    if (isErrorCode(code)) return { code, message: text, data: isRecord(data) ? data : {} }
    if (code === 'BAD_REQUEST') return { code: 'usage/invalid', message: text }
    if (name === 'AbortError') return { code: 'cancelled', message: text }
    return { code: 'internal/bug', message: text }
  }
  return { code: 'internal/bug', message: String(error) }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
