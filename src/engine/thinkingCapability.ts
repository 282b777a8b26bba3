import type { ThinkingCapability, ThinkingSwitch, ThoughtMarkers } from '@shared/domain/thinking'
import { SnugError } from '@shared/errors'
import type { NativeRenderer } from './nativeTemplateRenderer'
import { type ThoughtForm, thoughtForms } from './promptMessages'
import { createTemplateRenderer, type TemplateRenderer } from './templateRenderer'
import { efforts, levelNames, softSwitch, toggles, unknownLevel } from './thinkingSwitches'
import { findFamily, plainThink } from './thoughtMarkers'

type Turn = Record<string, unknown>
type Variables = Record<string, unknown>
/** What the probe conversations became; null where the template threw. */
type Answers = (string | null)[]

const question = 'Which probe is 4711?'
const thought = 'Probing thought 4712.'
const answer = 'Probed answer 4713.'
const system: Turn = { role: 'system', content: 'Probing system 4714.' }
const user: Turn = { role: 'user', content: question }
const spoken: Turn = { role: 'assistant', content: answer, reasoning_content: thought, thinking: thought, reasoning: thought }

export interface DetectedThinking {
  capability: ThinkingCapability
  /** Also for a model without a capability, where its template or vocabulary spells thoughts: a thought that comes anyway is parsed. */
  markers: ThoughtMarkers | null
  /** The form in which this template takes old thoughts; null: in a field of the message, or not at all. */
  form: ThoughtForm | null
}

/** Asks a template by rendering it: with each switch on and off, with and without a system message, and with an old thought. */
class Asker {
  private readonly seen: string[] = []

  constructor(private readonly renderer: TemplateRenderer) {}

  one(messages: Turn[], variables: Variables = {}, addGenerationPrompt = true): string | null {
    try {
      // a BOS of its own would look like a marker; an empty one is what a template without BOS gets
      const text = this.renderer.render({ messages, addGenerationPrompt, bos: '', eos: '', variables })
      this.seen.push(text)
      return text
    } catch (error) {
      if (error instanceof SnugError && error.code === 'template/too-slow') throw error
      // a template that throws on one value tells which values exist
      return null
    }
  }

  all(variables: Variables): Answers {
    return [this.one([user], variables), this.one([system, user], variables), this.one([user, spoken, user], variables)]
  }

  get rendered(): string {
    return this.seen.join('\n')
  }
}

const same = (a: Answers, b: Answers): boolean => a.every((text, index) => text === b[index])
const differs = (a: Answers, b: Answers): boolean => a.some((text, index) => text !== null && b[index] !== null && text !== b[index])
const lives = (answers: Answers): boolean => answers.some((text) => text !== null)

/** What follows the last question: the header of the reply, and whatever opens or closes a thought. */
const afterQuestion = (text: string | null): string => (text === null ? '' : text.slice(text.lastIndexOf(question) + question.length))

/** The reply starts inside a thought. */
export function endsInThought(prompt: string, markers: ThoughtMarkers): boolean {
  const end = prompt.trimEnd()
  return markers.open.some((open) => end.endsWith(open.trimEnd()))
}

/** The reply starts after a thought that the prompt closed: an empty one, or a lone closing marker. */
function closesThought(tail: string, markers: ThoughtMarkers): boolean {
  const last = (spellings: string[]): number => Math.max(-1, ...spellings.map((spelling) => tail.lastIndexOf(spelling)))
  const close = last(markers.close)
  const open = last(markers.open)
  const shared = markers.close.some((spelling) => markers.answerClose.includes(spelling))
  return close >= 0 && close > open && (open >= 0 || !shared)
}

interface FoundToggle {
  variable: string
  defaultOn: boolean
  details: ThinkingSwitch
  onlyWithoutSystem: boolean
  on: Variables
  off: Answers
}

function findToggle(asker: Asker, absent: Answers): FoundToggle | null {
  for (const { variable, on, off, between } of toggles) {
    const [withOn, withOff] = [asker.all({ [variable]: on }), asker.all({ [variable]: off })]
    if (!differs(withOn, withOff)) continue
    const adaptive = between !== undefined && same(absent, asker.all({ [variable]: between }))
    return {
      variable,
      defaultOn: adaptive || !differs(absent, withOn),
      details: {
        ...(typeof on === 'boolean' ? {} : { on, off }),
        ...(typeof on === 'number' ? { takesBudget: true } : {}),
      },
      onlyWithoutSystem: withOn[1] !== null && withOn[1] === withOff[1],
      on: { [variable]: on },
      off: withOff,
    }
  }
  return null
}

