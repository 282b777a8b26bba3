import type { Download, LibraryModel } from '@shared/domain/library'
import { describe, expect, it } from 'vitest'
import { diskParts } from './diskParts'

const model = (onModelsDisk: boolean, sizeBytes: number) => ({ onModelsDisk, sizeBytes }) as LibraryModel
const download = (state: string, totalBytes: number, receivedBytes: number) => ({ state, totalBytes, receivedBytes }) as Download

describe('diskParts', () => {
  it('adds up to what is used, and reserves what downloads still need', () => {
    const parts = diskParts(
      { total: 1000, free: 400 },
      [model(true, 100), model(false, 999)],
      [download('running', 80, 30), download('done', 500, 500), { ...download('paused', 700, 200), onModelsDisk: false }],
    )
    expect(parts).toEqual({ models: 100, unfinished: 30, reserved: 50, other: 470 })
  })
  it('never shows more than the disk has', () => {
    const parts = diskParts({ total: 100, free: 90 }, [model(true, 50)], [download('queued', 500, 0)])
    expect(parts).toEqual({ models: 10, unfinished: 0, reserved: 90, other: 0 })
  })
})
