import { Environment, Interpreter, parse, tokenize } from '@huggingface/jinja'
import { SnugError } from '@shared/errors'
import type { NativeRenderer } from './nativeTemplateRenderer'
import { hideWideSpace, pythonFunctions, showWideSpace, withPythonStrips } from './pythonStrings'
import { strftime } from './strftime'

/** Real templates have up to 17 KB; a longer text is no chat template. */
const longestTemplate = 1024 * 1024
/** Characters; a 1M-token context is about half of it. */
const longestPrompt = 8 * 1024 * 1024
/** Characters of what a template says when it refuses: room for two sentences, and none for the messages in it. */
const longestReason = 300
/** Steps that `range()` may hand out in one rendering: real templates take a few hundred. */
const mostRangeSteps = 100_000

export interface TemplateContext {
  messages: Record<string, unknown>[]
  addGenerationPrompt: boolean
  bos: string | null
  eos: string | null
  variables: Record<string, unknown>
}

/** Renders one template with any context. Throws `template/failed`. */
export interface TemplateRenderer {
  readonly source: string
  render(context: TemplateContext): string
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** llama.cpp's renderer names the place; of its several lines only the place and the error are wanted. */
function nativeReason(message: string): { reason: string; line: number | null } {
  const line = /at line (\d+)/.exec(message)?.[1]
  const reason =
    message
      .split('\n')
      .at(-1)
      ?.replace(/^(Error: )?(Jinja Exception: )?/, '') ?? message
  return { reason: reason.replace(/^AddonJinjaRenderer: [^:]*: /, ''), line: line === undefined ? null : Number(line) }
}

/** trim_blocks and lstrip_blocks, as transformers sets them. */
function parseTemplate(source: string): ReturnType<typeof parse> {
  const program = parse(tokenize(source, { lstrip_blocks: true, trim_blocks: true }))
  withPythonStrips(program)
  return program
}

type Program = ReturnType<typeof parseTemplate>

/** One chat asks for the same template again and again, and a long one takes 10 ms to parse. Interpreting changes nothing in it. */
const parsed = new Map<string, Program>()
const mostParsed = 4

function parsedTemplate(source: string): Program {
  const program = parsed.get(source) ?? parseTemplate(source)
  parsed.delete(source)
  parsed.set(source, program)
  for (const oldest of parsed.keys()) {
    if (parsed.size <= mostParsed) break
    parsed.delete(oldest)
  }
  return program
}

function interpret(program: Program, context: Record<string, unknown>, now: Date): string {
  const environment = new Environment()
  let rangeSteps = 0
  const globals: Record<string, unknown> = {
    false: false,
    true: true,
    none: null,
    False: false,
    True: true,
    None: null,
    range: (start: number, stop?: number, step = 1): number[] => {
      const [from, to] = stop === undefined ? [0, start] : [start, stop]
      if (step === 0) throw new Error('range() step must not be zero')
      const length = Math.max(0, Math.ceil((to - from) / step))
      rangeSteps += length
      if (rangeSteps > mostRangeSteps) throw new SnugError('template/too-slow', `the chat template counts to ${rangeSteps} and more`)
      return Array.from({ length }, (_, index) => from + index * step)
    },
    raise_exception: (message: unknown): never => {
      throw new Error(String(message))
    },
    strftime_now: (format: string): string => strftime(now, format),
    ...pythonFunctions,
  }
  for (const [name, value] of Object.entries(globals)) environment.set(name, value)
  // a switch may carry any name, also one of the above
  for (const [name, value] of Object.entries(context)) if (!(name in globals)) environment.set(name, value)
  const result = new Interpreter(environment).run(program)
  if (typeof result.value !== 'string') throw new SnugError('template/failed', 'the template gave no text')
  return result.value
}

function mapStrings(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return change(value)
  if (Array.isArray(value)) return value.map((item) => mapStrings(item, change))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapStrings(item, change)]))
}

function renderNatively(native: NativeRenderer, source: string, context: Record<string, unknown>): string {
  let free = true
  mapStrings(context.messages, (text) => {
    if (/[\v\f]/.test(text)) free = false
    return text
  })
  // a text with a form feed of its own is left as it is
  if (!free) return native.render(source, context)
  return showWideSpace(native.render(source, { ...context, messages: mapStrings(context.messages, hideWideSpace) }))
}

/**
 * The chain of DESIGN.md §5: @huggingface/jinja with `tools` null (as transformers passes it), then with an empty list (some templates
 * loop over it), then llama.cpp's own renderer.
 */
export function createTemplateRenderer(source: string, now: Date, native: NativeRenderer | null): TemplateRenderer {
  if (source.length > longestTemplate) {
    throw new SnugError('template/failed', `the chat template has ${source.length} characters, more than ${longestTemplate}`, {
      characters: source.length,
    })
  }
  let program: Program | null = null
  let syntaxError: unknown = null
  try {
    program = parsedTemplate(source)
  } catch (error) {
    syntaxError = error
  }

  const attempt = (context: Record<string, unknown>): { text: string } | { reason: string; line: number | null } => {
    const first: string[] = []
    for (const tools of [null, []]) {
      try {
        if (program === null) throw syntaxError
        return { text: interpret(program, { ...context, tools }, now) }
      } catch (error) {
        if (error instanceof SnugError) throw error
        // a text or a nesting beyond what JavaScript can hold: the next renderer would take the memory instead
        if (error instanceof RangeError) throw new SnugError('template/failed', `the chat template grows without end: ${error.message}`)
        first.push(reasonOf(error))
      }
    }
    let last: { reason: string; line: number | null } = { reason: first[0] ?? 'unknown', line: null }
    for (const tools of native === null ? [] : [null, []]) {
      try {
        if (native !== null) return { text: renderNatively(native, source, { ...context, tools }) }
      } catch (error) {
        const told = nativeReason(reasonOf(error))
        // the place is known to llama.cpp only, the template's own words to both
        last = { reason: program === null || told.reason === '' ? last.reason : told.reason, line: last.line ?? told.line }
      }
    }
    return last
  }

  return {
    source,
    render({ messages, addGenerationPrompt, bos, eos, variables }) {
      const outcome = attempt({
        messages,
        add_generation_prompt: addGenerationPrompt,
        ...(bos === null ? {} : { bos_token: bos }),
        ...(eos === null ? {} : { eos_token: eos }),
        ...variables,
      })
      if ('reason' in outcome) {
        const { line } = outcome
        const reason = outcome.reason.length <= longestReason ? outcome.reason : `${outcome.reason.slice(0, longestReason - 1)}…`
        const place = line === null ? '' : `, line ${line}`
        throw new SnugError('template/failed', `the chat template failed${place}: ${reason}`, {
          reason,
          ...(line === null ? {} : { line }),
        })
      }
      if (outcome.text.length > longestPrompt) {
        throw new SnugError('template/failed', `the chat template wrote ${outcome.text.length} characters, more than ${longestPrompt}`, {
          characters: outcome.text.length,
        })
      }
      return outcome.text
    },
  }
}
