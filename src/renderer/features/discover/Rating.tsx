import type { CapabilityScore } from '@shared/domain/catalog'
import type { Messages } from '@shared/i18n'
import { ExternalLink } from 'lucide-react'
import { client } from '../../lib/client'
import { useMessages } from '../../lib/i18n'

/** A published figure with its test and date; null: not rated. */
export function ratingText(score: CapabilityScore | null, { discover }: Pick<Messages, 'discover'>): string {
  return score === null ? discover.notRated : discover.rated({ ...score, score: String(score.score) })
}

/** The figure and where it was published; the whole address is asked about before the browser opens it. */
export function Rating({ score }: { score: CapabilityScore | null }) {
  const words = useMessages()
  const { discover } = words
  return (
    <p data-testid="rating">
      {discover.capability({ rating: ratingText(score, words) })}
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
