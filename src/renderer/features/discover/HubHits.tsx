import { useQuery } from '@tanstack/react-query'
import { X } from 'lucide-react'
import { client } from '../../lib/client'
import { count, parameters } from '../../lib/format'
import { useMessages } from '../../lib/i18n'
import { Button, ErrorNotice, IconButton } from '../../ui'
import type { Filters } from './filters'
import { atPlace, placeOf } from './matching'

interface HubHitsProps {
  query: string
  filters: Filters
  onPick: (repository: string) => void
  onClose: () => void
}

/** What the hub finds for words, narrowed as the catalogue below is; each opens its files. */
export function HubHits({ query: words, filters, onPick, onClose }: HubHitsProps) {
  const { discover, common } = useMessages()
  const { size, licence, language, fitsOnly, contextSize, kvCacheType, simulate, beside } = filters
  const query = useQuery({
    queryKey: ['discover.search', words, size, licence, language, fitsOnly, contextSize, kvCacheType, simulate, beside],
    queryFn: ({ signal }) =>
      client.discover.search(
        {
          query: words,
          size,
          licence,
          language,
          fitsOnly,
          kvCacheType,
          beside,
          ...(contextSize === null ? {} : { contextSize }),
          ...(simulate === null ? {} : { simulate }),
        },
        { signal },
      ),
    staleTime: 300_000,
  })
  const found = query.data
  const plain = atPlace(words, 'hub')
  const title = placeOf(words, 'hub') === 'modelscope' ? discover.hitsModelScope({ query: plain }) : discover.hits({ query: plain })
  return (
    <section className="card flush repo" aria-label={title} data-testid="hub-hits">
      <div className="row repo-head">
        <h2 className="grow ell">{title}</h2>
        <IconButton label={common.close} onClick={onClose}>
          <X className="i" aria-hidden="true" />
        </IconButton>
      </div>
      {query.isPending && <p className="t2 pad">{common.loading}</p>}
      {query.error !== null && (
        <div className="pad">
          <ErrorNotice error={query.error} />
        </div>
      )}
      {found?.hits.length === 0 && <p className="t2 pad">{discover.hitsNone}</p>}
      {found?.hits.map((hit) => (
        <div key={hit.repository} className="li" data-testid="hub-hit" data-repository={hit.repository}>
          <span className="grow ell sel">{hit.repository}</span>
          {hit.parameters !== null && <span className="t3 f12">{parameters(hit.parameters)}</span>}
          {hit.fits === false && <span className="tag">{common.willNotRun}</span>}
          {hit.gated && <span className="tag">{discover.gatedTag}</span>}
          {hit.licence !== null && <span className="tag">{hit.licence}</span>}
          {hit.downloads !== null && <span className="t3 f12">{discover.downloadsCount({ count: count(hit.downloads) })}</span>}
          <Button size="s" onClick={() => onPick(hit.repository)}>
            {discover.showFiles}
          </Button>
        </div>
      ))}
      {found !== undefined && (found.unknown > 0 || found.more) && (
        <p className="t3 f12 pad">
          {found.unknown > 0 && discover.hitsUnknown({ count: found.unknown })} {found.more && discover.hitsMore}
        </p>
      )}
    </section>
  )
}
