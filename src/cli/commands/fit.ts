import type { Command } from 'commander'
import type { UseCase } from '@shared/domain/catalog'
import type { FitReport } from '@shared/domain/fit'
import { formatBytes, formatSpeed, formatWait } from '@shared/domain/format'
import { missingWhenEmpty } from '@shared/domain/freeing'
import type { KvCacheType } from '@shared/domain/gguf'
import type { Backend } from '@shared/domain/hardware'
import { type NothingUsable, nothingUsable } from '@shared/domain/nothingUsable'
import type { Recommendation } from '@shared/domain/recommend'
import { memoryGroups, sumByGroup } from '@shared/domain/memoryGroups'
import type { Bytes } from '@shared/domain/units'
import { nothingWords } from '@shared/i18n/nothingWords'
import { padTo } from '../columns'
import { modelTarget } from '../modelTarget'
import { addressOfHub, decimal, gpuLayers, integer, kvCacheType, onOff, oneOf } from '../options'
import { type Output, exitCodes } from '../output'
import { type Run, command } from '../run'
import { simulatedMachine } from '../simulated'
import { help } from '../words'

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

interface RecommendFlags {
  use: UseCase
  context?: number
  minSpeed?: number
  firstToken?: number
  simulate?: string
}

/** Names and sums of what a model takes, memory by memory, as the screen groups them; then what it comes to and how fast. */
export function fitText(fit: FitReport, { words, language }: Pick<Output, 'words' | 'language'>): string {
  const { common, cli } = words
  const names = { weights: common.weights, kv: common.kvCache, compute: common.compute, overhead: common.overhead }
  const row = (name: string, bytes: Bytes) => `${padTo(name, 18)} ${formatBytes(bytes, language).padStart(10)}`
  const pools = fit.pools.flatMap(({ id, name, devices }) => {
    const sums = sumByGroup(fit.parts, devices)
    const rows = memoryGroups.filter((group) => sums[group] > 0).map((group) => row(`  ${names[group]}`, sums[group]))
    return rows.length === 0 ? [] : [id === 'cpu' ? common.ram : name, ...rows]
  })
  return [
    ...pools,
    `${row(cli.total, fit.totalBytes)}   ${cli.level[fit.level]}`,
    `${cli.verdict[fit.verdict]} · ${cli.tokensPerSecond({ range: formatSpeed(fit.speed.decode, language) })} · ${cli.maxContext({ tokens: fit.maxContext })}`,
    ...freeingLine(fit, { words, language }),
    ...learnedLines(fit, { words, language }),
  ].join('\n')
}

/** What real loads here said: of the process, and how long they took. */
function learnedLines({ learned, loadMs }: FitReport, { words, language }: Pick<Output, 'words' | 'language'>): string[] {
  return [
    ...(learned === undefined
      ? []
      : [
          words.cli.learned({
            count: learned.loads,
            added: learned.addedBytes === 0 ? null : formatBytes(learned.addedBytes, language),
          }),
        ]),
    ...(loadMs === undefined ? [] : [words.cli.loadsIn({ time: formatWait(loadMs, language) })]),
  ]
}

/** What other programs hold of it, now or usually; or what no other program holds. */
function freeingLine(
  { verdict, freeUpBytes, usuallyMissingBytes, pools, parts }: FitReport,
  { words, language }: Pick<Output, 'words' | 'language'>,
): string[] {
  if (freeUpBytes !== null) {
    const bytes = formatBytes(freeUpBytes, language)
    return [verdict === 'too-big' ? words.cli.freeUp({ bytes }) : words.cli.onceFreed({ bytes })]
  }
  const lacking = verdict === 'too-big' ? missingWhenEmpty(pools, parts) : 0
  if (lacking > 0) return [words.cli.lacks({ bytes: formatBytes(lacking, language) })]
  return usuallyMissingBytes === undefined ? [] : [words.cli.onlyNow({ bytes: formatBytes(usuallyMissingBytes, language) })]
}

function recommendationLine({ model, best }: Recommendation, out: Output): string {
  const { words, language } = out
  const line = words.cli.fitLine({
    name: model.name,
    quantization: best.quantization,
    takes: formatBytes(best.fit.totalBytes, language),
    speed: words.cli.tokensPerSecond({ range: formatSpeed(best.fit.speed.decode, language) }),
    where: words.cli.verdict[best.verdict],
  })
  return [line, ...freeingLine(best.fit, out).map((text) => `    ${text}`)].join('\n')
}

