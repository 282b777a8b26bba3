import type { NothingUsable } from '@shared/domain/nothingUsable'
import { useNeeds } from '@shared/domain/recommend'
import { GiB } from '@shared/domain/units'
import { messages } from '@shared/i18n'
import { expect, test } from 'vitest'
import { nothingSentences } from './reason'

const named = { name: 'Some Model 4B', quantization: 'Q4_K_M' }
const slow: NothingUsable = {
  kind: 'too-slow',
  ...named,
  decode: [2, 3],
  ttftMs: [12_000, 20_000],
  needs: useNeeds.chat,
  lowered: { decode: 2.4, firstTokenMs: 16_000 },
}
const big = (bytes: number | null): NothingUsable => ({
  kind: 'too-big',
  contextSize: 8192,
  smallest: { ...named, takesBytes: 3 * GiB },
  freeUp: bytes === null ? null : { ...named, bytes },
})

test.each(['en', 'zh-CN'] as const)('%s: what would work is named with its figures, and nothing else is promised', (language) => {
  const said = (nothing: NothingUsable): string => nothingSentences(nothing, messages(language)).join(' ')
  for (const figure of ['Some Model 4B', '2.0–3.0', '12–20', '7 ', '10 ', '2.4', '16.0']) expect(said(slow)).toContain(figure)
  for (const figure of ['8,192', 'Some Model 4B Q4_K_M', '3.0 GiB', '1.5 GiB']) expect(said(big(1.5 * GiB))).toContain(figure)
  expect(said(big(1.5 * GiB)).length).toBeGreaterThan(said(big(null)).length)
  const other = said({ kind: 'other-size', size: 'light', ...named })
  expect(other).toContain(messages(language).common.sizeClass.light)
  expect(other).not.toContain(messages(language).discover.nothing.elsewhere)
})
