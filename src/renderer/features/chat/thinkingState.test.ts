import type { ThinkingCapability, ThoughtMarkers } from '@shared/domain/thinking'
import { describe, expect, it } from 'vitest'
import { thinkingState, toggled, withBudget } from './thinkingState'

const markers: ThoughtMarkers = { family: 'think', open: [], close: [], answerOpen: [], answerClose: [], gracefulClose: '' }
const toggle: ThinkingCapability = { kind: 'toggle', variable: 'enable_thinking', defaultOn: true, markers }
const effort: ThinkingCapability = {
  kind: 'effort',
  variable: 'reasoning_effort',
  levels: ['low', 'medium', 'high'],
  defaultLevel: 'medium',
  offLevel: null,
  markers,
}

describe('thinkingState', () => {
  it('shows only what the model can do', () => {
    expect(thinkingState({ kind: 'none' }, { mode: 'on' })).toEqual({ kind: 'none' })
    expect(thinkingState({ kind: 'always', markers }, { mode: 'off' })).toEqual({ kind: 'always', budget: null })
  })
  it('follows the model by default and the choice otherwise', () => {
    expect(thinkingState(toggle, { mode: 'default' })).toMatchObject({ on: true })
    expect(thinkingState({ ...toggle, defaultOn: false }, { mode: 'default' })).toMatchObject({ on: false })
    expect(thinkingState(toggle, { mode: 'off' })).toMatchObject({ on: false })
    expect(thinkingState(effort, { mode: 'effort', level: 'high' })).toMatchObject({ level: 'high' })
    expect(thinkingState(effort, { mode: 'effort', level: 'unknown' })).toMatchObject({ level: 'medium' })
  })
  it('keeps the budget when it is switched', () => {
    expect(withBudget(toggle, { mode: 'default' }, 2048)).toEqual({ mode: 'on', budgetTokens: 2048 })
    expect(toggled(toggle, { mode: 'off' })).toEqual({ mode: 'on', budgetTokens: null })
    expect(toggled(toggle, { mode: 'on', budgetTokens: 512 })).toEqual({ mode: 'off' })
  })
  it('steps through levels', () => {
    expect(toggled(effort, { mode: 'default' })).toEqual({ mode: 'effort', level: 'high', budgetTokens: null })
    expect(toggled(effort, { mode: 'effort', level: 'high' })).toMatchObject({ level: 'low' })
  })
})
