import type { ThoughtMarkers } from '@shared/domain/thinking'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { markerFamilies, plainThink } from './thoughtMarkers'
import { createThoughtParser, type Delta, splitThought } from './thoughtParser'

const family = (name: string): ThoughtMarkers => {
  const found = markerFamilies.find(({ markers }) => markers.family === name)
  if (!found) throw new Error(name)
  return found.markers
}

function parse(markers: ThoughtMarkers | null, chunks: string[], opensThought = false): { thought: string; answer: string; order: string } {
  const parser = createThoughtParser(markers, opensThought)
  const deltas: Delta[] = [...chunks.flatMap((chunk) => parser.push(chunk)), ...parser.end()]
  const join = (segment: Delta['segment']): string =>
    deltas
      .filter((delta) => delta.segment === segment)
      .map(({ text }) => text)
      .join('')
  expect(deltas.every(({ text }) => text !== '')).toBe(true)
  return { thought: join('thought'), answer: join('answer'), order: [...new Set(deltas.map(({ segment }) => segment[0]))].join('') }
}

/** Raw replies as the families write them, after the generation prompt of their template. */
const replies: { name: string; opens?: boolean; raw: string; thought: string; answer: string }[] = [
  { name: 'think', raw: '<think>\nLet me see.\n\n1 < 2\n</think>\n\nIt is 2.', thought: 'Let me see.\n\n1 < 2', answer: 'It is 2.' },
  { name: 'think', opens: true, raw: 'Let me see.\n</think>\n\nIt is 2.', thought: 'Let me see.', answer: 'It is 2.' },
  { name: 'think', opens: true, raw: '\n<think>\nAgain opened.</think>Yes', thought: 'Again opened.', answer: 'Yes' },
  { name: 'think', raw: '<think>\n\n</think>\n\nNo thought.', thought: '', answer: 'No thought.' },
  { name: 'think', raw: '\n  an answer at once  \n', thought: '', answer: '\n  an answer at once  \n' },
  {
    name: 'harmony',
    raw: '<|channel|>analysis<|message|>User asks.<|end|><|start|>assistant<|channel|>final<|message|>Paris.<|return|>',
    thought: 'User asks.',
    answer: 'Paris.',
  },
  {
    name: 'harmony',
    raw: '<|channel|>commentary to=functions.x <|constrain|>json<|message|>{"a":1}<|end|><|start|>assistant<|channel|>final <|constrain|>text<|message|>Done<|end|>',
    thought: '{"a":1}',
    answer: 'Done',
  },
  { name: 'harmony', raw: '<|channel|>final<|message|>Straight.', thought: '', answer: 'Straight.' },
  { name: 'gemma4', raw: '<|channel>thought\nHm.\n<channel|>Yes<turn|>', thought: 'Hm.', answer: 'Yes' },
  { name: 'gemma4', raw: '<|channel>thought\n<channel|>Yes', thought: '', answer: 'Yes' },
  {
    name: 'muse',
    raw: ' to=self<|message|>Hm.<|eom|><|start|>assistant to=user<|message|>Set x to=5.<|eot|>',
    thought: 'Hm.',
    answer: 'Set x to=5.',
  },
  {
    name: 'kimi3',
    opens: true,
    raw: 'Hm.<|close|>think<|sep|><|open|>response<|sep|>Yes<|close|>response<|sep|><|close|>message<|sep|><|end_of_msg|>',
    thought: 'Hm.',
    answer: 'Yes',
  },
  { name: 'solar', raw: '<|think|>Hm.<|end|><|begin|>assistant<|content|>Yes<|end|>', thought: 'Hm.', answer: 'Yes' },
  { name: 'cohere', raw: '<|START_THINKING|>Hm.<|END_THINKING|><|START_RESPONSE|>Yes<|END_RESPONSE|>', thought: 'Hm.', answer: 'Yes' },
  { name: 'cohere', opens: true, raw: 'Hm.<|END_THINKING|><|START_TEXT|>Yes<|END_TEXT|>', thought: 'Hm.', answer: 'Yes' },
  {
    name: 'seed',
    raw: '<seed:think>Hm.<seed:cot_budget_reflect>100 used</seed:cot_budget_reflect> So.</seed:think>\nYes',
    thought: 'Hm.100 used So.',
    answer: 'Yes',
  },
  { name: 'minimax3', opens: true, raw: 'Hm.</mm:think>Yes', thought: 'Hm.', answer: 'Yes' },
  { name: 'hunyuan', opens: true, raw: 'Hm.</think:opensource>Yes', thought: 'Hm.', answer: 'Yes' },
  { name: 'mistral', raw: '[THINK]Hm [1].[/THINK]Yes [2]', thought: 'Hm [1].', answer: 'Yes [2]' },
  { name: 'apertus', raw: '<|inner_prefix|>Hm.<|inner_suffix|>Yes<|assistant_end|>', thought: 'Hm.', answer: 'Yes' },
  { name: 'apriel', opens: true, raw: 'Hm.\n[BEGIN FINAL RESPONSE]\nYes\n[END FINAL RESPONSE]', thought: 'Hm.', answer: 'Yes\n' },
  { name: 'granite', raw: '<think>Hm.</think>\n<response>Yes</response>', thought: 'Hm.', answer: 'Yes' },
]

describe('replies of every family', () => {
  it('are covered', () => {
    expect(new Set(replies.map(({ name }) => name))).toEqual(new Set(markerFamilies.map(({ markers }) => markers.family)))
  })

  it.each(replies)('$name: $raw', ({ name, opens = false, raw, thought, answer }) => {
    const markers = family(name)
    const expected = { thought, answer }
    expect(parse(markers, [raw], opens)).toMatchObject(expected)
    expect(parse(markers, [...raw], opens)).toMatchObject(expected)
    for (let cut = 1; cut < raw.length; cut++) expect(parse(markers, [raw.slice(0, cut), raw.slice(cut)], opens)).toMatchObject(expected)
  })
})

