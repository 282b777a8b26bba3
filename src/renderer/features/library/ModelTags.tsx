import type { LibraryModel } from '@shared/domain/library'
import { useMessages } from '../../lib/i18n'

/** What a demonstration is, wherever it is met. */
export function DemonstrationTag({ model }: { model: Pick<LibraryModel, 'demonstration'> }) {
  const { common } = useMessages()
  if (model.demonstration === null) return null
  return (
    <span className="tag warn" title={common.demonstrationHint}>
      {model.demonstration === 'starter' ? common.demonstrationStarter : common.demonstrationScripted}
    </span>
  )
}
