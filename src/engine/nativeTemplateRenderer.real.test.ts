import { getLlama } from 'node-llama-cpp'
import { beforeAll, expect, it } from 'vitest'
import { createNativeRenderer, type NativeRenderer } from './nativeTemplateRenderer'

/** The contract of a private binding: what breaks here on a new version breaks prompts. */
let native: NativeRenderer | null = null
beforeAll(async () => {
  native = createNativeRenderer(await getLlama({ gpu: false, build: 'never' }))
})

it('is there and renders', () => {
  expect(
    native?.render('{{ bos_token }}{% for m in messages %}[{{ m.role }}]{{ m.content | trim }}{% endfor %}', {
      bos_token: '<s>',
      messages: [{ role: 'user', content: '  你好 {{ x }} ' }],
    }),
  ).toBe('<s>[user]你好 {{ x }}')
})

it('renders again with another context, and another template', () => {
  expect(native?.render('{{ a }}', { a: 1 })).toBe('1')
  expect(native?.render('{{ a }}', { a: 'two' })).toBe('two')
  expect(native?.render('{{ a }}!', { a: true })).toBe('True!')
})

it('throws an ordinary error that names the line', () => {
  expect(() => native?.render('line\n{{ raise_exception("refused") }}', {})).toThrow(/at line 2[\s\S]*refused/)
  expect(() => native?.render('{% if %}', {})).toThrow()
})

it('knows what the first renderer does not: integer keys', () => {
  expect(native?.render('{% set m = {1: "one"} %}{{ m[1] }}', {})).toBe('one')
})
