import type { NothingUsable as Nothing } from '@shared/domain/nothingUsable'
import { useMessages } from '../../lib/i18n'
import { Button, Note } from '../../ui'
import type { Filters } from './filters'
import { nothingSentences } from './reason'

/** What could be used where nothing that is shown can; the card above says why its own model cannot. */
export function NothingUsable({
  nothing,
  setFilters,
  filters,
}: {
  nothing: Nothing
  filters: Filters
  setFilters: (next: Filters) => void
}) {
  const messages = useMessages()
  const { discover, common } = messages
  return (
    <Note>
      <div className="row wrap" data-testid="nothing-usable">
        <span className="grow">{nothingSentences(nothing, messages).join(' ')}</span>
        {nothing.kind === 'other-size' && (
          <Button size="s" onClick={() => setFilters({ ...filters, text: '', licence: null, language: null, size: nothing.size })}>
            {discover.nothing.show({ size: common.sizeClass[nothing.size] })}
          </Button>
        )}
      </div>
    </Note>
  )
}
