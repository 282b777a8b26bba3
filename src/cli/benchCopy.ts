import { formatBytes, formatDuration, formatSpeed } from '@shared/domain/format'
import type { FitReport } from '@shared/domain/fit'
import type { KvCacheType } from '@shared/domain/gguf'
import type { CopySubject } from '@shared/ipc/copies'
import type { CopyOutcome } from '../main/services/copyTests'
import { modelTarget } from './modelTarget'
import type { Output } from './output'
import type { Run } from './run'

/** Of the load average: beyond one's own share something else was at work. */
const busyLoad = 0.7

/** A model of which only the header is read, run here as a copy without its weights. */
export async function benchCopy(
  { core, out, signal }: Run,
  target: string,
  flags: { context?: number; kv?: KvCacheType; endpoint?: string },
): Promise<void> {
  if (flags.endpoint !== undefined) core.useEndpoint(flags.endpoint)
  out.progress(out.words.cli.copyRunning({ stage: 'header', percent: 0 }))
  const { path, facts, source } = await modelTarget(core, target)
  const subject: CopySubject | null =
    source === null ? null : { repository: source.repository ?? source.address, file: source.file, quantization: facts.quantization }
  const outcome = await core.copyTests.test(
    { path, facts },
    {
      ...(flags.context === undefined ? {} : { contextSize: flags.context }),
      ...(flags.kv === undefined ? {} : { kvCacheType: flags.kv }),
    },
    subject,
    signal,
    (stage, fraction) => out.progress(out.words.cli.copyRunning({ stage, percent: Math.round(fraction * 100) })),
  )
  const { predicted, measured, result } = outcome
  const told = ({ verdict, level, totalBytes, parts, speed }: FitReport) => ({ verdict, level, totalBytes, parts, speed })
  out.result(
    {
      file: source === null ? path : target,
      ...(source === null ? {} : { source }),
      plan: result.plan,
      predicted: told(predicted),
      measured: {
        ...told(measured),
        speed: result.speed,
        spread: result.spread,
        threads: result.threads,
        load: result.load,
        tookMs: result.tookMs,
      },
      ratio: {
        memory: predicted.totalBytes / measured.totalBytes,
        decode: middle(predicted).decode / middle(result).decode,
        prefill: middle(predicted).prefill / middle(result).prefill,
      },
    },
    () => copyText(facts.name ?? target, outcome, out),
  )
}

/** One figure for a range whose ends are factors apart. */
function middle({ speed }: Pick<FitReport, 'speed'>): { decode: number; prefill: number } {
  return speed.typical ?? { decode: Math.sqrt(speed.decode[0] * speed.decode[1]), prefill: Math.sqrt(speed.prefill[0] * speed.prefill[1]) }
}

function copyText(name: string, { predicted, measured, result }: CopyOutcome, { words, language }: Output): string {
  const { cli } = words
  const off = (ratio: number): string =>
    `${ratio >= 1 ? '+' : '−'}${Math.abs((ratio - 1) * 100).toFixed(ratio > 0.99 && ratio < 1.01 ? 1 : 0)} %`
  const row = (label: string, said: string, is: string, ratio: number) =>
    cli.benchRow({ name: label, predicted: said, measured: is, off: off(ratio) })
  const [said, is] = [middle(predicted), middle(result)]
  const first = ({ speed }: Pick<FitReport, 'speed'>): number => Math.sqrt(speed.ttftMs[0] * speed.ttftMs[1])
  const lines = [
    cli.copyHead({ name, seconds: Math.round(result.tookMs / 1000), threads: result.threads }),
    row(
      cli.copyMemory,
      formatBytes(predicted.totalBytes, language),
      formatBytes(measured.totalBytes, language),
      predicted.totalBytes / measured.totalBytes,
    ),
    row(cli.benchDecode, formatSpeed(said.decode, language), formatSpeed(is.decode, language), said.decode / is.decode),
    row(cli.benchPrefill, formatSpeed(said.prefill, language), formatSpeed(is.prefill, language), said.prefill / is.prefill),
    row(
      cli.benchFirst,
      formatDuration(first(predicted), language),
      formatDuration(first(result), language),
      first(predicted) / first(result),
    ),
    cli.copySpread({ percent: `${(result.spread * 100).toFixed(0)} %` }),
  ]
  if (result.load !== null && result.load > busyLoad) lines.push(cli.copyLoad({ load: result.load.toFixed(1) }))
  return lines.join('\n')
}