/** The first of what can be recommended; where there is none, why, and what could be. */
export function recommendationText(list: readonly Recommendation[], out: Output, most: number): string {
  const nothing = nothingUsable(list)
  const usable = list.filter((item) => item.usable).slice(0, most)
  return (nothing === null ? usable.map((item) => recommendationLine(item, out)) : nothingLines(nothing, out)).join('\n')
}

function nothingLines(nothing: NothingUsable, { words, language }: Output): string[] {
  const { lower, shorter, elsewhere } = words.cli.nothing
  const why = nothingWords(nothing, words, language)
  if (nothing.kind === 'other-size') return why
  if (nothing.kind === 'too-big') return [...why, shorter, elsewhere]
  const { needs, lowered } = nothing
  const flags = [
    ...(lowered.decode < needs.decode ? [`--min-speed ${lowered.decode}`] : []),
    ...(lowered.firstTokenMs > needs.firstTokenMs ? [`--first-token ${lowered.firstTokenMs / 1_000}`] : []),
  ]
  return [...why, lower({ flags: flags.join(' ') }), elsewhere]
}

export function addFit(program: Command): void {
  program
    .command('fit')
    .argument('<file>', help.target)
    .description(help.commands.fit)
    .option('--context <n>', help.context, integer(256))
    .option('--kv <type>', help.kv, kvCacheType)
    .option('--batch <n>', help.batch, integer(1, 65_536))
    .option('--gpu-layers <n|max|auto>', help.gpuLayers, gpuLayers)
    .option('--mmap <on|off>', help.mmap, onOff)
    .option('--flash <on|off>', help.flash, onOff)
    .option('--backend <name>', help.backend, oneOf('cpu', 'vulkan', 'cuda', 'metal'))
    .option('--simulate <name|file>', help.simulate)
    .option('--endpoint <url>', help.endpoint, addressOfHub)
    .action(
      command(async ({ core, out }: Run, file: string, flags: FitFlags) => {
        const simulate = flags.simulate === undefined ? undefined : await simulatedMachine(flags.simulate)
        if (flags.endpoint !== undefined) core.useEndpoint(flags.endpoint)
        const { path, facts, source } = await modelTarget(core, file)
        const fit = await core.recommendation.fitFile(facts, {
          // A file that is here is about to be loaded, any other about to be chosen.
          room: source === null ? 'now' : 'usual',
          ...(flags.context === undefined ? {} : { contextSize: flags.context }),
          ...(flags.kv === undefined ? {} : { kvCacheType: flags.kv }),
          ...(flags.batch === undefined ? {} : { batchSize: flags.batch }),
          ...(flags.gpuLayers === undefined ? {} : { gpuLayers: flags.gpuLayers }),
          ...(flags.mmap === undefined ? {} : { useMmap: flags.mmap }),
          ...(flags.flash === undefined ? {} : { flashAttention: flags.flash }),
          ...(flags.backend === undefined ? {} : { backend: flags.backend }),
          ...(simulate === undefined ? { dryRun: core.dryRuns.of(path, facts), effort: 'details' as const } : { simulate }),
        })
        out.result({ ...fit, file: source === null ? path : file, ...(source === null ? {} : { source }) }, () =>
          // On screen the same stands in the sum.
          [
            fitText(fit, out),
            ...(facts.geometry.experts !== null && fit.verdict === 'partial-gpu' ? [out.words.discover.expertsTogether] : []),
          ].join('\n'),
        )
      }),
    )

  program
    .command('recommend')
    .description(help.commands.recommend)
    .option('--use <use>', help.use, oneOf('chat', 'code', 'reasoning', 'chinese', 'small'), 'chat')
    .option('--context <n>', help.context, integer(256))
    .option('--min-speed <n>', help.minSpeed, decimal(0.1, 1_000))
    .option('--first-token <seconds>', help.firstToken, decimal(0.1, 3_600))
    .option('--simulate <name|file>', help.simulate)
    .action(
      command(async ({ core, out }: Run, flags: RecommendFlags) => {
        const simulate = flags.simulate === undefined ? undefined : await simulatedMachine(flags.simulate)
        const list = await core.recommendation.recommend({
          use: flags.use,
          needs: {
            ...(flags.minSpeed === undefined ? {} : { decode: flags.minSpeed }),
            ...(flags.firstToken === undefined ? {} : { firstTokenMs: flags.firstToken * 1000 }),
          },
          ...(flags.context === undefined ? {} : { contextSize: flags.context }),
          ...(simulate === undefined ? {} : { simulate }),
        })
        out.result(list, () => recommendationText(list, out, 10))
        return exitCodes.done
      }),
    )
}
