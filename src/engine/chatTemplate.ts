import type { PromptMessage } from '@shared/domain/chat'
import type { ThinkingChoice, ThoughtMarkers } from '@shared/domain/thinking'
import type { RenderedPrompt } from '@shared/engine/protocol'
import { SnugError } from '@shared/errors'
import { chooseFallback, type FallbackTemplate } from './fallbackTemplates'
import type { NativeRenderer } from './nativeTemplateRenderer'
import {
  breakMessage,
  hasThought,
  mapTexts,
  moveThought,
  rareThoughtField,
  textsOf,
  type ThoughtForm,
  thoughtFields,
  toFormTurns,
  toTurn,
  type Turn,
  withoutSystemRole,
} from './promptMessages'
import { breakSpellings, freeMark, Spellings, splitPrompt } from './promptPieces'
import { createTemplateRenderer, type TemplateRenderer } from './templateRenderer'
import { type DetectedThinking, detectThinkingIn, endsInThought } from './thinkingCapability'
import { applyThinking } from './thinkingChoice'
import { plainThink } from './thoughtMarkers'

export type { NativeRenderer } from './nativeTemplateRenderer'

export interface PromptRequest {
  template: string
  bos: string | null
  eos: string | null
  /** The spellings of all control and user-defined tokens of the vocabulary. */
  controlTokens: string[]
  /** Of these, the user-defined ones: llama.cpp makes tokens of them in any text, so a message that spells one is cut there. */
  userDefinedTokens?: string[]
  messages: PromptMessage[]
  thinking: ThinkingChoice
  now?: Date
  /** False: a template that cannot be rendered is an error (someone asks about that template), not a reason for another format. */
  fallback?: boolean
}

/** transformers' way: where a template trims the space off, the cut is trimmed too. */
const sentinel = 'SnugGoesOnFromHere '
/** After a continued text a template ends the turn; more than this is a new turn with instructions (Command R+), which must stay. */
const longestEnding = 160

interface Setting {
  renderer: TemplateRenderer
  bos: string | null
  eos: string | null
  variables: Record<string, unknown>
  /** How old thoughts are handed over where no field takes them. */
  form?: ThoughtForm | null
}

function renderTurns(setting: Setting, messages: readonly PromptMessage[], addGenerationPrompt: boolean): string {
  const { renderer, bos, eos, variables, form } = setting
  const write = (turns: Turn[]): string => renderer.render({ messages: turns, addGenerationPrompt, bos, eos, variables })
  if (form) return write(toFormTurns(messages, form))
  const render = (fields: readonly string[]): string => write(messages.map((message) => toTurn(message, fields)))
  const text = render(thoughtFields)
  if (!messages.some(hasThought)) return text
  return text === render([]) ? render([...thoughtFields, rareThoughtField]) : text
}

interface Rendered {
  text: string
  /** What stands between the last message and the point where the model goes on, without the continued text itself. */
  header: string
}

/** An assistant message at the end is a beginning: the prompt ends with its text, inside its turn. */
function renderContinued(setting: Setting, messages: readonly PromptMessage[], last: PromptMessage, markers: ThoughtMarkers): Rendered {
  const before = messages.slice(0, -1)
  const inThought = last.content === '' && last.thought !== undefined && last.thought !== ''
  const marked = inThought ? { ...last, thought: `${last.thought}${sentinel}` } : { ...last, content: last.content + sentinel }
  const written = inThought ? (last.thought ?? '') : last.content
  const whole = renderTurns(setting, [...before, marked], false)
  const at = whole.lastIndexOf(sentinel.trim())
  if (at >= 0 && whole.length - at - sentinel.length <= longestEnding) {
    const text = whole.startsWith(sentinel, at) ? whole.slice(0, at) : whole.slice(0, at).trimEnd()
    const start = text.lastIndexOf(written.trim())
    return { text, header: start < 0 ? text : text.slice(0, start) }
  }
  const opened = renderTurns(setting, before, true)
  const open = inThought && !endsInThought(opened, markers) ? `${markers.open[0] ?? ''}\n` : ''
  return { text: opened + open + written, header: opened + open }
}

function render(setting: Setting, messages: readonly PromptMessage[], markers: ThoughtMarkers): Rendered {
  const last = messages.at(-1)
  if (last?.role === 'assistant') return renderContinued(setting, messages, last, markers)
  const text = renderTurns(setting, messages, true)
  return { text, header: text }
}

const renders = (setting: Setting, messages: PromptMessage[]): boolean => {
  try {
    renderTurns(setting, messages, true)
    return true
  } catch (error) {
    if (error instanceof SnugError && error.code === 'template/too-slow') throw error
    return false
  }
}

const probe: PromptMessage = { role: 'user', content: 'Hi' }
const probeSystem: PromptMessage = { role: 'system', content: 'Be brief.' }

/** Renders; a refused system role (asked by rendering, not by name) is moved into the first user text. */
function renderAllowed(setting: Setting, messages: readonly PromptMessage[], markers: ThoughtMarkers): Rendered {
  try {
    return render(setting, messages, markers)
  } catch (error) {
    const refusesSystem = messages[0]?.role === 'system' && renders(setting, [probe]) && !renders(setting, [probeSystem, probe])
    if (!refusesSystem) throw error
    return render(setting, withoutSystemRole(messages), markers)
  }
}

