import { isAddress } from '@shared/domain/address'
import type { Ref } from 'react'
import { useMessages } from '../../lib/i18n'
import { Button, SearchInput, Segmented } from '../../ui'
import { type SearchPlace, atPlace, placeOf, repositoryIn } from './matching'
import { hubName, useHubStatus } from './useHubStatus'

interface SearchFieldProps {
  text: string
  place: SearchPlace
  onText: (text: string) => void
  onOpen: () => void
  /** A whole address is no beginning of anything: what lies there is shown at once. */
  onPasteAddress: (address: string) => void
  ref: Ref<HTMLInputElement>
}

export function SearchField({ text, place, onText, onOpen, onPasteAddress, ref }: SearchFieldProps) {
  const { discover } = useMessages()
  const search = placeOf(text, place) === 'modelscope' ? discover.searchModelScope : discover.searchHub
  return (
    <form
      className="row"
      onSubmit={(event) => {
        event.preventDefault()
        onOpen()
      }}
    >
      <SearchInput
        ref={ref}
        label={discover.searchLabel}
        placeholder={discover.search}
        value={text}
        onText={onText}
        onPaste={(event) => {
          const pasted = event.clipboardData.getData('text').trim()
          if (isAddress(pasted)) onPasteAddress(pasted)
        }}
      />
      {text.trim() !== '' && (
        <Button size="s" type="submit">
          {isAddress(text) ? discover.address.show : repositoryIn(text) === null ? search : discover.showFiles}
        </Button>
      )}
    </form>
  )
}

/** Where words and names are looked for; an address says it by itself. */
export function SearchPlaceRow({
  text,
  place,
  onChange,
}: {
  text: string
  place: SearchPlace
  onChange: (place: SearchPlace, text: string) => void
}) {
  const { discover } = useMessages()
  const endpoint = useHubStatus().data?.endpoint ?? null
  const chosen = placeOf(text, place)
  if (isAddress(text) || (text.trim() === '' && chosen === 'hub')) return null
  return (
    <div className="row wrap search-place">
      <span className="t2 f12">{discover.searchAt}</span>
      <Segmented<SearchPlace>
        small
        label={discover.searchAt}
        value={chosen}
        options={[
          { value: 'hub', label: hubName(endpoint) },
          { value: 'modelscope', label: 'ModelScope' },
        ]}
        // What was typed before the words says the place as well, and no longer does.
        onChange={(value) => onChange(value, atPlace(text, 'hub'))}
      />
    </div>
  )
}
