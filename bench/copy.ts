import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { halfSpread } from '@shared/domain/calibration'
import { type CopyRun, type CopyTarget, copySpeed } from '@shared/domain/emptyCopy'
import type { LoadPlan } from '@shared/domain/fit'
import type { ModelFacts } from '@shared/domain/gguf'
import { type MemoryPart, plannedBatchSize, totalBytes } from '@shared/domain/memory'
import { MiB } from '@shared/domain/units'
import { createEngineClient, type EngineClient } from '../src/engine/client'
import { writeEmptyCopy } from '../src/engine/emptyCopy'
import { forkNode } from '../src/engine/forkNode'
import { inspectFile } from '../src/engine/ggufFile'
import { writeShapeModel } from '../src/engine/shapeModel'
import { engineEntry, gemmaModel, generateRequest, loadRequest, starterModel } from '../src/engine/testEngine'
import { atMost, type Figure, say, shown } from './lib/report'
import { median, ratios, spread } from './lib/stats'

/** Pairs of a test of the copy and of the real file. */
const usualPairs = 5
const answerTokens = 64
/** Some hundred tokens, as a chat's reply has before it; what the copy says is for the very depth that they make. */
const words = 'The keeper of the lighthouse wrote down each ship that passed, the weather and the height of the sea. '

interface Case {
  label: string
  path: string
  /** Sliced though it is small, so that the scaling by blocks is seen against a real file. */
  budget?: NonNullable<CopyTarget['budget']>
}

/**
 * What the test of an empty copy says, beside what the real file then does. The copy is made from the header alone; both take turns, each in
 * fresh processes, so that what else runs on the machine meets both. Arguments: number of pairs (5), then labels to run (all).
 */
