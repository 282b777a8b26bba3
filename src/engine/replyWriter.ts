import { availableParallelism } from 'node:os'
import type { ThoughtMarkers } from '@shared/domain/thinking'
import type { EngineEvent } from '@shared/engine/protocol'
import type { Token } from 'node-llama-cpp'
import { createStopFinder, createTokenText } from './replyText'
import { createThoughtParser } from './thoughtParser'

/**
 * Deltas are joined for so long, milliseconds. Each message costs some 2 ms of processor time on its way to the page (measured once:
 * 0.3 s of 1.0 s beside a reply of 1,024 tokens in 190 messages), which on few cores the model's own threads miss.
 */
const joinMs = availableParallelism() >= 8 ? 25 : availableParallelism() >= 4 ? 50 : 100

export interface ReplyWriterOptions {
  emit: (event: EngineEvent) => void
  detokenize: (tokens: Token[], specials: boolean, before: Token[]) => string
  showsSpecial: (token: Token) => boolean
  stops: readonly string[]
  markers: ThoughtMarkers | null
  opensThought: boolean
  /** Thinking is off: there is no thought that a marker in the answer could close. */
  thoughtOff: boolean
  /** The reply goes on with an answer that has begun. */
  inAnswer: boolean
}

/** Sampled tokens to deltas: whole characters, no stop spelling, thought apart from answer, one message for a while. */
export function createReplyWriter(options: ReplyWriterOptions) {
  const text = createTokenText((tokens, before) => options.detokenize(tokens, true, before))
  const stops = createStopFinder(options.stops)
  const parser = createThoughtParser(options.markers, options.opensThought, options.thoughtOff, options.inAnswer)
  let parts: { segment: 'answer' | 'thought'; text: string; tokens: number }[] = []
  let raw = ''
  let lastSent = performance.now()
  let thoughtTokens = 0

  const add = (segment: 'answer' | 'thought', piece: string, tokens: number) => {
    const last = parts[parts.length - 1]
    if (last?.segment === segment) {
      last.text += piece
      last.tokens += tokens
    } else parts.push({ segment, text: piece, tokens })
  }
  const send = () => {
    lastSent = performance.now()
    if (parts.length === 0 && raw === '') return
    if (parts.length === 0) parts.push({ segment: parser.inThought ? 'thought' : 'answer', text: '', tokens: 0 })
    // The raw text goes with the first part: joined over all deltas it is what the model wrote.
    for (const part of parts) {
      options.emit({ kind: 'delta', ...part, raw })
      raw = ''
    }
    parts = []
  }
  const read = (piece: string) => {
    raw += piece
    for (const delta of parser.push(piece)) add(delta.segment, delta.text, 0)
  }

  return {
    get inThought() {
      return parser.inThought
    },
    get thoughtTokens() {
      return thoughtTokens
    },
    /** Not in the middle of a character. */
    get isWhole() {
      return text.isWhole
    },
    /** True where the reply ends here: a stop was spelled, or the family's end of an answer. */
    push: (token: Token): boolean => {
      // Counted where the token begins: a closing marker still belongs to the thought.
      const inThought = parser.inThought
      if (inThought) thoughtTokens++
      add(inThought ? 'thought' : 'answer', '', 1)
      const found = stops.push(options.showsSpecial(token) ? text.push(token) : text.end())
      read(found.text)
      if (performance.now() - lastSent >= joinMs) send()
      return found.stopped || parser.ended
    },
    /** Text that was put into the model's mouth: read as its own, counted as nobody's. */
    inject: (piece: string) => {
      read(text.end())
      read(piece)
    },
    end: () => {
      read(stops.push(text.end()).text)
      read(stops.end())
      for (const delta of parser.end()) add(delta.segment, delta.text, 0)
      send()
    },
  }
}
