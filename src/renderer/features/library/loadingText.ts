import { formatWait } from '@shared/domain/format'
import type { EngineStatus } from '@shared/domain/library'
import type { Language } from '@shared/domain/settings'
import type { Messages } from '@shared/i18n'
import { percent } from '../../lib/format'

/** How far a load is, and how long loads like it take here. */
export function loadingText(
  { fraction, expectedMs }: Extract<EngineStatus, { state: 'loading' }>,
  { library, common }: Pick<Messages, 'library' | 'common'>,
  language: Language,
): string {
  const done = library.loading({ percent: percent(fraction) })
  return expectedMs === undefined ? done : `${done} · ${common.loadingTakes({ time: formatWait(expectedMs, language) })}`
}
