import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import type { TemplateSource } from '@shared/engine/protocol'
import type { ThinkingChoice } from '@shared/domain/thinking'
import { readMessages } from '../messagesFile'
import { thinking } from '../options'
import { usageError } from '../failure'
import { type Run, command } from '../run'
import { help } from '../words'

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
    .description(help.commands.prompt)
    .option('--model <file>', help.file)
    .option('--template <file>', help.template)
    .option('--bos <text>', help.bos)
    .option('--eos <text>', help.eos)
    .requiredOption('--messages <file>', help.messages)
    .option('--thinking <on|off|level>', help.thinking, thinking)
    .action(
      command(async ({ core, out }: Run, flags: PromptFlags) => {
        if ((flags.model === undefined) === (flags.template === undefined)) throw usageError('modelOrTemplate')
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
    throw usageError('cannotRead', { path: template ?? '' }, cause)
  }
}
