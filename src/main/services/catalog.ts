import { z } from 'zod'
import data from '../../../resources/catalog.json'
import { type Catalog, type CatalogEntry, expandLayers, useCases } from '@shared/domain/catalog'
import { quantizationInfo } from '@shared/domain/quantization'

/** A catalogue may come from elsewhere: what it can name is bounded, so that it can neither fill memory nor a page. */
const text = z.string().min(1).max(1_000)
const count = z.number().int().positive()
/** Ten times the deepest model there is. */
const blocks = count.max(1_000)
const url = z.url({ protocol: /^https?$/ }).max(2_048)
const use = z.enum(useCases as readonly ['chat', 'code', 'reasoning', 'chinese', 'small'])

const quantization = z.strictObject({
  name: text.refine((name) => quantizationInfo(name) !== null, 'unknown quantization'),
  /** Exact, or as a listing rounds it: [bytes, how far off it can be]. */
  sizeBytes: count.optional(),
  listed: z.tuple([count, count]).optional(),
  file: text.optional(),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
})

const score = z.strictObject({ score: z.number().min(0).max(100), test: text, date: text, link: url })

const sampling = z.strictObject({
  temperature: z.number().min(0).max(5).optional(),
  topP: z.number().min(0).max(1).optional(),
  topK: z.number().int().min(0).max(1_000).optional(),
  minP: z.number().min(0).max(1).optional(),
})

const entry = z.strictObject({
  id: z.string().regex(/^[a-z0-9.-]+$/),
  name: text,
  family: text,
  maker: text,
  parameters: count,
  activeParameters: count,
  geometryChecked: z.boolean(),
  /** Why it is not shown: what is only guessed waits here until somebody has seen it. */
  hidden: text.optional(),
  architecture: text,
  layers: z.strictObject({
    blocks,
    pattern: z
      .string()
      .regex(/^[fsrn]+$/)
      .max(1_000),
    kvHeads: count,
    headDim: count,
    headDimV: z.number().int().nonnegative().nullable(),
    sliding: z.strictObject({ kvHeads: count, headDim: count }).nullable(),
    stateBytes: z.number().int().nonnegative(),
    sharedTail: z.number().int().nonnegative(),
  }),
  embedding: count,
  feedForward: count,
  heads: count,
  vocabulary: count,
  context: count,
  slidingWindow: count.nullable(),
  experts: z.tuple([count, count]).nullable(),
  tied: z.boolean(),
  tokenizer: z.enum(['bpe', 'spm']),
  thinking: z.strictObject({
    kind: z.enum(['none', 'always', 'toggle', 'effort']),
    variable: text.nullable(),
    levels: z.array(text).max(20),
    cannotBeOff: z.boolean(),
  }),
  licence: z.strictObject({ name: text, verified: z.boolean() }),
  uses: z.array(use),
  languages: z.array(text).max(300),
  capability: z.partialRecord(use, score).nullable(),
  sampling: sampling.nullable(),
  samplingThinking: sampling.optional(),
  imagesUnused: z.boolean(),
  demonstration: z.boolean(),
  released: z
    .string()
    .regex(/^\d{4}-\d{2}$/)
    .nullable(),
  repositories: z
    .array(
      z
        .string()
        .regex(/^[\w.-]+\/[\w.-]+$/)
        .max(200),
    )
    .max(20),
  quantizations: z.array(quantization).min(1).max(50),
  sources: z.record(text, text),
})

const day = z.iso.date()
const file = z.strictObject({ version: z.literal(1), updated: day, entries: z.array(entry).min(1).max(500) })

/** A wrong file that is shipped is a bug of the build; one that was fetched is refused. Either says where it is wrong. */
export function parseCatalog(raw: unknown): Catalog {
  const parsed = file.parse(raw)
  const ids = new Set(parsed.entries.map((item) => item.id))
  if (ids.size !== parsed.entries.length) throw new RangeError('catalogue: an id is used twice')
  const shown = parsed.entries.filter((item) => item.hidden === undefined)
  return { version: parsed.version, updated: parsed.updated, entries: shown.map(toEntry) }
}

export function loadCatalog(): Catalog {
  return parseCatalog(data)
}

function toEntry(item: z.infer<typeof entry>): CatalogEntry {
  const [repository] = item.repositories
  return {
    id: item.id,
    name: item.name,
    family: item.family,
    maker: item.maker,
    parameters: item.parameters,
    activeParameters: item.activeParameters,
    geometry: {
      architecture: item.architecture,
      layers: expandLayers(item.layers),
      embeddingLength: item.embedding,
      feedForwardLength: item.feedForward,
      headCount: item.heads,
      vocabularySize: item.vocabulary,
      trainContextSize: item.context,
      slidingWindow: item.slidingWindow,
      experts: item.experts === null ? null : { count: item.experts[0], used: item.experts[1] },
    },
    geometryChecked: item.geometryChecked,
    tied: item.tied,
    tokenizer: item.tokenizer,
    thinking: item.thinking,
    licence: item.licence,
    uses: item.uses,
    languages: item.languages,
    capability: item.capability,
    sampling:
      item.sampling === null || item.samplingThinking === undefined ? item.sampling : { ...item.sampling, thinking: item.samplingThinking },
    imagesUnused: item.imagesUnused,
    demonstration: item.demonstration,
    released: item.released,
    repositories: item.repositories,
    quantizations: item.quantizations.map((row) => ({
      name: row.name,
      bitsPerWeight: quantizationInfo(row.name)?.bitsPerWeight ?? 0,
      sizeBytes: row.sizeBytes ?? row.listed?.[0] ?? null,
      sizeRounding: row.sizeBytes === undefined ? (row.listed?.[1] ?? 0) : 0,
      repository: repository ?? null,
      file: row.file ?? null,
      sha256: row.sha256 ?? null,
    })),
    sources: item.sources,
  }
}