/** Old thoughts leave the text; of the two ways to cut, the one that gives what the template makes of the text itself. */
function separateThoughts(setting: Setting, messages: readonly PromptMessage[], markers: ThoughtMarkers): PromptMessage[] {
  const [tight, loose] = [false, true].map((keepSpace) => messages.map((message) => moveThought(message, markers, keepSpace)))
  if (tight === undefined || loose === undefined || tight.every((message, index) => message === messages[index])) return [...messages]
  const text = (turns: readonly PromptMessage[]): string | null => {
    try {
      return renderAllowed(setting, turns, markers).text
    } catch {
      // gpt-oss refuses markers in a text: then there is nothing to compare with
      return null
    }
  }
  const inline = text(messages)
  return inline !== null && inline !== text(tight) && inline === text(loose) ? loose : tight
}

/** The spelling with which the template ends an answer, for vocabularies that do not mark it as end of generation. */
function findStops(setting: Setting, spellings: Spellings, markers: ThoughtMarkers | null): string[] {
  const answer = 'Probed answer 4713.'
  try {
    const text = renderTurns(setting, [probe, { role: 'assistant', content: answer }, probe], true)
    const after = text.slice(text.lastIndexOf(answer) + answer.length).slice(0, longestEnding)
    for (let index = 0; index < after.length; index++) {
      const spelling = spellings.at(after, index)
      if (spelling === null) continue
      const own = markers === null ? [] : [...markers.open, ...markers.close, ...markers.answerOpen, ...(markers.skip ?? [])]
      return own.some((marker) => marker.includes(spelling)) ? [] : [spelling]
    }
  } catch {
    // a template that refuses this order of messages: the vocabulary's own end tokens must do
  }
  return []
}

function renderWith(request: PromptRequest, renderer: TemplateRenderer, used: FallbackTemplate | null, reason: string): RenderedPrompt {
  const { bos, eos, controlTokens } = request
  const detected: DetectedThinking = detectThinkingIn(renderer, controlTokens)
  const markers = detected.markers ?? plainThink
  const spellings = new Spellings(controlTokens)
  const choice = applyThinking(detected.capability, request.thinking)
  const setting: Setting = { renderer, bos, eos, variables: choice.variables, form: detected.form }

  let messages = separateThoughts(setting, request.messages, markers)
  const texts = textsOf(messages)
  const mark = freeMark([renderer.source, ...texts])
  messages = messages.map((message) => breakMessage(message, spellings, mark))
  if (choice.soft !== null) {
    const words = new Spellings([choice.soft.on, choice.soft.off])
    // chosen by a switch, so the same words in a text are words
    messages = messages.map((message) => mapTexts(message, (text) => breakSpellings(text, words, mark)))
    const at = messages.findLastIndex(({ role }) => role === 'user')
    const { word } = choice.soft
    if (word !== null)
      messages = messages.map((message, index) => (index === at ? { ...message, content: `${message.content} ${word}` } : message))
  }
  const rendered = renderAllowed(setting, messages, markers)
  const { text, pieces } = splitPrompt(rendered.text, spellings, mark, new Set(request.userDefinedTokens ?? []))
  return {
    text,
    pieces,
    thinking: detected.capability,
    markers: detected.markers,
    opensThought: detected.markers !== null && endsInThought(rendered.header, detected.markers),
    inAnswer: messages.at(-1)?.role === 'assistant' && messages.at(-1)?.content !== '',
    thinkingOff: choice.off,
    stops: used === null ? findStops({ ...setting, variables: {} }, spellings, detected.markers) : used.stops,
    template: used === null ? { kind: 'own' } : { kind: 'fallback', name: used.name, reason },
  }
}

/** Whether the template can write the simplest conversations at all: if not it is broken, and a refusal is not the conversation's fault. */
function isBroken(request: PromptRequest, renderer: TemplateRenderer): boolean {
  const setting: Setting = { renderer, bos: request.bos, eos: request.eos, variables: {} }
  return !renders(setting, [probe]) && !renders(setting, [probeSystem, probe])
}

/**
 * The prompt as the model's own template says it. Only the expendable tools process may call this: a template is a program of
 * unknown origin, and the caller ends the process after 2 s.
 */
export function renderPrompt(request: PromptRequest, native: NativeRenderer | null = null): RenderedPrompt {
  const now = request.now ?? new Date()
  const fall = (reason: string): RenderedPrompt => {
    const chosen = chooseFallback(request.controlTokens)
    return renderWith(request, createTemplateRenderer(chosen.template, now, native), chosen, reason)
  }
  if (request.template.trim() === '') {
    if (request.fallback === false) throw new SnugError('template/failed', 'there is no chat template')
    return fall('there is no chat template')
  }
  const renderer = createTemplateRenderer(request.template, now, native)
  try {
    return renderWith(request, renderer, null, '')
  } catch (error) {
    if (request.fallback === false || !(error instanceof SnugError) || error.code !== 'template/failed' || !isBroken(request, renderer))
      throw error
    return fall(error.message)
  }
}
