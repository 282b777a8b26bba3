import type { Command } from 'commander'
import { formatBytes } from '@shared/domain/format'
import type { HardwareReport } from '@shared/domain/hardware'
import type { Output } from '../output'
import { command } from '../run'
import { help } from '../words'

export function machineText(report: HardwareReport, { words, language }: Output): string {
  const bytes = (value: number | null) => (value === null ? '?' : formatBytes(value, language))
  const gpus = report.gpus.filter((gpu) => gpu.kind !== 'software' && gpu.backends.length > 0)
  return [
    ...(gpus.length === 0
      ? [words.cli.noGpu]
      : gpus.map((gpu) => words.cli.gpu({ name: gpu.name, free: bytes(gpu.vramFree), total: bytes(gpu.vramTotal) }))),
    words.cli.ram({ free: bytes(report.ram.available), total: bytes(report.ram.total) }),
    words.cli.cpu({ name: report.cpu.name, cores: report.cpu.usableCores }),
    ...(report.disk === null ? [] : [words.cli.disk({ free: bytes(report.disk.free), path: report.disk.path })]),
    words.cli.backends({
      list: report.backends
        .map((row) => `${row.backend} ${row.state === 'works' ? '✓' : `– ${words.cli.backendState[row.state]}`}`)
        .join(words.common.listSeparator),
    }),
  ].join('\n')
}

export function addHardware(program: Command): void {
  program
    .command('hardware')
    .description(help.commands.hardware)
    .action(
      command(async ({ core, out }) => {
        const report = await core.hardware.report()
        out.result(report, () => machineText(report, out))
      }),
    )
}
