// @vitest-environment jsdom
import { act } from 'react'
import { createRoot } from 'react-dom/client'
import { afterEach, expect, test, vi } from 'vitest'
import type { FitReport } from '@shared/domain/fit'
import type { LibraryModel } from '@shared/domain/library'

const calls = vi.hoisted(() => ({ exact: vi.fn(), start: vi.fn() }))
vi.mock('../../lib/client', () => ({ client: { discover: { exact: calls.exact }, downloads: { start: calls.start } } }))
const { UpdateNote } = await import('./UpdateNote')

const model = { name: 'M', quantization: 'Q4_0' } as LibraryModel
const update = { modelId: 'm', repository: 'maker/m', revision: 'r', file: 'm.gguf', sizeBytes: 9 }
const fit = (verdict: string) => ({ verdict, totalBytes: 5e9, plan: { contextSize: 4096, kvCacheType: 'f16' } }) as FitReport
afterEach(() => vi.clearAllMocks())

test('an update whose own header says that it runs here no more is downloaded only when asked once more', async () => {
  Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true })
  calls.exact.mockResolvedValue({ fit: fit('too-big') })
  calls.start.mockResolvedValue({ id: 'd' })
  const place = document.createElement('div')
  await act(async () => createRoot(place).render(<UpdateNote model={model} update={update} fit={fit('full-gpu')} />))
  const click = () => act(async () => place.querySelector('button')?.click())
  await click()
  expect(calls.exact).toHaveBeenCalledWith(
    expect.objectContaining({ repository: 'maker/m', file: 'm.gguf', contextSize: 4096 }),
    expect.anything(),
  )
  expect(calls.start).not.toHaveBeenCalled()
  expect(place.textContent).toContain('will not run here')
  await click()
  expect(calls.start).toHaveBeenCalledWith(expect.objectContaining({ repository: 'maker/m', file: 'm.gguf' }))
})
