import type { Backend } from '@shared/domain/hardware'
import { type MemoryDevice, type MemoryPart, bufferKinds, totalBytes } from '@shared/domain/memory'
import { MiB } from '@shared/domain/units'
import { machine, writeAccuracySection } from './accuracyPage'
import { type MemoryRow, modelName, rowName } from './memoryRows'
import type { RowResult } from './memoryRun'
import { type Figure, atMost, shown } from './report'
import { median, spread } from './stats'

const devices: readonly MemoryDevice[] = ['cpu', 'gpu0']
/** Of the log's two decimals of a MiB; a model with sliding windows has two KV lines on each device. */
export const kvRounding = 4 * 0.005 * MiB

export const targets = { buffers: 0.01, formula: 0.08, growthShare: 0.05, growthBytes: 96 * MiB } as const

export interface Compared {
  realBytes: number
  dryBytes: number
  /** Of the device where it is worst. */
  dryError: number
  formulaBytes: number
  formulaError: number
  /** On the worst device. */
  kvErrorBytes: number
  v1Error: number | null
  v2Error: number | null
  growth: { medianBytes: number; spread: [number, number]; predictedBytes: number; errorBytes: number; allowedBytes: number } | null
}

const buffers = (parts: readonly MemoryPart[], device?: MemoryDevice) =>
  totalBytes(
    parts.filter((part) => bufferKinds.includes(part.kind)),
    device,
  )
const cache = (parts: readonly MemoryPart[], device: MemoryDevice) =>
  totalBytes(
    parts.filter((part) => part.kind === 'kv'),
    device,
  )

export function compare({ prediction, real, growths }: RowResult): Compared {
  const { formula, dryRun, library } = prediction
  const measured = real.buffers.parts
  const realBytes = buffers(measured)
  const dryParts = dryRun?.parts ?? []
  const used = devices.filter((device) => buffers(measured, device) > 0)
  const dryErrors = used.map((device) => buffers(dryParts, device) / buffers(measured, device) - 1)
  const errorOf = (answer: { cpu: number; gpu: number }) => (answer.cpu + answer.gpu) / realBytes - 1
  const totals = growths.map((growth) => growth.total)
  const medianBytes = totals.length === 0 ? 0 : median(totals)
  const predictedBytes = dryRun?.residentBytes ?? formula.residentBytes
  return {
    realBytes,
    dryBytes: buffers(dryParts),
    dryError: dryErrors.reduce((worst, error) => (Math.abs(error) > Math.abs(worst) ? error : worst), 0),
    formulaBytes: buffers(formula.parts),
    formulaError: buffers(formula.parts) / realBytes - 1,
    kvErrorBytes: Math.max(...devices.map((device) => Math.abs(cache(formula.parts, device) - cache(measured, device)))),
    v1Error: library === null ? null : errorOf(library.v1),
    v2Error: library === null ? null : errorOf(library.v2),
    growth:
      totals.length === 0
        ? null
        : {
            medianBytes,
            spread: spread(totals),
            predictedBytes,
            errorBytes: predictedBytes - medianBytes,
            allowedBytes: Math.max(targets.growthBytes, targets.growthShare * medianBytes),
          },
  }
}

export function memoryFigures(results: readonly RowResult[], open: readonly { row: MemoryRow; why: string }[]): Figure[] {
  const figures: Figure[] = []
  const rows = results.map((result) => ({ name: rowName(result.row), ...compare(result) }))
  if (rows.length === 0) return [shown('rows that are open', open.length, { unit: 'rows' })]
  const worst = (of: (row: (typeof rows)[number]) => number | null) =>
    rows.reduce<{ value: number; note: string }>(
      (found, row) => {
        const value = Math.abs(of(row) ?? 0)
        return value > found.value ? { value, note: row.name } : found
      },
      { value: 0, note: 'all of them' },
    )
  const add = (figure: string, of: (row: (typeof rows)[number]) => number | null, target: number | null, unit = 'ratio') => {
    const { value, note } = worst(of)
    figures.push(target === null ? shown(figure, value, { unit, note }) : atMost(figure, value, target, { unit, note }))
  }
  add('dry run: worst buffers of a device', (row) => row.dryError, targets.buffers)
  if (rows.some((row) => row.growth !== null))
    add(
      'process growth: worst / allowed (5 % or 96 MiB)',
      (row) => (row.growth ? row.growth.errorBytes / row.growth.allowedBytes : null),
      1,
    )
  add('formula: worst KV cache', (row) => Math.max(0, row.kvErrorBytes - kvRounding), 0, 'bytes beyond the rounding of the log')
  add('formula: worst total of the buffers', (row) => row.formulaError, targets.formula)
  add("node-llama-cpp's V2: worst total", (row) => row.v2Error, null)
  add("node-llama-cpp's V1: worst total", (row) => row.v1Error, null)
  figures.push(shown('rows measured', rows.length, { unit: 'rows' }), shown('rows that are open', open.length, { unit: 'rows' }))
  return figures
}

