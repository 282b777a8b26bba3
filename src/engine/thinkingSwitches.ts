/** Every switch that a chat template is asked about: data. Sources: the 68 templates of llama.cpp and the models' own cards. */

/** A boolean, or two values of one variable. In DeepSeek's both `thinking` and `enable_thinking` work: the first is the model's own. */
export const toggles: { variable: string; on: string | number | boolean; off: string | number | boolean; between?: string }[] = [
  { variable: 'thinking', on: true, off: false },
  { variable: 'enable_thinking', on: true, off: false },
  // `between`: a third value, in which the model decides
  { variable: 'thinking_mode', on: 'enabled', off: 'disabled', between: 'adaptive' },
  { variable: 'reasoning', on: true, off: false },
  // tokens: -1 is free, 0 is none
  { variable: 'thinking_budget', on: -1, off: 0 },
]

/** Words in the text. Nemotron Nano v2 knows only these; SmolLM3's in the system text beats its variable. */
export const softSwitch = { on: '/think', off: '/no_think' }

/** `free`: the levels of a template that writes any word into the prompt, as the models' cards name them. */
export const efforts: { variable: string; free: string[] }[] = [
  { variable: 'reasoning_effort', free: ['low', 'medium', 'high'] },
  { variable: 'thinking_effort', free: ['low', 'medium', 'high'] },
  { variable: 'reasoning_strength', free: ['low', 'medium', 'high', 'xhigh'] },
]

/** From least to most. Of two that give one prompt the later name here is kept, where the template writes it. */
export const levelNames = ['none', 'off', 'disabled', 'no_think', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max']

/** No model knows this level: what it does is what any unknown word does. */
export const unknownLevel = 'zqx'
