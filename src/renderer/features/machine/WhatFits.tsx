import type { Verdict } from '@shared/domain/fit'
import { useQuery } from '@tanstack/react-query'
import { client } from '../../lib/client'
import { useMessages } from '../../lib/i18n'
import { VerdictGlyph } from '../../ui'

const verdicts: readonly { verdict: Verdict; tone: string }[] = [
  { verdict: 'full-gpu', tone: 'full' },
  { verdict: 'partial-gpu', tone: 'part' },
  { verdict: 'cpu', tone: 'cpu' },
  { verdict: 'too-big', tone: 'big' },
]

/** The catalogue by verdict, with the same glyphs as everywhere. */
export function WhatFits() {
  const { machine } = useMessages()
  const query = useQuery({
    queryKey: ['machine.fits'],
    queryFn: () => client.discover.recommend({ use: 'chat' }),
    staleTime: 30_000,
  })
  const items = query.data ?? []
  if (items.length === 0) return null
  const of = (verdict: Verdict) => items.filter(({ best }) => best.verdict === verdict).length
  return (
    <section aria-label={machine.fits}>
      <h2 className="h2">{machine.fits}</h2>
      <div className="card fits">
        <dl>
          {verdicts.map(({ verdict, tone }) => (
            <div key={verdict}>
              <dt className={`v plain ${tone}`}>
                <VerdictGlyph verdict={verdict} />
                {machine.fitsKind[verdict]}
              </dt>
              <dd className={`fit-bar ${tone}`} aria-hidden="true">
                <i style={{ width: `${((of(verdict) / items.length) * 100).toFixed(1)}%` }} />
              </dd>
              <dd className="num">{of(verdict)}</dd>
            </div>
          ))}
        </dl>
        <p className="t3 f12">{machine.fitsHint({ count: items.length })}</p>
      </div>
    </section>
  )
}