export default async function copy(args: string[]): Promise<Figure[]> {
  const pairs = Number(args[0] ?? usualPairs)
  const only = args.slice(1)
  const folder = mkdtempSync(join(tmpdir(), 'snug-bench-copy-'))
  try {
    const figures: Figure[] = []
    for (const row of await cases(folder)) {
      if (only.length > 0 && !only.some((word) => row.label.includes(word))) continue
      figures.push(...(await compare(row, pairs, folder)))
    }
    return figures
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function cases(folder: string): Promise<Case[]> {
  const list: Case[] = []
  if (starterModel !== null) list.push({ label: 'starter', path: starterModel })
  const gemma = process.env.SNUG_BENCH_GEMMA ?? gemmaModel
  if (gemma !== null && existsSync(gemma)) {
    list.push({ label: 'gemma 270M', path: gemma })
    list.push({ label: 'gemma 270M sliced', path: gemma, budget: { whole: 0, difference: 48 * MiB } })
  }
  const large = join(folder, 'llama-1b.gguf')
  await writeShapeModel(large, { shape: 'llama-1b', quantization: 'Q4_K_M', fill: 'diverse' })
  list.push({ label: 'llama-1b Q4_K_M (random weights)', path: large })
  return list
}

async function compare({ label, path, budget }: Case, pairs: number, folder: string): Promise<Figure[]> {
  const facts = await inspectFile(path)
  const header = join(folder, `header ${label}`)
  await mkdir(header)
  // All that the copies are made of: a header, as it is fetched by ranges.
  const copyPath = await writeEmptyCopy(path, header)
  const plan = planOf(facts)
  const target: CopyTarget = { plan, threads: null, ...(budget ? { budget } : {}) }
  const directory = join(folder, `copy ${label}`)
  const request = loadRequest(copyPath, {
    contextSize: plan.contextSize,
    batchSize: plan.batchSize,
    threads: 'auto',
    flashAttention: plan.flashAttention,
    useMmap: plan.useMmap,
  })
  const memory = await withEngine('tools', (engine) => engine.call('copyMemory', { ...request, directory }))
  rmSync(directory, { recursive: true, force: true })
  const runs: CopyRun[] = []
  const said: { decode: number; prefill: number }[] = []
  const real: Reply[] = []
  let realParts: MemoryPart[] = []
  for (let pair = 0; pair < pairs; pair++) {
    const run = await withEngine('tools', (engine) => engine.call('copySpeed', { ...target, path: copyPath, directory }))
    rmSync(directory, { recursive: true, force: true })
    runs.push(run)
    await withEngine('model', async (engine) => {
      realParts = (await engine.call('load', { ...request, path })).buffers.parts
      real.push(await replyOf(engine))
    })
    const then = real.at(-1)
    const now = then && copySpeed(facts, target, run, then).speed.typical
    if (now !== undefined) said.push(now)
    say(
      `${label}: ${now?.decode.toFixed(1)} / ${then?.decode.toFixed(1)} tokens/s, prompt ${now?.prefill.toFixed(0)} / ${then?.prefill.toFixed(0)}`,
    )
  }
  rmSync(header, { recursive: true, force: true })
  return figuresOf(label, { memory: memory.buffers.parts, realParts, said, real, runs })
}

/** What a chat on the processor is loaded with. */
function planOf(facts: ModelFacts): LoadPlan {
  return {
    backend: 'cpu',
    gpuLayers: 0,
    totalLayers: facts.geometry.layers.length + 1,
    contextSize: 2048,
    batchSize: plannedBatchSize(facts.geometry.vocabularySize, false),
    kvCacheType: 'f16',
    flashAttention: true,
    useMmap: false,
  }
}

/** Tokens per second, and how many tokens were before each one in the mean. */
interface Reply {
  decode: number
  prefill: number
  depth: number
  promptDepth: number
}

/** Two replies warm it up: threads and slices of a prompt settle. */
async function replyOf(engine: EngineClient): Promise<Reply> {
  const depths = { depth: 0, promptDepth: 0 }
  const decodes: number[] = []
  const prefills: number[] = []
  for (let round = 0; round < 5; round++) {
    const stats = await engine.call(
      'generate',
      generateRequest([{ kind: 'text', text: `${round} days ago. ${words.repeat(12)}` }], {
        maxTokens: answerTokens,
        sampling: { temperature: 0.8, topP: null, topK: null, minP: null, repeatPenalty: null, seed: round + 1 },
      }),
    )
    if (round < 2) continue
    depths.depth = stats.promptTokens + answerTokens / 2
    depths.promptDepth = stats.promptTokens / 2
    if (stats.evalTokens >= 8) decodes.push(stats.evalTokensPerSecond)
    prefills.push(stats.promptTokensPerSecond)
  }
  if (decodes.length === 0) throw new Error('the model answers nothing: no speed to compare with')
  return { decode: median(decodes), prefill: median(prefills), ...depths }
}

interface Found {
  memory: MemoryPart[]
  realParts: MemoryPart[]
  said: { decode: number; prefill: number }[]
  real: { decode: number; prefill: number }[]
  runs: CopyRun[]
}

function figuresOf(label: string, { memory, realParts, said, real, runs }: Found): Figure[] {
  const devices = [...new Set(realParts.map(({ device }) => device))]
  const off = Math.max(...devices.map((device) => Math.abs(totalBytes(memory, device) / totalBytes(realParts, device) - 1)))
  const [decode, prefill] = (['decode', 'prefill'] as const).map((kind) =>
    ratios(
      said.map((row) => row[kind]),
      real.map((row) => row[kind]),
    ),
  )
  if (decode === undefined || prefill === undefined) return []
  const slices = runs[0]?.placements[0]?.slices.map(({ blocks }) => blocks).join(' and ') ?? ''
  // Of the real file and of the copy: where it is larger than a tenth, that much is all that can be asked.
  const varies = Math.max(halfSpread(real.map((row) => row.decode)), halfSpread(said.map((row) => row.decode)))
  const allowed = Math.max(0.1, varies)
  const middle = (rows: { decode: number; prefill: number }[], kind: 'decode' | 'prefill') => median(rows.map((row) => row[kind]))
  return [
    atMost(`${label}: memory, copy off by`, off * 100, 1, {
      unit: '%',
      note: `${(totalBytes(memory) / MiB).toFixed(2)} / ${(totalBytes(realParts) / MiB).toFixed(2)} MiB`,
    }),
    atMost(`${label}: decode, copy off by`, Math.abs(decode.median - 1) * 100, Number((allowed * 100).toFixed(1)), {
      unit: '%',
      note: `${middle(said, 'decode').toFixed(1)} / ${middle(real, 'decode').toFixed(1)} tokens/s, ${slices} blocks, measurements vary by ${(varies * 100).toFixed(0)} %`,
    }),
    shown(`${label}: decode, copy / real`, decode.median, { spread: decode.spread }),
    shown(`${label}: prompt, copy / real`, prefill.median, {
      spread: prefill.spread,
      note: `${middle(said, 'prefill').toFixed(0)} / ${middle(real, 'prefill').toFixed(0)} tokens/s`,
    }),
    shown(`${label}: a test of the speed takes`, median(runs.map(({ tookMs }) => tookMs / 1000)), {
      unit: 's',
      spread: spread(runs.map(({ tookMs }) => tookMs / 1000)),
      note: `${((runs[0]?.diskBytes ?? 0) / MiB).toFixed(0)} MiB on the disk meanwhile`,
    }),
  ]
}

async function withEngine<T>(role: 'tools' | 'model', work: (engine: EngineClient) => Promise<T>): Promise<T> {
  const engine = createEngineClient(forkNode(engineEntry())(role))
  try {
    return await work(engine)
  } finally {
    await engine.process.kill()
  }
}
