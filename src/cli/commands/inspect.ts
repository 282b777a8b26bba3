import type { Command } from 'commander'
import { formatBytes, formatCount, formatParameters } from '@shared/domain/format'
import { modelTarget } from '../modelTarget'
import { addressOfHub } from '../options'
import { command } from '../run'
import { help } from '../words'

/** `snug inspect FILE|URL`: what the header says; nothing is loaded. */
export function addInspect(program: Command): void {
  program
    .command('inspect')
    .argument('<file>', help.target)
    .description(help.commands.inspect)
    .option('--endpoint <url>', help.endpoint, addressOfHub)
    .action(
      command(async ({ core, out }, file: string, { endpoint }: { endpoint?: string }) => {
        if (endpoint !== undefined) core.useEndpoint(endpoint)
        const { path, facts, source } = await modelTarget(core, file)
        const thinking = await core.engine.tools('capability', { source: { kind: 'file', path } })
        const { chatTemplate, ...rest } = facts
        out.result({ ...rest, chatTemplate, thinking, ...(source === null ? {} : { source }) }, () =>
          [
            `${facts.name ?? facts.architecture} (${facts.architecture})`,
            `${formatParameters(facts.parameters, out.language)} · ${facts.quantization} · ${facts.bitsPerWeight.toFixed(2)} bpw · ${formatBytes(facts.sizeBytes, out.language)}`,
            `${out.words.cli.contextLimit}: ${formatCount(facts.trainContextSize, out.language)}`,
            `${out.words.cli.thinkingLabel}: ${thinking.kind}${'levels' in thinking ? ` (${thinking.levels.join(', ')})` : ''}`,
            `${out.words.cli.licence}: ${facts.licence ?? '—'}`,
          ].join('\n'),
        )
      }),
    )
}
