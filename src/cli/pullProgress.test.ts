import { expect, it } from 'vitest'
import { messages } from '@shared/i18n'
import { columnsOf } from './columns'
import type { Output } from './output'
import { progressBar, progressLine, pullProgress } from './pullProgress'
import type { Download } from '@shared/domain/library'

const GiB = 1024 ** 3
const half = { receivedBytes: 2 * GiB, verifiedBytes: GiB, totalBytes: 4 * GiB, bytesPerSecond: 12 * 1024 ** 2, secondsLeft: 171 }
const english = { language: 'en', words: messages('en') } as const
const chinese = { language: 'zh-CN', words: messages('zh-CN') } as const

it('draws what is verified, what is here, and what is missing', () => {
  expect(progressBar(half, 20, false)).toBe('[#####=====..........]')
  expect(progressBar(half, 20, true)).toBe('[\x1b[32m#####\x1b[0m=====..........]')
  expect(progressBar({ ...half, receivedBytes: 0, verifiedBytes: 0 }, 10, true)).toBe('[..........]')
  expect(progressBar({ ...half, receivedBytes: 4 * GiB, verifiedBytes: 4 * GiB }, 10, false)).toBe('[##########]')
  expect(progressBar({ ...half, totalBytes: 0 }, 4, false)).toBe('[....]')
})

it('fits the terminal in both languages, whatever its width', () => {
  for (const out of [english, chinese])
    for (let columns = 8; columns <= 200; columns++) {
      const line = progressLine(half, out, { columns, color: false })
      expect(columnsOf(line)).toBeLessThan(columns)
      expect(line).toContain('50%')
    }
  const wide = progressLine(half, english, { columns: 120, color: false })
  for (const part of ['2.0 GiB of 4.0 GiB', '12 MiB/s', 'left']) expect(wide).toContain(part)
  expect(progressLine(half, english, { columns: 45, color: false })).not.toContain('left')
})

it('writes a line for each tenth where there is no terminal', () => {
  const notes: string[] = []
  const out = { ...english, terminal: null, note: (text: string) => notes.push(text) } as unknown as Output
  const show = pullProgress(out)
  for (let percent = 0; percent <= 100; percent++)
    show({ ...half, receivedBytes: (percent / 100) * half.totalBytes, bytesPerSecond: null, secondsLeft: null } as Download)
  expect(notes).toHaveLength(11)
  expect(notes[0]).toMatch(/^1% /)
  expect(notes.at(-1)).toBe('100% 4.0 GiB of 4.0 GiB')
})
