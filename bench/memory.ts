import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { totalBytes } from '@shared/domain/memory'
import { GiB } from '@shared/domain/units'
import { type MemoryRow, memoryRows, modelName, rowName } from './lib/memoryRows'
import { type Measurement, MemoryRun, type Prediction, type RowResult, realFile } from './lib/memoryRun'
import { memoryFigures, writeAccuracy } from './lib/memoryTable'
import { type Figure, say } from './lib/report'

const usage = `npm run -s bench memory -- [flags]
  --backend cpu,vulkan   which rows (default both; cuda and metal as well)
  --rows N, --only TEXT  the first N, or those whose name has TEXT
  --loads N              fresh loads of each row on the processor (3); the table says how many each had
  --memory GIB           rows that need more, by the formula, stay open
  --keep FILE            keeps each measurement as soon as it is made, and goes on from there
  --folder DIR           where the models are written (gigabytes of holes); the system's temporary folder
  --docs                 writes the tables into docs/accuracy.md
  --kept                 measures nothing: figures and tables of what --keep FILE holds (several: FILE,FILE)`

const flags = ['backend', 'rows', 'only', 'loads', 'memory', 'keep', 'folder'] as const
const backends = ['cpu', 'vulkan', 'cuda', 'metal'] as const
type Flag = (typeof flags)[number]

/** Predicted memory (from the header over HTTP, before the file is here) beside what llama.cpp and the process then take. */
export default async function memory(args: string[]): Promise<Figure[]> {
  const { given, docs, keptOnly } = parse(args)
  const wanted = (given.get('backend') ?? 'cpu,vulkan').split(',').map((name) => backends.find((known) => known === name) ?? fail(name))
  if (wanted.includes('vulkan')) process.env.GGML_VK_VISIBLE_DEVICES ??= '0'
  const all = memoryRows(wanted).filter((row) => rowName(row).includes(given.get('only') ?? ''))
  const rows = all.slice(0, Number(given.get('rows') ?? all.length))
  const loads = Number(given.get('loads') ?? 3)
  const memoryBytes = Number(given.get('memory') ?? Number.POSITIVE_INFINITY) * GiB
  const keep = new Kept(given.get('keep')?.split(',') ?? [])
  if (keptOnly) {
    const results = rows.flatMap((row) => keep.result(row) ?? [])
    const lacking = rows.filter((row) => keep.result(row) === null)
    const open = lacking.map((row) => ({ row, why: tooLarge(keep.prediction(row), memoryBytes) ?? 'not measured yet' }))
    if (docs) writeAccuracy(results, open)
    return memoryFigures(results, open)
  }

  const folder = mkdtempSync(join(given.get('folder') ?? tmpdir(), 'snug-memory-'))
  const run = new MemoryRun(folder)
  const results: RowResult[] = []
  const open: { row: MemoryRow; why: string }[] = []
  try {
    for (const model of new Map(rows.map((row) => [modelName(row.model), row.model])).values()) {
      const own = rows.filter((row) => modelName(row.model) === modelName(model))
      if (model.kind === 'real' && realFile(model) === null) {
        open.push(...own.map((row) => ({ row, why: 'the file is not here (`node scripts/setup.mjs --full`)' })))
        continue
      }
      const there: MemoryRow[] = []
      for (const row of own) {
        const why = await run.missing(row.backend)
        if (why === null) there.push(row)
        else open.push({ row, why })
      }
      if (there.length === 0) continue
      results.push(
        ...(await run.model(model, there, async (row, prediction, measure) => {
          keep.predicted(row, prediction)
          const why = tooLarge(prediction, memoryBytes)
          if (why !== null) {
            open.push({ row, why })
            return null
          }
          const wantedLoads = row.backend === 'cpu' ? loads : 1
          while (keep.of(row).length < wantedLoads) keep.add(row, await measure())
          say(rowName(row))
          return joined(keep.of(row))
        })),
      )
    }
  } finally {
    await run.dispose()
    rmSync(folder, { recursive: true, force: true })
  }
  for (const { row, why } of open) say(`open: ${rowName(row)}: ${why}`)
  if (docs) writeAccuracy(results, open)
  return memoryFigures(results, open)
}

function parse(args: string[]): { given: Map<Flag, string>; docs: boolean; keptOnly: boolean } {
  const given = new Map<Flag, string>()
  let docs = false
  let keptOnly = false
  for (let at = 0; at < args.length; at++) {
    const name = flags.find((flag) => args[at] === `--${flag}`)
    const value = args[at + 1]
    if (args[at] === '--docs') docs = true
    else if (args[at] === '--kept') keptOnly = true
    else if (name !== undefined && value !== undefined) given.set(name, args[++at] ?? '')
    else fail(args[at] ?? '')
  }
  return { given, docs, keptOnly }
}

function fail(word: string): never {
  say(`unknown: ${word}\n${usage}`)
  process.exit(2)
}

function tooLarge(prediction: Prediction | null, memoryBytes: number): string | null {
  const needed = totalBytes(prediction?.formula.parts ?? [])
  return needed > memoryBytes ? `it needs ${(needed / GiB).toFixed(1)} GiB, more than this machine could give` : null
}

/** Loads of one row; what llama.cpp reports is the same each time. */
function joined(measurements: readonly Measurement[]): Measurement {
  const last = measurements.at(-1)
  if (last === undefined) throw new Error('nothing was measured')
  return { real: last.real, growths: measurements.flatMap(({ growths }) => growths) }
}

type Line = { name: string } & ({ measurement: Measurement } | { prediction: Prediction })

/** Measurements and the last prediction of each row, in files of JSON lines; what is new goes to the first of them. */
class Kept {
  readonly #known = new Map<string, { prediction: Prediction | null; measurements: Measurement[] }>()

  constructor(private readonly files: readonly string[]) {
    for (const file of files.filter((name) => existsSync(name))) {
      for (const line of readFileSync(file, 'utf8').split('\n').filter(Boolean)) this.#learn(JSON.parse(line) as Line)
    }
  }

  of(row: MemoryRow): Measurement[] {
    return this.#known.get(rowName(row))?.measurements ?? []
  }

  prediction(row: MemoryRow): Prediction | null {
    return this.#known.get(rowName(row))?.prediction ?? null
  }

  /** null: it lacks its prediction or any measurement. */
  result(row: MemoryRow): RowResult | null {
    const { prediction = null, measurements = [] } = this.#known.get(rowName(row)) ?? {}
    return prediction === null || measurements.length === 0 ? null : { row, prediction, ...joined(measurements) }
  }

  predicted(row: MemoryRow, prediction: Prediction): void {
    this.#add({ name: rowName(row), prediction })
  }

  add(row: MemoryRow, measurement: Measurement): void {
    this.#add({ name: rowName(row), measurement })
  }

  #add(line: Line): void {
    this.#learn(line)
    const [file] = this.files
    if (file !== undefined) appendFileSync(file, `${JSON.stringify(line)}\n`)
  }

  #learn(line: Line): void {
    const known = this.#known.get(line.name) ?? { prediction: null, measurements: [] }
    if ('measurement' in line) known.measurements.push(line.measurement)
    else known.prediction = line.prediction
    this.#known.set(line.name, known)
  }
}
