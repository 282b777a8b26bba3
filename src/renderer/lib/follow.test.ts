import { describe, expect, it } from 'vitest'
import { follow } from './follow'

async function* numbers(...values: number[]) {
  yield* values
}

describe('follow', () => {
  it('gives every value and ends with a stream that ends', async () => {
    const seen: number[] = []
    await follow({ open: async () => numbers(1, 2, 3), onValue: (v) => seen.push(v), signal: new AbortController().signal, ends: true })
    expect(seen).toEqual([1, 2, 3])
  })

  it('opens a lost stream again and stops on abort', async () => {
    const abort = new AbortController()
    const seen: number[] = []
    const errors: unknown[] = []
    let opened = 0
    await follow({
      open: async () => {
        opened += 1
        if (opened === 1) throw new Error('port closed')
        return numbers(opened)
      },
      onValue: (v) => {
        seen.push(v)
        if (v === 3) abort.abort()
      },
      onError: (e) => errors.push(e),
      signal: abort.signal,
      ends: false,
      waitMs: 1,
    })
    expect(seen).toEqual([2, 3])
    expect(errors).toHaveLength(1)
  })

  it('does not ask again for what is not there', async () => {
    let opened = 0
    await follow({
      open: async () => {
        opened += 1
        throw { code: 'chat/not-found', message: '' }
      },
      onValue: () => undefined,
      signal: new AbortController().signal,
      ends: false,
      waitMs: 1,
    })
    expect(opened).toBe(1)
  })
})
