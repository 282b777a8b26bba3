import type { Token } from 'node-llama-cpp'

/** A character has at most four bytes, and a token at least one of them. */
const longestCharacter = 4
/** Tokens before a piece that the detokeniser looks at (leading spaces). */
const contextTokens = 4

/** Tokens to text without ever breaking a character: bytes of an incomplete one are held until the rest has come. */
export function createTokenText(detokenize: (tokens: Token[], before: Token[]) => string) {
  let pending: Token[] = []
  let before: Token[] = []
  const take = (text: string) => {
    before = [...before, ...pending].slice(-contextTokens)
    pending = []
    return text
  }
  return {
    get isWhole() {
      return pending.length === 0
    },
    push: (token: Token): string => {
      pending.push(token)
      const text = detokenize(pending, before)
      // A replacement character at the end is an unfinished character, unless it does not become one.
      if (text.endsWith('\uFFFD') && pending.length < longestCharacter) return ''
      return take(text)
    },
    end: (): string => (pending.length === 0 ? '' : take(detokenize(pending, before))),
  }
}

/** Looks for spellings that end the reply; what could still become one is held back. */
export function createStopFinder(stops: readonly string[]) {
  const wanted = stops.filter((stop) => stop !== '')
  let held = ''
  return {
    push: (text: string): { text: string; stopped: boolean } => {
      held += text
      const found = wanted.map((stop) => held.indexOf(stop)).filter((at) => at >= 0)
      if (found.length > 0) {
        const out = held.slice(0, Math.min(...found))
        held = ''
        return { text: out, stopped: true }
      }
      let keep = 0
      for (const stop of wanted)
        for (let length = Math.min(stop.length - 1, held.length); length > keep; length--)
          if (held.endsWith(stop.slice(0, length))) {
            keep = length
            break
          }
      const out = held.slice(0, held.length - keep)
      held = held.slice(held.length - keep)
      return { text: out, stopped: false }
    },
    end: (): string => {
      const rest = held
      held = ''
      return rest
    },
  }
}
