import { z } from 'zod'
import { useCases } from '@shared/domain/catalog'
import { hubAddress } from '@shared/domain/endpoint'
import { defaultSettings, type Settings } from '@shared/domain/settings'
import { SnugError } from '@shared/errors'
import { type Log, silentLog } from '@shared/log'
import type { SettingsRepository } from '../db/repositories/settings'
import { Changes, follow } from './follow'

const address = z
  .string()
  .max(500)
  .refine((text) => hubAddress(text) !== null, 'no address of a hub')
  .transform((text) => hubAddress(text) ?? text)

/** Each row is checked on read: one that another version or hand wrote wrongly falls back to its default, alone. */
const schemas: { [K in keyof Settings]: z.ZodType<Settings[K]> } = {
  language: z.enum(['en', 'zh-CN']).nullable(),
  theme: z.enum(['system', 'light', 'dark']),
  endpoint: address.nullable(),
  endpointAutomatic: z.boolean(),
  catalogAddress: z
    .url({ protocol: /^https?$/ })
    .max(2_048)
    .nullable(),
  offline: z.boolean(),
  modelsFolder: z.string().min(1).max(4_096).nullable(),
  downloadBytesPerSecond: z.number().int().min(10_000).max(100_000_000_000).nullable(),
  downloadConnections: z.number().int().min(1).max(16).nullable(),
  downloadFiles: z.number().int().min(1).max(8).nullable(),
  watchedFolders: z.array(z.string().min(1).max(4_096)).max(100),
  contextSize: z.number().int().min(256).max(10_000_000).nullable(),
  reserveBytes: z.number().int().min(0).nullable(),
  vramBudgetBytes: z.number().int().min(0).nullable(),
  useNeeds: z.partialRecord(
    z.enum(useCases),
    z.strictObject({ decode: z.number().min(0.1).max(1_000).optional(), firstTokenMs: z.number().min(100).max(3_600_000).optional() }),
  ),
  lastModelId: z.string().max(64).nullable(),
  welcomed: z.boolean(),
  speedOfferDeclined: z.boolean(),
}

const names = Object.keys(schemas) as (keyof Settings)[]

export class SettingsService {
  readonly #rows: SettingsRepository
  readonly #changes = new Changes()
  readonly #log: Log
  #current: Settings

  constructor(rows: SettingsRepository, log: Log = silentLog) {
    this.#rows = rows
    this.#log = log
    this.#current = this.#read()
  }

  get(): Settings {
    return this.#current
  }

  set(patch: Partial<Settings>): Settings {
    const values: Record<string, unknown> = {}
    for (const name of names) {
      const value: unknown = patch[name]
      if (value === undefined) continue
      const parsed = schemas[name].safeParse(value)
      if (!parsed.success && name === 'endpoint') throw new SnugError('hub/bad-address', 'this is no address of a hub', { setting: name })
      if (!parsed.success) throw new SnugError('usage/invalid', `setting ${name}: ${parsed.error.message}`, { setting: name })
      values[name] = parsed.data
    }
    this.#rows.put(values)
    this.#current = { ...this.#current, ...values }
    this.#changes.emit()
    return this.#current
  }

  follow(signal?: AbortSignal): AsyncGenerator<Settings, void, void> {
    return follow(this.#changes, () => this.#current, { signal })
  }

  onChange(listener: () => void): () => void {
    return this.#changes.on(listener)
  }

  #read(): Settings {
    const stored = this.#rows.all()
    const found: Record<string, unknown> = {}
    for (const name of names) {
      const text = stored.get(name)
      if (text === undefined) continue
      const parsed = schemas[name].safeParse(parse(text))
      if (parsed.success) found[name] = parsed.data
      else this.#log.warn('a setting is not valid and its default is used', { setting: name })
    }
    return { ...defaultSettings, ...found }
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Not JSON: no schema accepts undefined, so the default is used and the log says so.
    return undefined
  }
}
