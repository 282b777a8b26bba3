/** What a model's chat template can do about thinking, found by rendering it with each known switch (DESIGN.md §5). */
export type ThinkingCapability =
  | { kind: 'none' }
  /** Thinks always, no switch. */
  | { kind: 'always'; markers: ThoughtMarkers }
  | { kind: 'toggle'; variable: string; defaultOn: boolean; markers: ThoughtMarkers }
  /** `offLevel` is the level that really turns thinking off, where there is one. */
  | { kind: 'effort'; variable: string; levels: string[]; defaultLevel: string | null; offLevel: string | null; markers: ThoughtMarkers }

/** What the user chose. `default` leaves the variable out (absent, true and false can be three prompts). */
export type ThinkingChoice =
  | { mode: 'default'; budgetTokens?: number | null }
  | { mode: 'off' }
  | { mode: 'on'; budgetTokens?: number | null }
  | { mode: 'effort'; level: string; budgetTokens?: number | null }

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
  /** What to inject to close a thought gracefully when its budget is spent. */
  gracefulClose: string
}
