import { expect, it } from 'vitest'
import { acceptAnswer, retryAfter, strongEtag } from './downloadAnswer'

it('reads Retry-After as seconds or as a date', () => {
  const now = Date.parse('2026-11-26T12:00:00Z')
  expect(retryAfter('7', now)).toBe(7_000)
  expect(retryAfter('Thu, 26 Nov 2026 12:00:30 GMT', now)).toBe(30_000)
  expect(retryAfter('Thu, 26 Nov 2026 11:00:00 GMT', now)).toBe(0)
  expect(retryAfter('soon', now)).toBeNull()
  expect(retryAfter(undefined, now)).toBeNull()
})

it('guards ranges with strong tags only', () => {
  expect([strongEtag('"a"'), strongEtag('W/"a"'), strongEtag(null), strongEtag('a')]).toEqual(['"a"', null, null, null])
})

it('never takes the hash of a file from its storage', () => {
  const part = { file: 'x.gguf', sizeBytes: 4, sha256: null, gitSha1: null, etag: null, ranges: [], done: false }
  const asked = { part, revision: 'c', range: [0, 4] as [number, number], hubOrigin: 'https://hub.example' }
  const storage = { url: new URL('https://cdn.example/x'), status: 200, headers: { 'x-linked-etag': `"${'a'.repeat(64)}"`, etag: '"s"' } }
  expect(acceptAnswer([storage], asked).sha256).toBeNull()
  const hub = { url: new URL('https://hub.example/x'), status: 302, headers: { 'x-linked-etag': `"${'b'.repeat(64)}"` } }
  expect(acceptAnswer([hub, { ...storage, headers: { etag: '"s"' } }], asked).sha256).toBe('b'.repeat(64))
  expect(() => acceptAnswer([{ ...hub, headers: { 'x-repo-commit': 'other' } }, storage], asked)).toThrow(
    expect.objectContaining({ code: 'download/changed' }),
  )
})
