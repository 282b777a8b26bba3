import { describe, expect, test } from 'vitest'
import data from '../../../resources/catalog.json'
import { type CatalogQuantization, catalogModel } from '@shared/domain/catalog'
import { normalQuantizationName } from '@shared/domain/quantization'
import { loadCatalog, parseCatalog } from './catalog'

const catalog = loadCatalog()

/** How far a size from bits per weight is from the file, beyond what the listing rounds away. */
function deviation(entry: (typeof catalog.entries)[number], row: CatalogQuantization): number {
  if (row.sizeBytes === null) return 0
  const { sizeBytes } = catalogModel(entry, { ...row, sizeBytes: null })
  return Math.max(0, Math.abs(sizeBytes - row.sizeBytes) - row.sizeRounding) / row.sizeBytes
}

describe('catalogue', () => {
  test('every file has a size that somebody saw, and a name', () => {
    for (const entry of catalog.entries)
      for (const row of entry.quantizations) {
        expect(row.sizeBytes, `${entry.id} ${row.name}`).toBeGreaterThan(0)
        if (!entry.demonstration) expect(row.file, `${entry.id} ${row.name}`).toMatch(/\.gguf$/)
      }
  })
  test('dense models at llama.cpp’s own mixes: the size from bits per weight is within 5 % of the file', () => {
    for (const entry of catalog.entries.filter(
      (item) => item.geometry.experts === null && !item.demonstration && !/^(qwen3\.|gemma-4|gemma-3-(270m|1b)|lfm)/.test(item.id),
    ))
      for (const row of entry.quantizations.filter((item) => !item.name.startsWith('UD-')))
        expect(deviation(entry, row), `${entry.id} ${row.name}`).toBeLessThan(0.05)
  })
  test('mixes of the publisher’s own are further off, and the file’s size is what counts', () => {
    for (const entry of catalog.entries)
      for (const row of entry.quantizations) {
        const seen = row.sizeBytes ?? 0
        const { sizeBytes, sizeIsExact } = catalogModel(entry, row)
        expect(Math.abs(sizeBytes - seen), `${entry.id} ${row.name}`).toBeLessThanOrEqual(row.sizeRounding + 1)
        expect(sizeIsExact).toBe(row.sizeRounding === 0)
      }
  })
  test('Qwen from 3.5 on has values of its own for thinking; only what can think has any', () => {
    for (const { id, sampling, thinking } of catalog.entries) {
      expect(sampling?.thinking, id).toEqual(/^qwen3\.\d/.test(id) ? { temperature: 1, topP: 0.95, topK: 20, minP: 0 } : undefined)
      if (sampling?.thinking !== undefined) expect(thinking.kind, id).toMatch(/toggle|effort/)
    }
  })
  test('what was not checked says so', () => {
    for (const entry of catalog.entries) {
      if (!entry.geometryChecked) expect(entry.sources.geometry, entry.id).toMatch(/not read/)
      if (!entry.licence.verified) expect(entry.sources.licence, entry.id).toMatch(/not checked/)
      if (entry.capability !== null) expect(entry.sources.capability, entry.id).toBeTruthy()
      for (const source of Object.values(entry.sources)) expect(source).not.toMatch(/project facts/)
    }
    expect(catalog.entries.filter((entry) => entry.geometryChecked).length).toBeGreaterThanOrEqual(45)
  })
  test('a score names its test, its month and its page, and one use has one test', () => {
    for (const use of ['reasoning', 'code'] as const) {
      const scores = catalog.entries.flatMap((entry) => entry.capability?.[use] ?? [])
      expect(scores.length).toBeGreaterThanOrEqual(10)
      expect(new Set(scores.map((score) => score.test)).size).toBe(1)
      for (const score of scores) expect(score.date).toMatch(/^\d{4}-\d{2}$/)
    }
  })
  test('a hidden entry waits in the file and is not shown', () => {
    const [first] = data.entries
    expect(
      parseCatalog({ ...data, entries: [first, { ...data.entries[1], hidden: 'its repository was only guessed' }] }).entries,
    ).toHaveLength(1)
  })
  test('no quantization twice under another name', () => {
    for (const entry of catalog.entries) {
      const names = entry.quantizations.map((row) => normalQuantizationName(row.name))
      expect(new Set(names).size, entry.id).toBe(names.length)
    }
  })
})
