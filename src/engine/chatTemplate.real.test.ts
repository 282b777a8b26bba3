import { createHash } from 'node:crypto'
import { canTurnOff, effortLevels, type ThinkingChoice } from '@shared/domain/thinking'
import type { RenderedPrompt } from '@shared/engine/protocol'
import { getLlama } from 'node-llama-cpp'
import { beforeAll, describe, expect, it } from 'vitest'
import { type PromptRequest, renderPrompt } from './chatTemplate'
import { type Golden, goldens } from './goldens'
import { readTemplates } from './goldens/readTemplates'
import { createNativeRenderer, type NativeRenderer } from './nativeTemplateRenderer'
import { pythonStrip } from './pythonStrings'
import { detectThinking } from './thinkingCapability'

/** Cases that are not Jinja2's, by name, each with its reason. */
const exceptions: {
  name: string
  cases: RegExp
  reason: string
  holds: (prompt: string, messages: PromptRequest['messages']) => boolean
}[] = [
  {
    name: 'google-gemma-2-2b-it',
    cases: /^(system|turns|chinese|spaces|wide-spaces|borders|empty-system|continued-turns)\//,
    reason: 'the template refuses the system role: its text is put before the first user text',
    holds: (prompt, messages) => {
      const [system, user] = messages.map(({ content }) => content)
      const merged = system === '' ? (user ?? '') : `${system}\n\n${user}`
      return prompt.startsWith(`<s><start_of_turn>user\n${pythonStrip(merged, 'both')}<end_of_turn>\n`)
    },
  },
  {
    name: 'fireworks-ai-llama-3-firefunction-v2',
    cases: /./,
    reason: 'Jinja2 throws without the variables `functions` and `datetime`; without functions the prompt is whole without them',
    holds: (prompt, messages) => prompt.includes(pythonStrip(messages.find(({ role }) => role === 'user')?.content ?? '?', 'both')),
  },
  {
    name: 'CohereForAI-c4ai-command-r-plus-tool_use',
    cases: /^continued/,
    reason: 'it writes instructions after the last message, which a cut at that message would lose: generation prompt and text instead',
    holds: (prompt, messages) => prompt.endsWith(`<|CHATBOT_TOKEN|>${messages.at(-1)?.content}`) && prompt.includes('```json'),
  },
]

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
const goldenOf = (text: string): string => `${sha256(text).slice(0, 16)}:${[...text].length}`
const choiceOf = (name: string): ThinkingChoice =>
  name === 'default' || name === 'on' || name === 'off' ? { mode: name } : { mode: 'effort', level: name }

const all = readTemplates()
let native: NativeRenderer | null = null
beforeAll(async () => {
  native = createNativeRenderer(await getLlama({ gpu: false, build: 'never' }))
  expect(native).not.toBeNull()
})

const ask = (template: string, messages: PromptRequest['messages'], more: Partial<PromptRequest> = {}): RenderedPrompt =>
  renderPrompt(
    {
      template,
      bos: goldens.bos,
      eos: goldens.eos,
      controlTokens: [],
      messages,
      thinking: { mode: 'default' },
      now: new Date(goldens.now),
      fallback: false,
      ...more,
    },
    native,
  )

/** A thought inside an old text is what the template makes of it, or what it makes of a thought in its field: never text of the answer. */
function compareInline(key: string, template: string, messages: PromptRequest['messages'], golden: string): string | null {
  const { text } = ask(template, messages)
  const apart = messages.map((message) => {
    const [, thought, content] = /^<think>\n([^]*)\n<\/think>\n\n([^]*)$/.exec(message.content) ?? []
    return thought === undefined || content === undefined ? message : { ...message, content, thought }
  })
  return goldenOf(text) === golden || text === ask(template, apart).text ? null : `${key}: ${JSON.stringify(text.slice(-300))}`
}

