import type { Download, LibraryModel } from '@shared/domain/library'
import { describe, expect, it } from 'vitest'
import { diskParts } from './diskParts'

const model = (origin: string, sizeBytes: number, state = 'verified') => ({ origin, sizeBytes, state }) as LibraryModel
const download = (state: string, totalBytes: number, receivedBytes: number) => ({ state, totalBytes, receivedBytes }) as Download

describe('diskParts', () => {
  it('adds up to what is used, and reserves what downloads still need', () => {
    const parts = diskParts(
      { total: 1000, free: 400 },
      [model('download', 100), model('watched', 999), model('download', 50, 'missing')],
      [download('running', 80, 30), download('done', 500, 500)],
    )
    expect(parts).toEqual({ models: 100, unfinished: 30, reserved: 50, other: 470 })
  })
  it('never shows more than the disk has', () => {
    const parts = diskParts({ total: 100, free: 90 }, [model('download', 50)], [download('queued', 500, 0)])
    expect(parts).toEqual({ models: 10, unfinished: 0, reserved: 90, other: 0 })
  })
})
