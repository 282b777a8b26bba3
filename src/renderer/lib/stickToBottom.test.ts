import { expect, test } from 'vitest'
import { holdsEnd } from './stickToBottom'

const at = (top: number, height = 1000) => ({ top, height, seen: 400 })

test('the end is left by scrolling up, by nothing else', () => {
  expect(holdsEnd(true, 600, at(500))).toBe(false)
  expect(holdsEnd(true, 600, at(590))).toBe(false)
  // More text has come since.
  expect(holdsEnd(true, 600, at(600, 1200))).toBe(true)
  // A thought was folded: the browser moves up to where the text now ends.
  expect(holdsEnd(true, 600, at(300, 700))).toBe(true)
  expect(holdsEnd(true, 600, at(598.5))).toBe(true)
})

test('it is held again by who comes back to it', () => {
  expect(holdsEnd(false, 300, at(500))).toBe(false)
  expect(holdsEnd(false, 500, at(580))).toBe(true)
  // On the way up, still near it.
  expect(holdsEnd(false, 590, at(580))).toBe(false)
  expect(holdsEnd(false, 500, at(600))).toBe(true)
})
