import type { CapabilityScore } from '@shared/domain/catalog'
import { ExternalLink } from 'lucide-react'
import { client } from '../../lib/client'
import { useMessages } from '../../lib/i18n'

/** A published figure with its test and date; null: not rated. */
export function useRating(): (score: CapabilityScore | null) => string {
  const { discover } = useMessages()
  return (score) =>
    discover.capability({
      rating: score === null ? discover.notRated : discover.rated({ score: String(score.score), test: score.test, date: score.date }),
    })
}

/** The figure and where it was published; the whole address is asked about before the browser opens it. */
export function Rating({ score }: { score: CapabilityScore | null }) {
  const { discover } = useMessages()
  const rating = useRating()
  return (
    <p data-testid="rating">
      {rating(score)}
      {score !== null && (
        <>
          {' '}
          <button type="button" className="link" title={score.link} onClick={() => void client.app.openLink({ url: score.link })}>
            {discover.ratedAt({ host: new URL(score.link).host })}
            <ExternalLink className="i xs" aria-hidden="true" />
          </button>
        </>
      )}
    </p>
  )
}