function compare(name: string, template: string, key: string, golden: Golden): string | null {
  const [set = '', choice = ''] = key.split('/')
  const messages = goldens.sets[set] ?? []
  if (set === 'inline-thoughts' && typeof golden === 'string') return compareInline(key, template, messages, golden)
  let outcome: Golden
  let prompt = ''
  try {
    prompt = ask(template, messages, { thinking: choiceOf(choice) }).text
    outcome = goldenOf(prompt)
  } catch (error) {
    outcome = { error: String(error) }
  }
  const exception = exceptions.find((candidate) => candidate.name === name && candidate.cases.test(key))
  if (exception !== undefined)
    return exception.holds(prompt, messages) ? null : `${key}: the exception does not hold: ${JSON.stringify(prompt.slice(-300))}`
  const equal = typeof golden === 'string' ? outcome === golden : typeof outcome !== 'string'
  return equal ? null : `${key}: Jinja2 ${JSON.stringify(golden)}, here ${JSON.stringify(outcome)} ${JSON.stringify(prompt.slice(-300))}`
}

describe('every template of llama.cpp against what Jinja2 renders', () => {
  it('has goldens for all templates of the pinned source', () => {
    expect(all.length).toBeGreaterThanOrEqual(68)
    expect(all.filter(({ template }) => goldens.templates[sha256(template)] === undefined).map(({ name }) => name)).toEqual([])
  })

  for (const { name, template } of all) {
    it(name, () => {
      const cases = Object.entries(goldens.templates[sha256(template)]?.cases ?? {})
      expect(cases.length).toBeGreaterThan(10)
      expect(cases.map(([key, golden]) => compare(name, template, key, golden)).filter((difference) => difference !== null)).toEqual([])
    })
  }
})

/** From the templates, read by hand: kind, switch, default, levels, family of markers, and whether the prompt opens a thought. */
const expectedThinking: Record<string, string> = {
  'Apertus-8B-Instruct': 'toggle enable_thinking off apertus',
  'Apriel-1.6-15b-Thinker-fixed': 'always apriel opens',
  'Bielik-11B-v3.0-Instruct': 'toggle enable_thinking off think opens',
  'ByteDance-Seed-OSS': 'toggle thinking_budget on seed',
  Cohere2MoE: 'toggle reasoning on cohere opens',
  'CohereForAI-c4ai-command-r7b-12-2024-tool_use': 'toggle enable_thinking off cohere',
  'GLM-4.6': 'toggle enable_thinking on think',
  'GLM-4.7-Flash': 'toggle enable_thinking on think opens',
  'HuggingFaceTB-SmolLM3-3B': 'toggle enable_thinking on think',
  'Kimi-K2-Thinking': 'always think',
  'Kimi-K3': 'effort thinking_effort max [low,high,max] kimi3 opens',
  'LFM2.5-8B-A1B': 'always think',
  'MiniMax-M2': 'always think opens',
  'MiniMax-M3': 'toggle thinking_mode on minimax3 opens',
  'NVIDIA-Nemotron-3-Nano-30B-A3B-BF16': 'toggle enable_thinking on think opens',
  'NVIDIA-Nemotron-Nano-v2': 'toggle /think on think opens',
  'Qwen-QwQ-32B': 'toggle enable_thinking off think opens',
  'Qwen-Qwen3-0.6B': 'toggle enable_thinking on think',
  'Qwen3.5-4B': 'toggle enable_thinking on think opens',
  'Reka-Edge': 'toggle enable_thinking off think opens',
  'StepFun3.5-Flash': 'always think opens',
  'deepseek-ai-DeepSeek-R1-Distill-Llama-8B': 'always think opens',
  'deepseek-ai-DeepSeek-R1-Distill-Qwen-32B': 'toggle enable_thinking off think opens',
  'deepseek-ai-DeepSeek-V3.1': 'toggle thinking off think opens',
  'deepseek-ai-DeepSeek-V3.2': 'toggle thinking off think opens',
  'deepseek-ai-DeepSeek-V4': 'effort reasoning_effort null [max] think opens',
  'deepseek-ai-DeepSeek-V4-Flash-0731': 'effort reasoning_effort null [high,max] think opens',
  'google-gemma-4-31B-it': 'toggle enable_thinking off gemma4',
  'google-gemma-4-31B-it-interleaved': 'toggle enable_thinking off gemma4',
  'ibm-granite-granite-3.3-2B-Instruct': 'toggle thinking off granite',
  'llama-cpp-deepseek-r1': 'always think opens',
  // absent, on and off are three prompts; left alone the model decides, mostly not to
  'llama-cpp-rwkv-world': 'toggle enable_thinking off think opens',
  'mistralai-Ministral-3-14B-Reasoning-2512': 'always mistral',
  'muse-glimmer': 'effort reasoning_strength high [low,medium,high,xhigh] muse',
  'openai-gpt-oss-120b': 'effort reasoning_effort medium [low,medium,high] harmony',
  'openbmb-MiniCPM5-1B': 'toggle enable_thinking off think opens',
  'poolside-Laguna-S-2.1': 'toggle enable_thinking on think opens',
  'poolside-Laguna-XS-2.1': 'toggle enable_thinking off think opens',
  'poolside-Laguna-XS.2': 'toggle enable_thinking off think opens',
  'tencent-Hy3': 'effort reasoning_effort no_think [no_think,low,high] hunyuan opens',
  'unsloth-Apriel-1.5': 'always apriel',
  'upstage-Solar-Open-100B': 'effort reasoning_effort high [low,high] solar',
}

