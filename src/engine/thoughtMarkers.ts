import type { ThoughtMarkers } from '@shared/domain/thinking'

/**
 * How each family writes its thoughts, as data for one parser. `evidence`: spellings of which all must occur in what the template
 * renders, in its source or in the vocabulary. Order matters: the first family that fits is taken, the plain `<think>` last.
 */
export interface MarkerFamily {
  evidence: string[]
  markers: ThoughtMarkers
}

const family = (name: string, evidence: string[], markers: Partial<ThoughtMarkers>): MarkerFamily => ({
  evidence,
  markers: { family: name, open: [], close: [], answerOpen: [], answerClose: [], gracefulClose: markers.close?.[0] ?? '', ...markers },
})

const tags = (name: string, open: string, close: string): MarkerFamily =>
  family(name, [open], { open: [open], close: [close], gracefulClose: `\n${close}\n\n` })

export const markerFamilies: MarkerFamily[] = [
  family('harmony', ['<|channel|>', '<|message|>'], {
    open: ['<|channel|>analysis<|message|>', '<|channel|>commentary<|message|>'],
    close: ['<|end|>'],
    answerOpen: ['<|channel|>final<|message|>'],
    answerClose: ['<|return|>', '<|end|>'],
    skip: ['<|start|>assistant'],
    header: { start: '<|channel|>', end: '<|message|>', answer: ['final'] },
    gracefulClose: '<|end|><|start|>assistant<|channel|>final<|message|>',
  }),
  family('gemma4', ['<|channel>', '<channel|>'], {
    open: ['<|channel>thought\n', '<|channel>thought'],
    close: ['<channel|>'],
    answerClose: ['<turn|>'],
    header: { start: '<|channel>', end: '\n', answer: [] },
    gracefulClose: '\n<channel|>',
  }),
  family('muse', ['to=self<|message|>'], {
    open: [' to=self<|message|>', 'to=self<|message|>'],
    close: ['<|eom|>'],
    answerOpen: [' to=user<|message|>', 'to=user<|message|>', '<|message|>'],
    answerClose: ['<|eot|>', '<|eom|>'],
    skip: ['<|start|>assistant'],
    gracefulClose: '<|eom|><|start|>assistant to=user<|message|>',
  }),
  family('kimi3', ['<|open|>think<|sep|>'], {
    open: ['<|open|>think<|sep|>'],
    close: ['<|close|>think<|sep|>'],
    answerOpen: ['<|open|>response<|sep|>'],
    answerClose: ['<|close|>response<|sep|>', '<|close|>message<|sep|>', '<|end_of_msg|>'],
    gracefulClose: '<|close|>think<|sep|><|open|>response<|sep|>',
  }),
  family('solar', ['<|begin|>assistant', '<|think|>'], {
    open: ['<|think|>'],
    close: ['<|end|>'],
    answerOpen: ['<|content|>'],
    answerClose: ['<|end|>', '<|flush|>'],
    skip: ['<|begin|>assistant'],
    gracefulClose: '<|end|><|begin|>assistant<|content|>',
  }),
  family('cohere', ['<|START_THINKING|>'], {
    open: ['<|START_THINKING|>'],
    close: ['<|END_THINKING|>'],
    answerOpen: ['<|START_RESPONSE|>', '<|START_TEXT|>'],
    answerClose: ['<|END_RESPONSE|>', '<|END_TEXT|>', '<|END_OF_TURN_TOKEN|>'],
    gracefulClose: '<|END_THINKING|>',
  }),
  family('seed', ['<seed:think>'], {
    open: ['<seed:think>'],
    close: ['</seed:think>'],
    answerClose: ['<seed:eos>'],
    skip: ['<seed:cot_budget_reflect>', '</seed:cot_budget_reflect>'],
    gracefulClose: '\n</seed:think>\n',
  }),
  tags('minimax3', '<mm:think>', '</mm:think>'),
  tags('hunyuan', '<think:opensource>', '</think:opensource>'),
  family('mistral', ['[THINK]'], { open: ['[THINK]'], close: ['[/THINK]'] }),
  family('apertus', ['<|inner_prefix|>'], { open: ['<|inner_prefix|>'], close: ['<|inner_suffix|>'], answerClose: ['<|assistant_end|>'] }),
  family('apriel', ['[BEGIN FINAL RESPONSE]'], {
    open: ['Here are my reasoning steps:\n', '<thinking>'],
    close: ['[BEGIN FINAL RESPONSE]', '</thinking>'],
    answerOpen: [],
    answerClose: ['[END FINAL RESPONSE]', '<|end|>'],
    gracefulClose: '\n[BEGIN FINAL RESPONSE]\n',
  }),
  family('granite', ['<think>', '<response>'], {
    open: ['<think>'],
    close: ['</think>'],
    answerOpen: ['<response>'],
    answerClose: ['</response>'],
    gracefulClose: '\n</think>\n<response>\n',
  }),
  tags('think', '<think>', '</think>'),
]

/** For a text of unknown origin: the spelling most models use. */
export const plainThink: ThoughtMarkers = tags('think', '<think>', '</think>').markers

/** The family whose spellings all occur, asked first of what was rendered, then of the template's source, then of the vocabulary. */
export function findFamily(rendered: string, source: string, tokens: readonly string[]): ThoughtMarkers | null {
  const spelled = new Set(tokens)
  const places: ((spelling: string) => boolean)[] = [
    (s) => rendered.includes(s),
    // a template may hold only the closing spelling, to cut a thought out of an old answer
    (s) => source.includes(s) || (s === '<think>' && source.includes('</think>')),
    (s) => spelled.has(s),
  ]
  for (const occurs of places) {
    const found = markerFamilies.find(({ evidence }) => evidence.every(occurs))
    if (found) return found.markers
  }
  return null
}