/** Words in the text: what is left of the prompt without those words must differ. */
function findSoft(asker: Asker, variables: Variables): 'user' | 'system' | null {
  const { on, off } = softSwitch
  const rest = (messages: Turn[]): string | undefined =>
    asker
      .one(messages, variables)
      ?.replaceAll(off, '')
      .replaceAll(on, '')
      .replace(/[ \n]+/g, ' ')
  const works = (messages: (word: string) => Turn[]): boolean => {
    const [a, b] = [rest(messages(on)), rest(messages(off))]
    return a !== undefined && b !== undefined && a !== b
  }
  if (works((word) => [{ role: 'user', content: `${question} ${word}` }])) return 'user'
  if (works((word) => [{ role: 'system', content: `Probing system 4714. ${word}` }, user])) return 'system'
  return null
}

interface FoundEffort {
  variable: string
  levels: string[]
  defaultLevel: string | null
  offLevel: string | null
}

function findEffort(asker: Asker, source: string, markers: () => ThoughtMarkers, toggle: FoundToggle | null): FoundEffort | null {
  // levels may count only while thinking is on (DeepSeek V4)
  const base = toggle?.on ?? {}
  const absent = asker.all(base)
  const written = (level: string): boolean => source.includes(`'${level}'`) || source.includes(`"${level}"`)
  for (const { variable, free } of efforts) {
    if (!source.includes(variable)) continue
    const unknown = asker.all({ ...base, [variable]: unknownLevel })
    if (lives(unknown) && differs(unknown, absent)) {
      const defaultLevel = free.find((level) => same(asker.all({ ...base, [variable]: level }), absent)) ?? null
      return { variable, levels: free, defaultLevel, offLevel: null }
    }
    const known = levelNames
      .map((level) => ({ level, answers: asker.all({ ...base, [variable]: level }) }))
      .filter(({ answers }) => lives(answers) && (!lives(unknown) || differs(answers, unknown)))
      .filter(({ answers }) => toggle === null || differs(answers, toggle.off))
    if (known.length === 0) continue
    const byDefault = levelNames.find((level) => written(level) && same(asker.all({ ...base, [variable]: level }), absent)) ?? null
    // of two names for one prompt the later is kept
    const distinct = known.filter(({ answers }, index) => !known.slice(index + 1).some((later) => same(later.answers, answers)))
    const levels = distinct.map(({ level }) => level)
    if (byDefault !== null && !levels.includes(byDefault)) levels.push(byDefault)
    levels.sort((a, b) => levelNames.indexOf(a) - levelNames.indexOf(b))
    const off = distinct.find(({ answers }) => closesThought(afterQuestion(answers[0] ?? null), markers()))
    return { variable, levels, defaultLevel: byDefault, offLevel: off?.level ?? null }
  }
  return null
}

/** The text between a thought and its answer, as the template itself writes it in an old message. */
function ownClose(asker: Asker, markers: ThoughtMarkers, variables: Variables): string | null {
  const text = asker.one([user, spoken], variables, false) ?? ''
  const from = text.indexOf(thought)
  const to = text.indexOf(answer, from + thought.length)
  if (from < 0 || to < 0) return null
  const between = text.slice(from + thought.length, to)
  return between.length <= 200 && markers.close.some((close) => between.includes(close)) ? between : null
}

/** Asked only where no field is read: the form in which the template writes the thought behind its own marker (others print it as data). */
function findForm(asker: Asker, markers: ThoughtMarkers, variables: Variables): ThoughtForm | null {
  const reads = (spokenTurn: Turn): boolean =>
    [asker.one([user, spokenTurn, user], variables), asker.one([user, spokenTurn], variables, false)].some((text) => {
      const before = text === null || !text.includes(thought) ? null : text.slice(0, text.lastIndexOf(thought)).trimEnd()
      return before !== null && markers.open.some((open) => before.endsWith(open.trimEnd()))
    })
  if (reads(spoken)) return null
  return thoughtForms.find((form) => reads({ role: 'assistant', content: form.content(thought, answer) })) ?? null
}