describe('what every template of llama.cpp can do about thinking', () => {
  const question = [{ role: 'user', content: 'Hi' }]

  it('is what reading them says; all others cannot think', () => {
    const found: Record<string, string> = {}
    for (const { name, template } of all) {
      const capability = detectThinking(template, [], native)
      if (capability.kind === 'none') continue
      const opens = ask(template, question, { thinking: { mode: 'on' } }).opensThought ? ' opens' : ''
      const details =
        capability.kind === 'toggle'
          ? ` ${capability.variable} ${capability.defaultOn ? 'on' : 'off'}`
          : capability.kind === 'effort'
            ? ` ${capability.variable} ${capability.defaultLevel} [${capability.levels.join(',')}]`
            : ''
      found[name] = `${capability.kind}${details} ${capability.markers.family}${opens}`
    }
    expect(found).toEqual(expectedThinking)
  })

  it('off is really off wherever it is offered: no thought is open, and the prompt is not the one that thinks', () => {
    for (const { name, template } of all) {
      const capability = detectThinking(template, [], native)
      const [on, off] = [ask(template, question, { thinking: { mode: 'on' } }), ask(template, question, { thinking: { mode: 'off' } })]
      const offered = canTurnOff(capability)
      expect({ name, off: off.thinkingOff, opens: off.opensThought, differs: on.text !== off.text }).toEqual({
        name,
        off: offered,
        opens: capability.kind === 'always' && on.opensThought,
        differs: offered,
      })
    }
  })

  it('knows what is particular: budgets, switches in the text, a switch that needs the default system text', () => {
    const of = (name: string): unknown => detectThinking(all.find((one) => one.name === name)?.template ?? '', [], native)
    const soft = { on: '/think', off: '/no_think' }
    expect(of('ByteDance-Seed-OSS')).toMatchObject({ switch: { on: -1, off: 0, takesBudget: true } })
    expect(of('NVIDIA-Nemotron-Nano-v2')).toMatchObject({ switch: { soft: { ...soft, place: 'user', instead: true } } })
    expect(of('HuggingFaceTB-SmolLM3-3B')).toMatchObject({ switch: { soft: { ...soft, place: 'system', instead: false } } })
    expect(of('ibm-granite-granite-3.3-2B-Instruct')).toMatchObject({ onlyWithoutSystem: true })
    expect(of('upstage-Solar-Open-100B')).toMatchObject({ offLevel: 'low' })
    expect(of('tencent-Hy3')).toMatchObject({ offLevel: 'no_think' })
    expect(of('Kimi-K3')).toMatchObject({ offLevel: null, toggle: { variable: 'thinking', defaultOn: true } })
    expect(of('Qwen-Qwen3-0.6B')).toMatchObject({ markers: { gracefulClose: '\n</think>\n\n' } })
    expect(of('openai-gpt-oss-120b')).toMatchObject({ markers: { gracefulClose: '<|end|><|start|>assistant<|channel|>final<|message|>' } })
  })

  it('levels beside a switch: off and on are levels too', () => {
    const template = all.find(({ name }) => name === 'deepseek-ai-DeepSeek-V4')?.template ?? ''
    const capability = detectThinking(template, [], native)
    expect(capability.kind === 'effort' && effortLevels(capability)).toEqual({
      levels: ['off', 'on', 'max'],
      offLevel: 'off',
      defaultLevel: 'off',
    })
    const at = (level: string): RenderedPrompt => ask(template, question, { thinking: { mode: 'effort', level } })
    expect(at('off')).toMatchObject({ text: ask(template, question).text, thinkingOff: true })
    expect(at('on')).toMatchObject({
      text: ask(template, question, { thinking: { mode: 'on' } }).text,
      thinkingOff: false,
      opensThought: true,
    })
    expect(at('max').text).toContain('Absolute maximum')
  })

  it('a budget is told to a model that takes one', () => {
    const template = all.find(({ name }) => name === 'ByteDance-Seed-OSS')?.template ?? ''
    expect(ask(template, question, { thinking: { mode: 'on', budgetTokens: 512 } }).text).toContain('thinking budget, which is 512')
  })

  it('a typed switch is only text once the choice is made by the switch', () => {
    const typed = (name: string, messages: PromptRequest['messages'], mode: 'on' | 'off'): RenderedPrompt =>
      ask(all.find((one) => one.name === name)?.template ?? '', messages, { thinking: { mode } })
    const nemotron = typed('NVIDIA-Nemotron-Nano-v2', [{ role: 'user', content: 'Look into /think/notes.txt' }], 'off')
    expect(nemotron.text).toMatch(/Look into \/think\/notes\.txt\n<SPECIAL_11>Assistant\n<think><\/think>$/)
    const smol = typed('HuggingFaceTB-SmolLM3-3B', [{ role: 'system', content: 'Be brief /think' }, ...question], 'off')
    expect(smol.text).toContain('Reasoning Mode: /no_think')
    expect(smol.text).toMatch(/<think>\n\n<\/think>\n$/)
  })
})

describe('text that spells control tokens, in every template', () => {
  it('stays text: the template pieces are those of the same chat without it', () => {
    const spelling = '<|im_end|>'
    for (const { name, template } of all) {
      const prompt = ask(template, [{ role: 'user', content: `before ${spelling} after` }], {
        controlTokens: [spelling, '<s>', '</s>', '<|im_start|>', '<|eot_id|>'],
      })
      const texts = prompt.pieces.filter(({ kind }) => kind === 'text').map(({ text }) => text)
      expect({ name, whole: prompt.pieces.map(({ text }) => text).join('') === prompt.text }).toEqual({ name, whole: true })
      expect({ name, found: texts.filter((text) => text.includes(`before ${spelling} after`)).length }).toEqual({ name, found: 1 })
      const own = ask(template, [{ role: 'user', content: 'before after' }], { controlTokens: [spelling] })
      const count = (text: string): number => text.split(spelling).length - 1
      expect({
        name,
        specials: count(
          prompt.pieces
            .filter(({ kind }) => kind === 'template')
            .map(({ text }) => text)
            .join(''),
        ),
      }).toEqual({
        name,
        specials: count(own.text),
      })
    }
  })
})
