import { describe, expect, it } from 'vitest'
import { errorValueOf } from './errors'

describe('errorValueOf', () => {
  it('keeps our codes with their data', () => {
    expect(errorValueOf({ code: 'download/disk-full', message: 'm', data: { missingBytes: 3 } })).toEqual({
      code: 'download/disk-full',
      message: 'm',
      data: { missingBytes: 3 },
    })
  })
  it('names rejected input, aborts and everything else', () => {
    expect(errorValueOf({ code: 'BAD_REQUEST', message: 'x' }).code).toBe('usage/invalid')
    expect(errorValueOf(new DOMException('stop', 'AbortError')).code).toBe('cancelled')
    expect(errorValueOf(new Error('boom')).code).toBe('internal/bug')
    expect(errorValueOf('text')).toEqual({ code: 'internal/bug', message: 'text' })
  })
})
