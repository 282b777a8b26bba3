import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import type { UseCase } from '@shared/domain/catalog'
import type { FitReport } from '@shared/domain/fit'
import { formatBytes, formatSpeed } from '@shared/domain/format'
import type { KvCacheType } from '@shared/domain/gguf'
import type { Backend, HardwareReport } from '@shared/domain/hardware'
import type { Recommendation } from '@shared/domain/recommend'
import { SnugError } from '@shared/errors'
import { modelTarget } from '../modelTarget'
import { gpuLayers, integer, kvCacheType, onOff, oneOf } from '../options'
import { type Output, exitCodes } from '../output'
import { type Run, command } from '../run'

interface FitFlags {
  context?: number
  kv?: KvCacheType
  batch?: number
  gpuLayers?: number | 'max' | 'auto'
  mmap?: boolean
  flash?: boolean
  backend?: Backend
  simulate?: string
  endpoint?: string
}

/** `{parts, totalBytes, residentBytes, maxContext, verdict, speed, level}` and what it was worked out from. */
export function fitText(fit: FitReport, { words, language }: Output): string {
  const lines = fit.parts
    .filter((part) => part.bytes > 0)
    .map((part) => `${part.device.padEnd(6)} ${part.kind.padEnd(11)} ${formatBytes(part.bytes, language).padStart(10)}`)
  return [
    ...lines,
    `${words.cli.total.padEnd(18)} ${formatBytes(fit.totalBytes, language).padStart(10)}   ${words.cli.level[fit.level]}`,
    `${words.cli.verdict[fit.verdict]} · ${words.cli.tokensPerSecond({ range: formatSpeed(fit.speed.decode, language) })} · ${words.cli.maxContext({ tokens: fit.maxContext })}`,
  ].join('\n')
}

export function recommendationLine({ model, best }: Recommendation, { words, language }: Output): string {
  return words.cli.fitLine({
    name: model.name,
    quantization: best.quantization,
    takes: formatBytes(best.fit.totalBytes, language),
    speed: words.cli.tokensPerSecond({ range: formatSpeed(best.fit.speed.decode, language) }),
    where: words.cli.verdict[best.verdict],
  })
}

export function addFit(program: Command): void {
  program
    .command('fit')
    .argument('<file>', 'a GGUF file, an address, or hf:OWNER/NAME[:QUANTIZATION]')
    .description('what it takes, where it runs and how fast, before it is loaded or downloaded')
    .option('--context <n>', 'context in tokens', integer(256))
    .option('--kv <type>', 'KV cache type: f16, q8_0, q4_0', kvCacheType)
    .option('--batch <n>', 'batch size', integer(1, 65_536))
    .option('--gpu-layers <n|max|auto>', 'layers on the GPU', gpuLayers)
    .option('--mmap <on|off>', 'map the file instead of reading it', onOff)
    .option('--flash <on|off>', 'flash attention', onOff)
    .option('--backend <name>', 'cpu, vulkan, cuda, metal', oneOf('cpu', 'vulkan', 'cuda', 'metal'))
    .option('--simulate <name>', 'another machine: "RTX 4090", "24 GB"')
    .option('--endpoint <url>', 'address of a hub (HF_ENDPOINT)')
    .action(
      command(async ({ core, out }: Run, file: string, flags: FitFlags) => {
        if (flags.endpoint !== undefined) core.useEndpoint(flags.endpoint)
        const { path, facts, source } = await modelTarget(core, file)
        const fit = await core.recommendation.fitFile(facts, {
          ...(flags.context === undefined ? {} : { contextSize: flags.context }),
          ...(flags.kv === undefined ? {} : { kvCacheType: flags.kv }),
          ...(flags.batch === undefined ? {} : { batchSize: flags.batch }),
          ...(flags.gpuLayers === undefined ? {} : { gpuLayers: flags.gpuLayers }),
          ...(flags.mmap === undefined ? {} : { useMmap: flags.mmap }),
          ...(flags.flash === undefined ? {} : { flashAttention: flags.flash }),
          ...(flags.backend === undefined ? {} : { backend: flags.backend }),
          ...(flags.simulate === undefined ? { dryRun: core.dryRuns.of(path, facts) } : { simulate: flags.simulate }),
        })
        out.result({ ...fit, file: source === null ? path : file, ...(source === null ? {} : { source }) }, () => fitText(fit, out))
      }),
    )

  program
    .command('recommend')
    .description('which model of the catalogue to take here')
    .option('--use <use>', 'chat, code, reasoning, chinese, small', oneOf('chat', 'code', 'reasoning', 'chinese', 'small'), 'chat')
    .option('--context <n>', 'context in tokens', integer(256))
    .option('--simulate <name>', 'another machine: a device ("RTX 4090", "24 GB") or a file with a hardware report')
    .action(
      command(async ({ core, out }: Run, flags: { use: UseCase; context?: number; simulate?: string }) => {
        const simulate = flags.simulate === undefined ? undefined : await simulated(flags.simulate)
        const list = await core.recommendation.recommend({
          use: flags.use,
          ...(flags.context === undefined ? {} : { contextSize: flags.context }),
          ...(simulate === undefined ? {} : { simulate }),
        })
        const usable = list.filter((item) => item.usable)
        out.result(list, () =>
          usable.length === 0
            ? out.words.cli.nothingFits
            : usable
                .slice(0, 10)
                .map((item) => recommendationLine(item, out))
                .join('\n'),
        )
        return exitCodes.done
      }),
    )
}

/** A report that `snug hardware --json` wrote, or the name of a device. */
async function simulated(name: string): Promise<string | HardwareReport> {
  if (!name.endsWith('.json')) return name
  try {
    return JSON.parse(await readFile(name, 'utf8')) as HardwareReport
  } catch (cause) {
    throw new SnugError('usage/invalid', `${name} is not a hardware report`, { exit: 'usage' }, { cause })
  }
}
