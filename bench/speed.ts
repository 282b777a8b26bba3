import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkout, runtime } from '../e2e/fixtures/launch'
import type { BenchResult } from '../src/cli/benchModel'
import { writeShapeModel } from '../src/engine/shapeModel'
import type { ShapeName } from '../src/engine/shapes'
import type { ShapeQuantization } from '../src/engine/shapeTypes'
import type { CalibrationView } from '../src/shared/ipc/machine'
import { machine, writeAccuracySection } from './lib/accuracyPage'
import { atMost, type Figure, say, shown } from './lib/report'
import { median } from './lib/stats'

/** Cut to so many blocks that the file stays below about 1 GB: written whole, as zeros would run faster than real weights. */
const cuts: [shape: ShapeName, quantization: ShapeQuantization, layers: number][] = [
  ['llama-1b', 'Q4_K_M', 16],
  ['llama-8b', 'Q4_K_M', 4],
  ['qwen3-4b', 'Q8_0', 6],
  ['gemma3-4b', 'Q4_K_M', 8],
  ['qwen3moe-30b-a3b', 'Q4_K_M', 2],
]

interface Row {
  label: string
  result: BenchResult
}

/**
 * Predicted against measured, for models that the calibration has not seen. This machine is measured just before each of them: a virtual
 * one is a fifth faster or slower some minutes later. `[ROUNDS] [--docs]`
 */
export default async function speed(args: string[]): Promise<Figure[]> {
  const rounds = args.find((argument) => argument !== '--docs') ?? '5'
  const folder = mkdtempSync(join(tmpdir(), 'snug-bench-'))
  const data = join(folder, 'data')
  try {
    const seconds: number[] = []
    const calibrate = async (): Promise<void> => {
      const began = performance.now()
      const results = (await snug<CalibrationView['results']>(['calibrate', '--json', '--data', data])) ?? []
      seconds.push((performance.now() - began) / 1000 / Math.max(1, results.length))
    }
    const rows: Row[] = []
    const bench = async (label: string, path: string): Promise<void> => {
      await calibrate()
      const result = await snug<BenchResult>(['bench', '--model', path, '--rounds', rounds, '--json', '--data', data])
      if (result === null || result.measured.decode === 0) return say(`${label}: no figure`)
      rows.push({ label, result })
      const { predicted, measured } = result
      say(`${label}: ${predicted.decode.toFixed(1)} predicted, ${measured.decode.toFixed(1)} tokens/s measured`)
    }
    const { starterModel } = runtime()
    if (starterModel !== undefined) await bench('starter', starterModel)
    // The second real file of the design lies there only where somebody put it.
    const gemma = process.env.SNUG_BENCH_GEMMA
    if (gemma !== undefined && existsSync(gemma)) await bench('gemma 270M', gemma)
    for (const [shape, quantization, layers] of cuts) {
      const path = join(folder, `${shape}.gguf`)
      await writeShapeModel(path, { shape, quantization, layers, fill: 'diverse' })
      await bench(`${shape} ${quantization}, ${layers} blocks`, path)
      rmSync(path, { force: true })
    }
    if (args.includes('--docs')) writeAccuracySection('speed', tableOf(rows))
    return [atMost('calibration of a backend: longest', Math.max(...seconds), 35, { unit: 's' }), ...figuresOf(rows)]
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function figuresOf(rows: readonly Row[]): Figure[] {
  if (rows.length === 0) return []
  const figures = rows.flatMap(({ label, result: { ratio, predicted, measured, promptTokens } }) => [
    shown(`${label}: decode, predicted / measured`, ratio.decode, {
      note: `${predicted.decode.toFixed(1)} / ${measured.decode.toFixed(1)} tokens/s, measurements vary by ${(measured.decodeSpread * 100).toFixed(0)} %`,
    }),
    shown(`${label}: first token, predicted / measured`, ratio.ttft, {
      note: `${predicted.ttftMs.toFixed(0)} / ${measured.ttftMs.toFixed(0)} ms for ${promptTokens} tokens, vary by ${(measured.ttftSpread * 100).toFixed(0)} %`,
    }),
  ])
  const { decode, ttft, worst } = errorsOf(rows)
  const summary = [atMost('decode: median error', decode, 10, { unit: '%' }), atMost('first token: median error', ttft, 10, { unit: '%' })]
  if (worst === undefined) return [...figures, ...summary]
  const { decodeSpread } = worst.result.measured
  // Where the measurement itself varies by 8 % or more, a large error may be the measurement's.
  const judged = decodeSpread < 0.08 ? atMost : (name: string, value: number, _: number, more: object) => shown(name, value, more)
  return [
    ...figures,
    ...summary,
    judged('decode: worst error', off(worst.result.ratio.decode), 25, {
      unit: '%',
      note: `${worst.label}; measurements vary by ${(decodeSpread * 100).toFixed(0)} %`,
    }),
  ]
}

/** Per cent. */
const off = (ratio: number): number => Math.abs(ratio - 1) * 100

function errorsOf(rows: readonly Row[]): { decode: number; ttft: number; worst: Row | undefined } {
  return {
    decode: median(rows.map(({ result }) => off(result.ratio.decode))),
    ttft: median(rows.map(({ result }) => off(result.ratio.ttft))),
    worst: rows.toSorted((a, b) => off(b.result.ratio.decode) - off(a.result.ratio.decode))[0],
  }
}

function tableOf(rows: readonly Row[]): string[] {
  const percent = (ratio: number): string => `${ratio >= 1 ? '+' : '−'}${Math.abs((ratio - 1) * 100).toFixed(0)} %`
  const spreadOf = (spread: number): string => `± ${(spread * 100).toFixed(0)} %`
  const { decode: decodeOff, ttft: ttftOff, worst } = errorsOf(rows)
  return [
    `Machine: ${machine}, backend cpu.`,
    '',
    '| model | decode, predicted | measured, tokens/s | off | first token, predicted | measured, ms | off |',
    '|---|--:|--:|--:|--:|--:|--:|',
    ...rows.map(({ label, result: { predicted, measured, ratio, promptTokens } }) => {
      const decode = [
        predicted.decode.toFixed(1),
        `${measured.decode.toFixed(1)} ${spreadOf(measured.decodeSpread)}`,
        percent(ratio.decode),
      ]
      const first = [predicted.ttftMs.toFixed(0), `${measured.ttftMs.toFixed(0)} ${spreadOf(measured.ttftSpread)}`, percent(ratio.ttft)]
      return `| ${[`${label}; ${promptTokens} tokens of prompt`, ...decode, ...first].join(' | ')} |`
    }),
    '',
    `Medians off: ${decodeOff.toFixed(1)} % at decode, ${ttftOff.toFixed(1)} % at the first token (wanted: 10 % at most). Worst at decode: ${worst?.label ?? 'none'}, ${off(worst?.result.ratio.decode ?? 1).toFixed(0)} % (wanted: 25 % at most, where the measurement itself varies by less than 8 %).`,
  ]
}

/** The command line as a person would use it; null where it could not say. */
function snug<T>(args: readonly string[]): Promise<T | null> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(checkout, 'out/main/cli.js'), ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
    let text = ''
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
    child.on('error', reject)
    child.on('close', (code) => resolve(code === 0 ? (JSON.parse(text) as T) : null))
  })
}
