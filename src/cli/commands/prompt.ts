import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import type { TemplateSource } from '@shared/engine/protocol'
import type { ThinkingChoice } from '@shared/domain/thinking'
import { SnugError } from '@shared/errors'
import { readMessages } from '../messagesFile'
import { thinking } from '../options'
import { usageError } from '../output'
import { type Run, command } from '../run'

interface PromptFlags {
  model?: string
  template?: string
  bos?: string
  eos?: string
  messages: string
  thinking?: ThinkingChoice
}

/** `snug prompt`: what the model would be given, to the last space. */
export function addPrompt(program: Command): void {
  program
    .command('prompt')
    .description('what the model would be given')
    .option('--model <file>', 'a GGUF file')
    .option('--template <file>', 'a chat template (Jinja)')
    .option('--bos <text>', 'begin-of-sequence token of the template')
    .option('--eos <text>', 'end-of-sequence token of the template')
    .requiredOption('--messages <file>', 'a JSON list of messages')
    .option('--thinking <on|off|level>', 'thinking', thinking)
    .action(
      command(async ({ core, out }: Run, flags: PromptFlags) => {
        if ((flags.model === undefined) === (flags.template === undefined)) throw usageError('either --model or --template is needed')
        const messages = await readMessages(flags.messages)
        const source = await templateSource(flags)
        const rendered = await core.engine.tools('render', { source, messages, thinking: flags.thinking ?? { mode: 'default' } })
        const tokens =
          source.kind === 'file' ? (await core.engine.tools('tokenize', { path: source.path, prompt: rendered.pieces })).tokens : undefined
        const { markers: _markers, ...capability } = { markers: null, ...rendered.thinking }
        const result = { prompt: rendered.text, ...(tokens ? { tokens } : {}), thinking: capability, template: rendered.template }
        if (out.json) out.result(result, () => '')
        else out.text(rendered.text)
      }),
    )
}

async function templateSource({ model, template, bos, eos }: PromptFlags): Promise<TemplateSource> {
  if (model !== undefined) return { kind: 'file', path: resolve(model) }
  try {
    return { kind: 'template', template: await readFile(template ?? '', 'utf8'), bos: bos ?? null, eos: eos ?? null }
  } catch (cause) {
    throw new SnugError('usage/invalid', `cannot read ${template}`, { exit: 'usage' }, { cause })
  }
}
