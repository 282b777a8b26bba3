import { effortLevels, type ThinkingCapability, type ThinkingChoice } from '@shared/domain/thinking'

/** What the control shows: only what this model can do. */
export type ThinkingState =
  | { kind: 'none' }
  | { kind: 'always'; budget: number | null }
  | { kind: 'toggle'; on: boolean; budget: number | null }
  | { kind: 'effort'; levels: string[]; level: string | null; offLevel: string | null; budget: number | null }

export const budgets: readonly number[] = [512, 1_024, 2_048, 4_096, 8_192]

function budgetOf(choice: ThinkingChoice): number | null {
  return choice.mode === 'off' ? null : (choice.budgetTokens ?? null)
}

/** A choice made for another model still means something: off is off, on is on. */
export function thinkingState(capability: ThinkingCapability, choice: ThinkingChoice): ThinkingState {
  const budget = budgetOf(choice)
  switch (capability.kind) {
    case 'none':
      return { kind: 'none' }
    case 'always':
      return { kind: 'always', budget }
    case 'toggle':
      return { kind: 'toggle', on: choice.mode === 'default' ? capability.defaultOn : choice.mode !== 'off', budget }
    case 'effort': {
      const { levels, offLevel, defaultLevel } = effortLevels(capability)
      const asked = choice.mode === 'effort' ? choice.level : choice.mode === 'off' ? offLevel : null
      return { kind: 'effort', levels, offLevel, level: asked !== null && levels.includes(asked) ? asked : defaultLevel, budget }
    }
  }
}

export function withBudget(capability: ThinkingCapability, choice: ThinkingChoice, budget: number | null): ThinkingChoice {
  const state = thinkingState(capability, choice)
  if (state.kind === 'toggle') return state.on ? { mode: 'on', budgetTokens: budget } : { mode: 'off' }
  if (state.kind === 'effort' && state.level !== null) return { mode: 'effort', level: state.level, budgetTokens: budget }
  return { mode: 'default', budgetTokens: budget }
}

/** The switch, and Ctrl T. For levels: off where there is an off level, else the next level. */
export function toggled(capability: ThinkingCapability, choice: ThinkingChoice): ThinkingChoice {
  const state = thinkingState(capability, choice)
  if (state.kind === 'toggle') return state.on ? { mode: 'off' } : { mode: 'on', budgetTokens: state.budget }
  if (state.kind === 'effort') {
    const at = state.level === null ? -1 : state.levels.indexOf(state.level)
    const next = state.levels[(at + 1) % Math.max(1, state.levels.length)]
    return next === undefined ? choice : { mode: 'effort', level: next, budgetTokens: state.budget }
  }
  return choice
}
