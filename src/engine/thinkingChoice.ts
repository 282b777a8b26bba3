import type { ThinkingCapability, ThinkingChoice, ThinkingSwitch } from '@shared/domain/thinking'

export interface AppliedThinking {
  /** What the template gets. Nothing where nothing was chosen: absent, true and false can be three prompts. */
  variables: Record<string, unknown>
  /** Thinking is really off for this reply. */
  off: boolean
  /** Words in the text that switch thinking: those in messages are broken, and `word`, if any, is written at the end of the last user text. */
  soft: { on: string; off: string; word: string | null } | null
}

const nothing: AppliedThinking = { variables: {}, off: false, soft: null }

function toggled(variable: string, details: ThinkingSwitch | undefined, on: boolean, budget: number | null): AppliedThinking {
  const soft = details?.soft
  const words = soft === undefined ? null : { on: soft.on, off: soft.off, word: soft.instead ? (on ? soft.on : soft.off) : null }
  if (soft?.instead === true) return { variables: {}, off: !on, soft: words }
  const value = on ? (details?.takesBudget === true && budget !== null ? budget : (details?.on ?? true)) : (details?.off ?? false)
  return { variables: { [variable]: value }, off: !on, soft: words }
}

/** Turns a choice into a template's variables. A choice that this model does not have is left out; `off` in the result tells the truth. */
export function applyThinking(capability: ThinkingCapability, choice: ThinkingChoice): AppliedThinking {
  const budget = choice.mode === 'off' ? null : (choice.budgetTokens ?? null)
  if (capability.kind === 'none' || capability.kind === 'always') return nothing
  if (capability.kind === 'toggle') {
    const details = capability.switch
    if (choice.mode === 'default') {
      const told = details?.takesBudget === true && budget !== null
      return told ? toggled(capability.variable, details, true, budget) : { ...nothing, off: !capability.defaultOn }
    }
    return toggled(capability.variable, details, choice.mode !== 'off', budget)
  }

  const { toggle, variable, offLevel, defaultLevel, levels } = capability
  const switched = (on: boolean): AppliedThinking => (toggle === undefined ? nothing : toggled(toggle.variable, toggle, on, budget))
  const atLevel = (level: string): AppliedThinking => {
    const on = switched(true)
    return { ...on, variables: { ...on.variables, [variable]: level }, off: level === offLevel }
  }
  if (choice.mode === 'default')
    return { ...nothing, off: (toggle !== undefined && !toggle.defaultOn) || (offLevel !== null && offLevel === defaultLevel) }
  if (choice.mode === 'effort') {
    const bySwitch = toggle !== undefined && !levels.includes(choice.level) && (choice.level === 'on' || choice.level === 'off')
    return bySwitch ? switched(choice.level === 'on') : atLevel(choice.level)
  }
  if (choice.mode === 'off') return toggle !== undefined ? switched(false) : offLevel !== null ? atLevel(offLevel) : nothing
  // on: as the model does by itself, or its strongest level where that is off
  if (toggle !== undefined) return switched(true)
  return offLevel !== null && offLevel === defaultLevel ? atLevel(levels.at(-1) ?? offLevel) : nothing
}
