import { basename } from 'node:path'
import type { Command } from 'commander'
import type { PromptMessage } from '@shared/domain/chat'
import { recommendedSystem } from '@shared/domain/starter'
import { SnugError } from '@shared/errors'
import { ChatSession } from '../chatSession'
import { converse } from '../converse'
import { createPrinter } from '../printer'
import { type Run, command } from '../run'
import { recommendationText } from './fit'
import { machineText } from './hardware'
import { help } from '../words'

/** The whole first use without a window: what this machine is, what fits, and a chat. Without a terminal one real answer is printed. */
export function addStart(program: Command): void {
  program
    .command('start')
    .description(help.commands.start)
    .option('--model <file>', help.fileOrStarter)
    .action(
      command(async ({ core, out, signal }: Run, { model }: { model?: string }) => {
        const { words } = out
        const say = (text: string) => (out.json ? undefined : out.text(text))
        const machine = await core.hardware.report()
        say(`${words.cli.machineTitle}\n${machineText(machine, out)}\n\n`)
        const list = await core.recommendation.recommend({ use: 'chat' })
        const fits = list.filter((item) => item.usable).slice(0, 3)
        say(`${words.cli.bestFits}\n${recommendationText(list, out, 3)}\n\n`)

        const file = model ?? (await core.starterModel())
        if (file === null) throw new SnugError('model/not-found', words.cli.noStarter)
        if (model === undefined) say(`${words.cli.starterNote}\n\n`)
        const session = await ChatSession.open(core, file, {}, [], signal, (fraction) =>
          out.progress(words.cli.loading({ name: basename(file), percent: Math.round(fraction * 100) })),
        )
        const preset = recommendedSystem(session.facts)
        const messages: PromptMessage[] = preset === null ? [] : [{ role: 'system', content: preset }]
        const printer = createPrinter(out, true)
        const options = { sampling: { temperature: 0 }, thinking: { mode: 'default' } as const, maxTokens: null }
        if (process.stdin.isTTY && !out.json) {
          await converse({ session, messages, options: { ...options, sampling: {} }, out, printer, signal })
          return
        }
        say(`${words.cli.you}> ${words.cli.question}\n`)
        const asked: PromptMessage[] = [...messages, { role: 'user', content: words.cli.question }]
        const given = await session.answer(asked, { ...options, maxTokens: 256 }, signal, out.json ? () => {} : printer.event)
        if (!out.json) return printer.end(given)
        out.result({ machine, fits, model: file, question: words.cli.question, ...given }, () => '')
      }),
    )
}