describe('the stream', () => {
  it('gives a thought before it is complete, and never a piece of a marker', () => {
    const parser = createThoughtParser(plainThink, false)
    expect(parser.push('<thi')).toEqual([])
    expect(parser.push('nk>\nFirst')).toEqual([{ segment: 'thought', text: 'First' }])
    expect(parser.inThought).toBe(true)
    expect(parser.push(' step </th')).toEqual([{ segment: 'thought', text: ' step' }])
    expect(parser.push('ink')).toEqual([])
    expect(parser.push('>\n\n')).toEqual([])
    expect(parser.inThought).toBe(false)
    expect(parser.push('Answer')).toEqual([{ segment: 'answer', text: 'Answer' }])
    expect(parser.end()).toEqual([])
  })

  it('keeps what only looks like a marker', () => {
    expect(parse(plainThink, ['a <thin', 'g> and <', '/b> <'])).toMatchObject({ answer: 'a <thing> and </b> <', thought: '' })
    expect(parse(plainThink, ['<reasoning>x</reasoning>'])).toMatchObject({ answer: '<reasoning>x</reasoning>' })
    expect(parse(null, ['<think>x</think>'])).toMatchObject({ answer: '<think>x</think>' })
  })

  it('keeps an unfinished thought of an interrupted reply', () => {
    expect(parse(plainThink, ['<think>', 'half a tho'])).toEqual({ thought: 'half a tho', answer: '', order: 't' })
  })

  it('shows nothing after the end of an answer, and says so', () => {
    const parser = createThoughtParser(family('harmony'), false)
    parser.push('<|channel|>final<|message|>Yes<|return|>')
    expect(parser.ended).toBe(true)
    expect(parser.push('<|start|>user')).toEqual([])
  })

  it('thinks again between two answers', () => {
    expect(parse(plainThink, ['<think>a</think>one\n<think>b</think>two'])).toEqual({ thought: 'ab', answer: 'one\ntwo', order: 'ta' })
  })

  it('keeps a closing marker that the answer spells, once a thought was closed', () => {
    expect(parse(plainThink, ['<think>a</think>\n\nA thought ends with `</think>` in this format.'])).toMatchObject({
      thought: 'a',
      answer: 'A thought ends with `</think>` in this format.',
    })
    expect(parse(plainThink, Array.from('a</think>Write </think> or\n</think>'), true)).toMatchObject({
      answer: 'Write </think> or\n</think>',
    })
    const off = createThoughtParser(plainThink, false, true)
    expect([...off.push('Say </think> twice'), ...off.end()]).toEqual([{ segment: 'answer', text: 'Say </think> twice' }])
    // an answer that is continued: its thought was over long ago
    const goesOn = createThoughtParser(plainThink, false, false, true)
    expect([...goesOn.push('</think> is spelled so'), ...goesOn.end()]).toEqual([{ segment: 'answer', text: '</think> is spelled so' }])
    // before the answer has begun it only says once more that the thought is over
    expect(parse(plainThink, ['<think>a</think>\n</think>\nYes'])).toMatchObject({ thought: 'a', answer: 'Yes' })
    // nothing was closed: the thought of a model that never opened one
    expect(parse(plainThink, ['Hm.\n</think>\n\nYes'])).toMatchObject({ answer: 'Hm.\n\n\nYes' })
    // where thought and answer alternate, the marker closes whatever thought is open
    expect(parse(plainThink, ['<think>a</think>one </think> <think>b</think>two'])).toMatchObject({
      thought: 'ab',
      answer: 'one </think> two',
    })
    expect(parse(family('seed'), ['<seed:think>a</seed:think>Say </seed:think>!<seed:eos>'])).toMatchObject({
      answer: 'Say </seed:think>!',
    })
    // Harmony's closing marker ends an answer too: never text
    expect(parse(family('harmony'), ['<|channel|>analysis<|message|>a<|end|><|channel|>final<|message|>Yes<|end|>no'])).toMatchObject({
      thought: 'a',
      answer: 'Yes',
    })
  })

  it('however it is cut, gives the same, and no marker in either text', () => {
    const parts = fc.constantFrom('<think>', '</think>', '<thi', 'nk>', '</', '\n', ' ', '思考', '🌙', 'word', '<', '>')
    fc.assert(
      fc.property(fc.array(parts, { maxLength: 20 }), fc.array(fc.nat(40), { maxLength: 6 }), fc.boolean(), (texts, cuts, opens) => {
        const raw = texts.join('')
        // Pieces on both sides of a stray closing marker, which is left out, are no marker of the model.
        fc.pre(!/<thi(<\/think>)+nk>/.test(raw))
        const at = [...new Set(cuts)].sort((a, b) => a - b)
        const chunks = [0, ...at].map((from, index) => raw.slice(from, at[index] ?? raw.length))
        const whole = parse(plainThink, [raw], opens)
        expect(parse(plainThink, chunks, opens)).toEqual(whole)
        expect(whole.thought).not.toContain('</think>')
        expect(whole.answer).not.toContain('<think>')
      }),
    )
  })
})

it('splits a whole old message', () => {
  expect(splitThought('<think>\nHm.\n</think>\n\nYes', plainThink, false)).toEqual({ thought: 'Hm.', answer: 'Yes', open: false })
  expect(splitThought('<think>Hm', plainThink, false)).toEqual({ thought: 'Hm', answer: '', open: true })
})
