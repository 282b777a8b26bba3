import { Template } from '@huggingface/jinja'
import { expect, test } from 'vitest'
import { scriptedContent, scriptedExpectation } from './scriptedModel'

function render(options: Parameters<typeof scriptedContent>[0], values: Record<string, unknown>): string {
  const entry = scriptedContent(options).metadata.find(([key]) => key === 'tokenizer.chat_template')?.[1]
  if (entry?.type !== 'string') throw new Error('no template')
  return new Template(entry.value).render({ add_generation_prompt: true, ...values })
}

const messages = [
  { role: 'user', content: 'a' },
  { role: 'assistant', content: '<think>t</think>\n\nb' },
  { role: 'user', content: ' c ' },
]
const turns = '<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\nb<|im_end|>\n<|im_start|>user\n c <|im_end|>\n<|im_start|>assistant\n'

test('the template thinks unless told not to, and drops earlier thoughts', () => {
  expect(render({}, { messages })).toBe(turns)
  expect(render({}, { messages, enable_thinking: true })).toBe(turns)
  expect(render({}, { messages, enable_thinking: false })).toBe(`${turns}<think>\n\n</think>\n\n`)
  expect(render({ thinking: false }, { messages, enable_thinking: false })).toBe(turns)
})

test('a level of effort is written into the prompt, and only where it is given', () => {
  expect(render({ effort: true }, { messages })).toBe(turns)
  expect(render({ effort: true }, { messages, reasoning_effort: 'low' })).toBe(`<|im_start|>system\nEffort: low<|im_end|>\n${turns}`)
  expect(render({}, { messages, reasoning_effort: 'low' })).toBe(turns)
})

test('a longer thought is counted word by word', () => {
  const { thought, tokens } = scriptedExpectation({ thoughtWords: 3 })
  expect(thought?.endsWith('speak. t1 t2 t3')).toBe(true)
  expect(tokens.on - scriptedExpectation().tokens.on).toBe(3)
})

test('the choice stands in the answer, and its law is softmax', () => {
  const { thought, answer, choice } = scriptedExpectation()
  expect(answer).toContain(`${choice.before}${choice.likely}`)
  expect(answer).not.toContain(choice.other)
  expect(thought).not.toBeNull()
  expect(choice.probabilityOfOther(1)).toBeCloseTo(0.2689, 4)
  expect(choice.probabilityOfOther(0.5)).toBeCloseTo(0.1192, 4)
})
