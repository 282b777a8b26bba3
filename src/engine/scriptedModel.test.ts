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

test('the choice stands in the answer, and its law is softmax', () => {
  const { thought, answer, choice } = scriptedExpectation()
  expect(answer).toContain(`${choice.before}${choice.likely}`)
  expect(answer).not.toContain(choice.other)
  expect(thought).not.toBeNull()
  expect(choice.probabilityOfOther(1)).toBeCloseTo(0.2689, 4)
  expect(choice.probabilityOfOther(0.5)).toBeCloseTo(0.1192, 4)
})
