import { useQuery } from '@tanstack/react-query'
import { client } from '../../lib/client'
import { useMessages } from '../../lib/i18n'
import { Button, ErrorNotice } from '../../ui'
import { LazyMarkdown } from '../chat'

/** What the maker writes, asked for when it is opened: no picture of it is loaded, and no link opens by itself. */
export function Card({ repository, revision }: { repository: string; revision: string }) {
  const { discover, common } = useMessages()
  const query = useQuery({
    queryKey: ['discover.card', repository, revision],
    queryFn: () => client.discover.card({ repository, revision }),
    staleTime: Number.POSITIVE_INFINITY,
  })
  const card = query.data
  return (
    <section className="repo-card" aria-label={discover.cardOf({ repository })} data-testid="model-card">
      {query.isPending && <p className="t2">{common.loading}</p>}
      {query.error !== null && (
        <ErrorNotice error={query.error}>
          <Button size="s" onClick={() => void query.refetch()}>
            {common.retry}
          </Button>
        </ErrorNotice>
      )}
      {card !== undefined && card.text === '' && <p className="t2">{discover.cardNone}</p>}
      {card !== undefined && card.text !== '' && (
        <>
          <p className="t3 f12">{discover.cardHint}</p>
          <LazyMarkdown text={card.text} streaming={false} />
          {card.cut && <p className="t3 f12">{discover.cardCut}</p>}
        </>
      )}
    </section>
  )
}
