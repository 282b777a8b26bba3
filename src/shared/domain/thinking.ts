/** What a model's chat template can do about thinking, found by rendering it with each known switch (DESIGN.md §5). */
export type ThinkingCapability =
  | { kind: 'none' }
  /** Thinks always, no switch. */
  | { kind: 'always'; markers: ThoughtMarkers }
  | { kind: 'toggle'; variable: string; defaultOn: boolean; markers: ThoughtMarkers; switch?: ThinkingSwitch; onlyWithoutSystem?: boolean }
  /** `offLevel` is the level that really turns thinking off, where there is one; `toggle` is a variable beside the levels that does. */
  | {
      kind: 'effort'
      variable: string
      levels: string[]
      defaultLevel: string | null
      offLevel: string | null
      markers: ThoughtMarkers
      toggle?: ThinkingSwitch & { variable: string; defaultOn: boolean }
    }

/** The values a switch takes where they are not true and false, and the words in the text that overrule or replace it. */
export interface ThinkingSwitch {
  on?: string | number | boolean
  off?: string | number | boolean
  /** The variable is a number of thought tokens: a budget can be told to the model itself. */
  takesBudget?: boolean
  /** Words in the last user text (`user`) or in the system text that switch thinking; `instead`: there is no variable. */
  soft?: { on: string; off: string; place: 'user' | 'system'; instead: boolean }
}

/** Whether thinking can be turned off at all. */
export function canTurnOff(capability: ThinkingCapability): boolean {
  return capability.kind === 'toggle' || (capability.kind === 'effort' && (capability.offLevel !== null || capability.toggle !== undefined))
}

/** What the user chose. `default` leaves the variable out (absent, true and false can be three prompts). */
export type ThinkingChoice =
  | { mode: 'default'; budgetTokens?: number | null }
  | { mode: 'off' }
  | { mode: 'on'; budgetTokens?: number | null }
  | { mode: 'effort'; level: string; budgetTokens?: number | null }

/** Whether a reply thinks first. A choice made for another model still means something: off is off, on is on. */
export function thinksFirst(capability: ThinkingCapability, choice: ThinkingChoice): boolean {
  switch (capability.kind) {
    case 'none':
      return false
    case 'always':
      return true
    case 'toggle':
      return choice.mode === 'default' ? capability.defaultOn : choice.mode !== 'off'
    case 'effort': {
      const { levels, offLevel, defaultLevel } = effortLevels(capability)
      const asked = choice.mode === 'effort' ? choice.level : choice.mode === 'off' ? offLevel : null
      const level = asked !== null && levels.includes(asked) ? asked : defaultLevel
      return offLevel === null || level !== offLevel
    }
  }
}

/** How a family writes thoughts in its raw text: data for one parser. */
export interface ThoughtMarkers {
  /** Name of the family in the table, e.g. `think`, `harmony`, `gemma4`. */
  family: string
  /** Spellings that open a thought. */
  open: string[]
  /** Spellings that close it. */
  close: string[]
  /** Spellings between thought and answer that belong to neither (e.g. Harmony's final-channel header). */
  answerOpen: string[]
  /** Spellings after an answer that end it (besides end-of-generation tokens). */
  answerClose: string[]
  /** Spellings that say who writes next: never shown, and they change nothing. */
  skip?: string[]
  /** A header with a free middle, e.g. Harmony's `<|channel|>final<|message|>`: any other middle than these opens a thought. */
  header?: { start: string; end: string; answer: string[] }
  /** What to inject to close a thought gracefully when its budget is spent. */
  gracefulClose: string
}

/** The levels to choose from, with `off` (and `on`, where the model has a way between) where a variable beside them switches thinking. */
export function effortLevels(capability: Extract<ThinkingCapability, { kind: 'effort' }>): {
  levels: string[]
  offLevel: string | null
  defaultLevel: string | null
} {
  const { levels, offLevel, defaultLevel, toggle } = capability
  if (toggle === undefined) return { levels, offLevel, defaultLevel }
  const between = defaultLevel === null ? ['on'] : []
  return {
    levels: ['off', ...between, ...levels],
    offLevel: 'off',
    defaultLevel: toggle.defaultOn ? (defaultLevel ?? 'on') : 'off',
  }
}
