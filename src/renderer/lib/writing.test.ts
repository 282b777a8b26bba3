import { expect, it } from 'vitest'
import { isWriting } from './writing'

it('is who has begun a text, not who looks at an empty field or at a button', () => {
  expect(isWriting({ tagName: 'TEXTAREA', value: 'Dear' })).toBe(true)
  expect(isWriting({ tagName: 'INPUT', value: 'qwen' })).toBe(true)
  expect(isWriting({ tagName: 'TEXTAREA', value: ' ' })).toBe(false)
  expect(isWriting({ tagName: 'BUTTON', value: 'x' })).toBe(false)
  expect(isWriting(null)).toBe(false)
})
