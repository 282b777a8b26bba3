import type { Command } from 'commander'
import type { Calibration } from '@shared/domain/calibration'
import type { KvCacheType } from '@shared/domain/gguf'
import { formatDuration, formatSpeed } from '@shared/domain/format'
import { SnugError } from '@shared/errors'
import { benchCopy } from '../benchCopy'
import { type BenchResult, benchModel } from '../benchModel'
import { addressOfHub, integer, kvCacheType } from '../options'
import type { Output } from '../output'
import { command } from '../run'
import { help } from '../words'

interface BenchFlags {
  model?: string
  rounds: number
  context?: number
  kv?: KvCacheType
  endpoint?: string
}

const gigabytes = (value: number): string => (value / 1e9).toFixed(1)

function calibrationText({ backend, device, threads, bandwidth, flops, mixture, spread }: Calibration, { words }: Output): string {
  const types = Object.keys(bandwidth).map((type) =>
    words.cli.calibratedType({ type, bandwidth: gigabytes(bandwidth[type] ?? 0), flops: (flops[type] ?? 0) / 1e9 }),
  )
  return [
    words.cli.calibrated({ backend, device, decode: threads.decode, prefill: threads.prefill, spread: Math.round(spread * 100) }),
    ...types,
    words.cli.calibratedMixture({ decode: mixture.decode.toFixed(2), prefill: mixture.prefill.toFixed(2) }),
  ].join('\n')
}

function benchText({ predicted, measured, ratio }: BenchResult, { words, language }: Output): string {
  const row = (name: string, from: string, to: string, off: number): string =>
    words.cli.benchRow({ name, predicted: from, measured: to, off: `${off >= 1 ? '+' : '−'}${Math.abs((off - 1) * 100).toFixed(0)} %` })
  return [
    row(words.cli.benchDecode, formatSpeed(predicted.decode, language), formatSpeed(measured.decode, language), ratio.decode),
    row(
      words.cli.benchPrefill,
      formatSpeed(predicted.prefill, language),
      formatSpeed(measured.prefill, language),
      predicted.prefill / measured.prefill,
    ),
    row(words.cli.benchFirst, formatDuration(predicted.ttftMs, language), formatDuration(measured.ttftMs, language), ratio.ttft),
  ].join('\n')
}

export function addCalibrate(program: Command): void {
  program
    .command('calibrate')
    .description(help.commands.calibrate)
    .action(
      command(async ({ core, out, signal }) => {
        const { results } = await core.calibration.run(signal, ({ running }) => {
          if (running !== null) out.progress(out.words.cli.calibrating({ seconds: running.secondsLeft }))
        })
        out.result(results, () => results.map(({ calibration }) => calibrationText(calibration, out)).join('\n'))
      }),
    )

  program
    .command('bench')
    .argument('[target]', help.benchTarget)
    .description(help.commands.bench)
    .option('--model <file>', help.benchFile)
    .option('--rounds <n>', help.rounds, integer(1, 100), 5)
    .option('--context <n>', help.benchContext, integer(256))
    .option('--kv <type>', help.benchKv, kvCacheType)
    .option('--endpoint <url>', help.endpoint, addressOfHub)
    .action(
      command(async (run, target: string | undefined, flags: BenchFlags) => {
        if (target !== undefined) return await benchCopy(run, target, flags)
        const { core, out, signal } = run
        const { model, rounds } = flags
        const file = model ?? (await core.starterModel())
        if (file === null) throw new SnugError('model/not-found', out.words.cli.noStarter)
        const result = await benchModel(core, file, rounds, signal, out.progress)
        out.result(result, () => benchText(result, out))
      }),
    )
}
