/** Where a model has no template, or one that cannot be rendered: the format its vocabulary points to, named to the user. */
export interface FallbackTemplate {
  name: string
  /** Control tokens of which one tells the format. */
  tokens: string[]
  template: string
  /** Spellings that end a turn, where the vocabulary has no end-of-turn token. */
  stops: string[]
}

const turns = (system: string, user: string, assistant: string, end: string): string =>
  `{{ bos_token }}{% for m in messages %}{{ ${system} if m.role == 'system' else ${assistant} if m.role == 'assistant' else ${user} }}` +
  `{{ m.content }}{{ ${end} }}{% endfor %}{% if add_generation_prompt %}{{ ${assistant} }}{% endif %}`

export const fallbackTemplates: FallbackTemplate[] = [
  {
    name: 'ChatML',
    tokens: ['<|im_start|>'],
    // ChatML has no BOS of its own: the vocabulary's flag decides
    template: turns("'<|im_start|>system\\n'", "'<|im_start|>user\\n'", "'<|im_start|>assistant\\n'", "'<|im_end|>\\n'").replace(
      '{{ bos_token }}',
      '',
    ),
    stops: ['<|im_end|>'],
  },
  {
    name: 'Llama 3',
    tokens: ['<|start_header_id|>'],
    template: turns(
      "'<|start_header_id|>system<|end_header_id|>\\n\\n'",
      "'<|start_header_id|>user<|end_header_id|>\\n\\n'",
      "'<|start_header_id|>assistant<|end_header_id|>\\n\\n'",
      "'<|eot_id|>'",
    ),
    stops: ['<|eot_id|>'],
  },
  {
    name: 'Gemma',
    tokens: ['<start_of_turn>'],
    // no system role: its text goes before the first user text (`promptMessages.ts`)
    template:
      "{{ bos_token }}{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system role') }}{% endif %}" +
      "{{ '<start_of_turn>' + ('model' if m.role == 'assistant' else 'user') + '\\n' + m.content + '<end_of_turn>\\n' }}{% endfor %}" +
      "{% if add_generation_prompt %}{{ '<start_of_turn>model\\n' }}{% endif %}",
    stops: ['<end_of_turn>'],
  },
  {
    name: 'Mistral',
    tokens: ['[INST]'],
    template:
      "{{ bos_token }}{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system role') }}{% endif %}" +
      "{% if m.role == 'assistant' %}{{ m.content }}{{ eos_token }}{% else %}{{ '[INST]' + m.content + '[/INST]' }}{% endif %}{% endfor %}",
    stops: [],
  },
  {
    name: 'Phi',
    tokens: ['<|assistant|>'],
    template: turns("'<|system|>\\n'", "'<|user|>\\n'", "'<|assistant|>\\n'", "'<|end|>\\n'").replace('{{ bos_token }}', ''),
    stops: ['<|end|>', '<|user|>'],
  },
]

/** For a vocabulary that names no format: plain words, which a base model continues best. */
export const plainFallback: FallbackTemplate = {
  name: 'plain text',
  tokens: [],
  template:
    "{{ bos_token }}{% for m in messages %}{{ ('' if m.role == 'system' else 'Assistant: ' if m.role == 'assistant' else 'User: ') + m.content + '\\n\\n' }}{% endfor %}" +
    "{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}",
  stops: ['\nUser:'],
}

export function chooseFallback(tokens: readonly string[]): FallbackTemplate {
  const spelled = new Set(tokens)
  return fallbackTemplates.find((fallback) => fallback.tokens.some((token) => spelled.has(token))) ?? plainFallback
}
