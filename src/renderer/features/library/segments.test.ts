import { describe, expect, it } from 'vitest'
import { segments } from './segments'

describe('segments', () => {
  it('is darker where it is verified', () => {
    expect(segments(100, 50, 25, 4)).toEqual(['done', 'got', 'todo', 'todo'])
    expect(segments(100, 100, 100, 4)).toEqual(['done', 'done', 'done', 'done'])
    expect(segments(100, 0, 0, 2)).toEqual(['todo', 'todo'])
  })
  it('never calls a piece verified that is not wholly so, and survives an unknown size', () => {
    expect(segments(100, 99, 99, 4).at(-1)).toBe('got')
    expect(segments(0, 10, 0, 3)).toEqual(['todo', 'todo', 'todo'])
  })
})
