import { expect, it } from 'vitest'
import { createIdleCores } from './idleCores'

it('tells how many cores were idle since the last look', () => {
  const states = [
    { idle: 0, all: 0, cores: 4 },
    { idle: 300, all: 400, cores: 4 },
    { idle: 300, all: 800, cores: 4 },
    { idle: 300, all: 800, cores: 4 },
  ]
  const idle = createIdleCores(2, () => states.shift() ?? { idle: 0, all: 0, cores: 4 })
  expect(idle()).toBe(3)
  expect(idle()).toBe(0)
  // Asked twice within one tick of the clock.
  expect(idle()).toBeNull()
})

it('learns nothing from cores that it may not use', () => {
  const states = [
    { idle: 0, all: 0, cores: 8 },
    { idle: 300, all: 400, cores: 8 },
  ]
  expect(createIdleCores(2, () => states.shift() ?? { idle: 0, all: 0, cores: 8 })()).toBeNull()
})
