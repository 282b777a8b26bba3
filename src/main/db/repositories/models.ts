import type { ModelFacts } from '@shared/domain/gguf'
import type { LibraryModel, ModelOrigin } from '@shared/domain/library'
import type { ModelPreset } from '@shared/domain/preset'
import type { ThinkingCapability } from '@shared/domain/thinking'
import type { Bytes } from '@shared/domain/units'
import { type Connection, fromJson, guarded, toJsonOrNull } from '../sqlite'

/** A model file that the library knows. Never deleted: a row taken off the list has `removedAt`. */
export interface ModelRow {
  id: string
  path: string
  sizeBytes: Bytes
  mtimeMs: number
  /** SHA-256 of the header, the same for a moved file. */
  headerSha: string | null
  /** Of all its bytes (`hashOfParts`), only where they are what the source promised. */
  sha256: string | null
  origin: ModelOrigin
  state: LibraryModel['state']
  facts: ModelFacts | null
  thinking: ThinkingCapability | null
  repository: string | null
  revision: string | null
  problem: { code: string; message: string } | null
  /** Last measured decode rate here. */
  measuredTokensPerSecond: number | null
  addedAt: number
  removedAt: number | null
  /** What a person keeps for this model. */
  preset?: ModelPreset | null
  /** What the source named as the SHA-256 of each file, in the order of the parts; kept when the bytes turn out to be others. */
  promisedSha256s?: string[] | null
  /** Hash of the bytes as they were read here, of any file; of a split one over the hashes of its parts. */
  fileSha256?: string | null
  /** When the bytes were read whole and found to be what they should. */
  checkedAt?: number | null
}

interface Stored extends Omit<ModelRow, 'facts' | 'thinking' | 'problem' | 'preset' | 'promisedSha256s' | 'fileSha256' | 'checkedAt'> {
  facts: string | null
  thinking: string | null
  problem: string | null
  preset: string | null
  promisedSha256s: string | null
  fileSha256: string | null
  checkedAt: number | null
}

const columns = [
  'id',
  'path',
  'sizeBytes',
  'mtimeMs',
  'headerSha',
  'sha256',
  'origin',
  'state',
  'facts',
  'thinking',
  'repository',
  'revision',
  'problem',
  'measuredTokensPerSecond',
  'addedAt',
  'removedAt',
  'preset',
  'promisedSha256s',
  'fileSha256',
  'checkedAt',
] as const

export class ModelsRepository {
  readonly #all
  readonly #get
  readonly #byPath
  readonly #byHeader
  readonly #save
  readonly #delete

  constructor(readonly db: Connection) {
    this.#all = db.prepare<[], Stored>('SELECT * FROM models ORDER BY addedAt, id')
    this.#get = db.prepare<[string], Stored>('SELECT * FROM models WHERE id = ?')
    this.#byPath = db.prepare<[string], Stored>('SELECT * FROM models WHERE path = ?')
    this.#byHeader = db.prepare<[string], Stored>('SELECT * FROM models WHERE headerSha = ? ORDER BY addedAt, id')
    this.#save = db.prepare<[Stored]>(
      `INSERT INTO models (${columns.join(', ')}) VALUES (${columns.map((name) => `@${name}`).join(', ')})
       ON CONFLICT (id) DO UPDATE SET ${columns
         .slice(1)
         .map((name) => `${name} = excluded.${name}`)
         .join(', ')}`,
    )
    this.#delete = db.prepare<[string]>('DELETE FROM models WHERE id = ?')
  }

  /** Rows on the list; with `removed` also those taken off it. */
  all(options: { removed?: boolean } = {}): ModelRow[] {
    return guarded(() => this.#all.all().map(toRow)).filter((row) => options.removed === true || row.removedAt === null)
  }

  get(id: string): ModelRow | undefined {
    return guarded(() => optional(this.#get.get(id)))
  }

  /** Rows taken off the list included: adding the same path again brings its row back. */
  byPath(path: string): ModelRow | undefined {
    return guarded(() => optional(this.#byPath.get(path)))
  }

  byHeaderSha(headerSha: string): ModelRow[] {
    return guarded(() => this.#byHeader.all(headerSha).map(toRow))
  }

  /** Inserts the row, or replaces the one with its id. A path that another row has throws. */
  save(row: ModelRow): void {
    guarded(() =>
      this.#save.run({
        ...row,
        facts: toJsonOrNull(row.facts),
        thinking: toJsonOrNull(row.thinking),
        problem: toJsonOrNull(row.problem),
        preset: toJsonOrNull(row.preset ?? null),
        promisedSha256s: toJsonOrNull(row.promisedSha256s ?? null),
        fileSha256: row.fileSha256 ?? null,
        checkedAt: row.checkedAt ?? null,
      }),
    )
  }

  update(id: string, patch: Partial<Omit<ModelRow, 'id'>>): ModelRow | undefined {
    const row = this.get(id)
    if (row === undefined) return undefined
    const changed = { ...row, ...patch }
    this.save(changed)
    return changed
  }

  /** Only for rows that never were on the list (an import that failed half-way). */
  delete(id: string): void {
    guarded(() => this.#delete.run(id))
  }
}

function optional(stored: Stored | undefined): ModelRow | undefined {
  return stored === undefined ? undefined : toRow(stored)
}

function toRow(stored: Stored): ModelRow {
  return {
    ...stored,
    facts: fromJson(stored.facts) as ModelFacts | null,
    thinking: fromJson(stored.thinking) as ThinkingCapability | null,
    problem: fromJson(stored.problem) as ModelRow['problem'],
    preset: (fromJson(stored.preset) as ModelPreset | null) ?? null,
    promisedSha256s: (fromJson(stored.promisedSha256s) as string[] | null) ?? null,
  }
}
