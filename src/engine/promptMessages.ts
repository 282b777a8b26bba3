import type { PromptMessage } from '@shared/domain/chat'
import type { ThoughtMarkers } from '@shared/domain/thinking'
import { breakSpellings, type Spellings } from './promptPieces'
import { splitThought } from './thoughtParser'

export type Turn = Record<string, unknown>

/** The fields in which templates look for an old thought. `reasoning` only where the first two change nothing (Solar reads it alone). */
export const thoughtFields = ['reasoning_content', 'thinking'] as const
export const rareThoughtField = 'reasoning'

/** How a template wants an old thought that knows no field for it: the whole content in another form. */
export interface ThoughtForm {
  name: string
  content: (thought: string, text: string) => unknown
}

/** Tried in this order. A chat with one thought has all its answers in the form: Apertus refuses a mixture. */
export const thoughtForms: ThoughtForm[] = [
  {
    // Ministral and Magistral
    name: 'parts',
    content: (thinking, text) => [
      ...(thinking === '' ? [] : [{ type: 'thinking', thinking }]),
      ...(text === '' ? [] : [{ type: 'text', text }]),
    ],
  },
  {
    // Apertus
    name: 'blocks',
    content: (thought, text) => ({
      blocks: [...(thought === '' ? [] : [{ type: 'thoughts', text: thought }]), ...(text === '' ? [] : [{ type: 'response', text }])],
    }),
  },
]

/** Moves a thought out of an old assistant text into its field. What is left keeps every character, or loses the line breaks between. */
export function moveThought(message: PromptMessage, markers: ThoughtMarkers, keepSpace: boolean): PromptMessage {
  if (message.role !== 'assistant' || message.thought !== undefined) return message
  const { content } = message
  const begins = [...markers.open, ...(markers.skip ?? []), ...(markers.header ? [markers.header.start] : [])]
  const opened = begins.some((spelling) => content.trimStart().startsWith(spelling.trimStart()))
  // a reply to a prompt that opened the thought holds the closing marker only
  const closedOnly = !opened && markers.close.some((spelling) => spelling.length > 7 && content.includes(spelling))
  if (!opened && !closedOnly) return message
  const split = splitThought(content, markers, closedOnly)
  const space = keepSpace ? (/\s*$/.exec(content.slice(0, content.lastIndexOf(split.answer)))?.[0] ?? '') : ''
  return { ...message, thought: split.thought, content: space + split.answer }
}

/** As a template gets it: unknown fields stay, null ones are left out (a null content breaks templates), the thought goes to its fields. */
export function toTurn(message: PromptMessage, fields: readonly string[]): Turn {
  const turn: Turn = {}
  for (const [key, value] of Object.entries(message)) if (key !== 'thought' && value !== null && value !== undefined) turn[key] = value
  if (message.thought !== undefined) for (const field of fields) turn[field] = message.thought
  return turn
}

export const hasThought = ({ thought }: PromptMessage): boolean => thought !== undefined && thought !== ''

/** All turns for a template that wants thoughts in a form of its own. Nothing is changed in a chat without thoughts. */
export function toFormTurns(messages: readonly PromptMessage[], form: ThoughtForm): Turn[] {
  const wanted = messages.some(hasThought)
  return messages.map((message) => {
    const turn = toTurn(message, [])
    return wanted && message.role === 'assistant' ? { ...turn, content: form.content(message.thought ?? '', message.content) } : turn
  })
}

/** A template that refuses the system role gets its text in front of the first user text, as Gemma 3's own template writes it. */
export function withoutSystemRole(messages: readonly PromptMessage[]): PromptMessage[] {
  const [first, ...rest] = messages
  if (first?.role !== 'system') return [...messages]
  const at = rest.findIndex(({ role }) => role === 'user')
  if (at < 0) return [{ ...first, role: 'user' }, ...rest]
  return rest.map((message, index) =>
    index === at && first.content !== '' ? { ...message, content: `${first.content}\n\n${message.content}` } : message,
  )
}

function breakIn(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return change(value)
  if (Array.isArray(value)) return value.map((item) => breakIn(item, change))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, breakIn(item, change)]))
}

/** Changes every text of a message, in whatever field, but its role. */
export function mapTexts(message: PromptMessage, change: (text: string) => string): PromptMessage {
  const changed: PromptMessage = { role: message.role, content: change(message.content) }
  for (const [key, value] of Object.entries(message)) if (key !== 'role' && key !== 'content') changed[key] = breakIn(value, change)
  return changed
}

export function textsOf(messages: readonly PromptMessage[]): string[] {
  const texts: string[] = []
  for (const message of messages) {
    mapTexts(message, (text) => {
      texts.push(text)
      return text
    })
  }
  return texts
}

export const breakMessage = (message: PromptMessage, spellings: Spellings, mark: string): PromptMessage =>
  mapTexts(message, (text) => breakSpellings(text, spellings, mark))