/** The template knows a thought that was already thought: it writes the field, or wraps an answer without one. */
function knowsThoughts(asker: Asker, markers: ThoughtMarkers): boolean {
  const bare: Turn = { role: 'assistant', content: answer }
  const [withThought, without] = [asker.one([user, spoken], {}, false), asker.one([user, bare], {}, false)]
  if (withThought !== without) return true
  const wrapped = asker.one([user, bare, user]) ?? ''
  return [...markers.open, ...markers.close].some((spelling) => spelling.length > 3 && wrapped.includes(spelling))
}

function detect(renderer: TemplateRenderer, tokens: readonly string[]): DetectedThinking {
  const asker = new Asker(renderer)
  const absent = asker.all({})
  // a broken template: sixty more attempts would not tell more
  if (!lives(absent)) return { capability: { kind: 'none' }, markers: findFamily('', renderer.source, tokens), form: null }
  const toggle = findToggle(asker, absent)
  const soft = findSoft(asker, toggle?.on ?? {})
  // rendered before the family is asked for, so that it can be seen in an old message
  asker.one([user, spoken], toggle?.on ?? {}, false)
  const markersNow = (): ThoughtMarkers => findFamily(asker.rendered, renderer.source, tokens) ?? plainThink
  const effort = findEffort(asker, renderer.source, markersNow, toggle)

  const family = findFamily(asker.rendered, renderer.source, tokens)
  const close = family === null ? null : ownClose(asker, family, toggle?.on ?? {})
  const markers = family === null ? null : { ...family, ...(close === null ? {} : { gracefulClose: close }) }
  const withMarkers = markers ?? plainThink
  const softOf = soft === null ? {} : { soft: { ...softSwitch, place: soft, instead: toggle === null } }

  const capability = ((): ThinkingCapability => {
    if (effort !== null) {
      const beside =
        toggle === null ? {} : { toggle: { variable: toggle.variable, defaultOn: toggle.defaultOn, ...toggle.details, ...softOf } }
      return { kind: 'effort', ...effort, markers: withMarkers, ...beside }
    }
    if (toggle !== null) {
      const { variable, defaultOn, onlyWithoutSystem } = toggle
      const details = { ...toggle.details, ...softOf }
      return {
        kind: 'toggle',
        variable,
        defaultOn,
        markers: withMarkers,
        ...(Object.keys(details).length === 0 ? {} : { switch: details }),
        ...(onlyWithoutSystem ? { onlyWithoutSystem } : {}),
      }
    }
    if (soft !== null) {
      const defaultOn = absent[0] !== null && !closesThought(afterQuestion(absent[0] ?? null), withMarkers)
      return { kind: 'toggle', variable: softSwitch.on, defaultOn, markers: withMarkers, switch: softOf }
    }
    if (markers === null) return { kind: 'none' }
    const asked = absent[0] ?? absent[1] ?? ''
    const asks = markers.open.some((open) => asked.includes(open)) || markers.close.some((end) => end.length > 10 && asked.includes(end))
    return asks || knowsThoughts(asker, markers) ? { kind: 'always', markers } : { kind: 'none' }
  })()
  return { capability, markers, form: markers === null ? null : findForm(asker, markers, toggle?.on ?? {}) }
}

/** Detection renders a template 60 to 150 times (20–200 ms): its answer is kept for the last few. */
const kept = new Map<string, { tokens: readonly string[]; found: DetectedThinking }>()
const mostKept = 8

export function detectThinkingIn(renderer: TemplateRenderer, tokens: readonly string[]): DetectedThinking {
  const before = kept.get(renderer.source)
  if (before !== undefined && before.tokens.length === tokens.length && before.tokens.every((token, index) => token === tokens[index])) {
    return before.found
  }
  const found = detect(renderer, tokens)
  kept.delete(renderer.source)
  kept.set(renderer.source, { tokens, found })
  for (const oldest of kept.keys()) {
    if (kept.size <= mostKept) break
    kept.delete(oldest)
  }
  return found
}

/** What a chat template can do about thinking. `tokens`: the control and user-defined tokens of the vocabulary. */
export function detectThinking(template: string, tokens: readonly string[], native: NativeRenderer | null = null): ThinkingCapability {
  // the date in a prompt must not look like an effect of a switch
  return detectThinkingIn(createTemplateRenderer(template, new Date(2026, 0, 1), native), tokens).capability
}
