import { describe, expect, it } from 'vitest'
import { sliceSize } from './prefill'

describe('the size of a slice', () => {
  it('is small while nothing is known, and about 300 ms of work later', () => {
    expect(sliceSize({ tokensPerMs: null }, 512)).toBe(16)
    expect(sliceSize({ tokensPerMs: 1 }, 512)).toBe(256)
  })

  it('is a whole tile where that ends well before a stopped process would be, and short where it does not', () => {
    expect(sliceSize({ tokensPerMs: 0.1 }, 512)).toBe(64)
    expect(sliceSize({ tokensPerMs: 0.022 }, 512)).toBe(64)
    expect(sliceSize({ tokensPerMs: 0.02 }, 512)).toBe(16)
    expect(sliceSize({ tokensPerMs: 0.002 }, 512)).toBe(4)
  })

  it('is whole batches above one', () => {
    expect(sliceSize({ tokensPerMs: 5 }, 512)).toBe(1024)
    expect(sliceSize({ tokensPerMs: 0.1 }, 32)).toBe(64)
    expect(sliceSize({ tokensPerMs: 0.02 }, 8)).toBe(16)
  })
})
