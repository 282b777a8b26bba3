import { expect, it } from 'vitest'
import type { SettingsRepository } from '../db/repositories/settings'
import { SettingsService } from './settings'

function rows(stored: Record<string, unknown> = {}): SettingsRepository {
  const values = new Map(Object.entries(stored).map(([name, value]) => [name, JSON.stringify(value)]))
  return {
    all: () => values,
    put: (patch: Record<string, unknown>) => {
      for (const [name, value] of Object.entries(patch)) values.set(name, JSON.stringify(value))
    },
  } as SettingsRepository
}

it('keeps the address of a hub with its scheme, however it is written, and refuses what is none', () => {
  const kept = rows()
  const settings = new SettingsService(kept)
  expect(settings.set({ endpoint: 'hf-mirror.com/' }).endpoint).toBe('https://hf-mirror.com')
  expect(new SettingsService(kept).get().endpoint).toBe('https://hf-mirror.com')
  for (const endpoint of ['two words', 'ftp://x', '']) expect(() => settings.set({ endpoint })).toThrow('no address of a hub')
  expect(settings.get().endpoint).toBe('https://hf-mirror.com')
  expect(settings.set({ endpoint: null }).endpoint).toBeNull()
})

it('reads what another version or hand wrote: mended, or as if it were not there', () => {
  expect(new SettingsService(rows({ endpoint: 'hub.example', offline: true })).get()).toMatchObject({
    endpoint: 'https://hub.example',
    offline: true,
  })
  expect(new SettingsService(rows({ endpoint: 'two words', offline: true })).get()).toMatchObject({ endpoint: null, offline: true })
})
