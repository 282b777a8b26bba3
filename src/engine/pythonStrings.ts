/** What Python calls white space: not U+FEFF, which JavaScript trims, but U+0085 and U+001C–1F, which it does not. */
const pythonSpace = '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000'
const spaceBefore = new RegExp(`^[${pythonSpace}]+`)
const spaceAfter = new RegExp(`[${pythonSpace}]+$`)

type Side = 'both' | 'left' | 'right'

/** Python's strip, lstrip and rstrip; `chars` is a set of characters. */
export function pythonStrip(text: string, side: Side, chars?: string): string {
  if (chars === undefined) {
    const left = side === 'right' ? text : text.replace(spaceBefore, '')
    return side === 'left' ? left : left.replace(spaceAfter, '')
  }
  const set = new Set(chars)
  const points = [...text]
  let from = 0
  let to = points.length
  const stands = (index: number): boolean => set.has(points[index] ?? '')
  if (side !== 'right') while (from < to && stands(from)) from++
  if (side !== 'left') while (to > from && stands(to - 1)) to--
  return points.slice(from, to).join('')
}

/** The names no template uses, under which the interpreter finds the functions below. */
const methods: Record<string, Side> = { strip: 'both', lstrip: 'left', rstrip: 'right' }
const nameOf = (method: string): string => `__python_${method}`

/** To be set in the interpreter's environment. */
export const pythonFunctions: Record<string, (text: unknown, chars?: unknown) => string> = {
  ...Object.fromEntries(
    Object.entries(methods).map(([method, side]) => [
      nameOf(method),
      (text: unknown, chars?: unknown): string => {
        if (typeof text !== 'string') throw new Error(`${method}() of something that is no text`)
        return pythonStrip(text, side, typeof chars === 'string' ? chars : undefined)
      },
    ]),
  ),
  [nameOf('trim')]: (text) => {
    if (text === undefined) return ''
    if (typeof text !== 'string') throw new Error('trim of something that is no text')
    return pythonStrip(text, 'both')
  },
}

interface Node {
  type: string
  [part: string]: unknown
}
const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && typeof Reflect.get(value, 'type') === 'string'
const isIdentifier = (value: unknown): value is Node & { value: string } =>
  isNode(value) && value.type === 'Identifier' && typeof value.value === 'string'
const call = (name: string, args: unknown[]): Node => ({
  type: 'CallExpression',
  callee: { type: 'Identifier', value: nameOf(name) },
  args,
})

/**
 * @huggingface/jinja 0.5.11 overlooks the argument of `strip('\n')` (Qwen3, QwQ, SmolLM3 …: leading spaces of a text are lost) and
 * trims by JavaScript's rules. The parsed template is changed to call the functions above instead.
 */
export function withPythonStrips(value: unknown): unknown {
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) value[index] = withPythonStrips(item)
    return value
  }
  if (!isNode(value)) return value
  for (const key of Object.keys(value)) value[key] = withPythonStrips(value[key])
  if (
    value.type === 'CallExpression' &&
    isNode(value.callee) &&
    value.callee.type === 'MemberExpression' &&
    value.callee.computed !== true
  ) {
    const { object, property } = value.callee
    if (isIdentifier(property) && property.value in methods && Array.isArray(value.args))
      return call(property.value, [object, ...value.args])
  }
  if (value.type === 'FilterExpression' && isIdentifier(value.filter) && value.filter.value === 'trim') return call('trim', [value.operand])
  return value
}

/** llama.cpp trims ASCII white space only: each other white space is written as one of these, so that it is trimmed too, and back. */
const wide = Array.from('\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000')
const asAscii = (character: string): string => `\v${'\f'.repeat(wide.indexOf(character) + 1)}\v`
const anyWide = new RegExp(`[${wide.join('')}]`, 'g')

export const hideWideSpace = (text: string): string => text.replace(anyWide, asAscii)
export const showWideSpace = (text: string): string => text.replace(/\v(\f+)\v/g, (whole, feeds: string) => wide[feeds.length - 1] ?? whole)