const mib = (bytes: number) => Math.round(bytes / MiB).toLocaleString('en-US')
const percent = (share: number) => `${share >= 0 ? '+' : '−'}${(Math.abs(share) * 100).toFixed(Math.abs(share) < 0.0995 ? 1 : 0)} %`
const signed = (bytes: number) => `${bytes >= 0 ? '+' : '−'}${mib(Math.abs(bytes))}`
const maybe = (share: number | null) => (share === null ? 'ended' : percent(share))
const mark = (ok: boolean) => (ok ? '' : ' **✗**')

function options(row: MemoryRow): string {
  return [
    row.contextSize.toLocaleString('en-US'),
    row.kvCacheType.toUpperCase(),
    `b${row.batchSize}`,
    ...(row.flashAttention ? [] : ['no flash']),
    ...(row.useMmap ? ['mmap'] : []),
    ...(row.backend === 'cpu' ? [] : [`${row.gpuLayers} layers`]),
  ].join(' · ')
}

function table(results: readonly RowResult[], withGrowth: boolean): string[] {
  const head = ['model', 'options', 'llama.cpp', 'dry run', 'formula', 'V2', 'V1']
  if (withGrowth) head.push('loads', 'process', 'predicted', 'off')
  const lines = results.map((result) => {
    const row = compare(result)
    const cells = [
      modelName(result.row.model),
      options(result.row),
      mib(row.realBytes),
      percent(row.dryError) + mark(Math.abs(row.dryError) <= targets.buffers),
      percent(row.formulaError) + mark(Math.abs(row.formulaError) <= targets.formula && row.kvErrorBytes <= kvRounding),
      maybe(row.v2Error),
      maybe(row.v1Error),
    ]
    if (withGrowth && row.growth !== null) {
      const { medianBytes, spread: range, predictedBytes, errorBytes, allowedBytes } = row.growth
      const few = range[1] - range[0] < MiB ? '' : ` (${mib(range[0])}–${mib(range[1])})`
      cells.push(
        String(result.growths.length),
        mib(medianBytes) + few,
        mib(predictedBytes),
        signed(errorBytes) + mark(Math.abs(errorBytes) <= allowedBytes),
      )
    }
    return `| ${cells.join(' | ')} |`
  })
  return [`| ${head.join(' | ')} |`, `|${head.map((_, index) => (index < 2 ? '---' : '--:')).join('|')}|`, ...lines]
}

const names: Readonly<Record<Backend, string>> = { cpu: 'Processor', vulkan: 'Vulkan', cuda: 'CUDA', metal: 'Metal' }
/** Puts the tables on docs/accuracy.md, each backend in its own section: another machine may have measured the others. */
export function writeAccuracy(results: readonly RowResult[], open: readonly { row: MemoryRow; why: string }[]): void {
  for (const backend of new Set(results.map(({ row }) => row.backend))) {
    const own = results.filter(({ row }) => row.backend === backend)
    const left = open.filter(({ row }) => row.backend === backend)
    writeAccuracySection(`memory ${backend}`, sectionOf(backend, own, left))
  }
}

export function sectionOf(backend: Backend, results: readonly RowResult[], open: readonly { row: MemoryRow; why: string }[]): string[] {
  const loads = results.some(({ growths }) => growths.length > 0)
  const what = loads ? 'the process by the median of the fresh loads of each' : 'buffers only'
  return [
    `### ${names[backend]}, ${results.length} rows, ${what}`,
    '',
    `Machine: ${machine}.`,
    '',
    ...table(results, loads),
    '',
    '| figure | value | target | worst row |',
    '|---|--:|---|---|',
    ...memoryFigures(results, open).map(
      ({ figure, value, unit, target, ok, note }) =>
        `| ${figure} | ${value}${unit === 'ratio' ? '' : ` ${unit}`}${mark(ok)} | ${target ?? ''} | ${note ?? ''} |`,
    ),
    ...(open.length === 0 ? [] : ['', 'Open rows:', '', ...open.map(({ row, why }) => `- ${rowName(row)}: ${why}`)]),
  ]
}
