import type { FitReport, Verdict } from '@shared/domain/fit'
import type { SpeedGrade } from '@shared/domain/recommend'
import { useMessages } from '../lib/i18n'

/** The glyph repeats the silhouette of the bar: full disc, half disc, ring, crossed ring. */
export function VerdictGlyph({ verdict }: { verdict: Verdict }) {
  return (
    <svg viewBox="0 0 10 10" aria-hidden="true">
      {verdict === 'full-gpu' ? <circle className="fill" cx="5" cy="5" r="4.5" /> : <circle cx="5" cy="5" r="4" />}
      {verdict === 'partial-gpu' && <path className="fill" d="M5 1a4 4 0 0 1 0 8z" />}
      {verdict === 'too-big' && <path d="M2.2 7.8 7.8 2.2" />}
    </svg>
  )
}

const tone: Record<SpeedGrade, string> = { fast: 'good', comfortable: 'fine', slow: 'slow', 'will-not-run': 'no' }

/** The pill names the outcome; where it runs stands beside it. */
export function OutcomePill({ grade, verdict }: { grade: SpeedGrade; verdict: Verdict }) {
  const { common } = useMessages()
  const words = { fast: common.fast, comfortable: common.comfortable, slow: common.slow, 'will-not-run': common.willNotRun }
  return (
    <span className={`v ${tone[grade]}`}>
      <VerdictGlyph verdict={verdict} />
      {words[grade]}
    </span>
  )
}

export function useWhere(): (fit: Pick<FitReport, 'verdict' | 'plan'>) => string {
  const { common } = useMessages()
  return ({ verdict, plan }) => {
    if (verdict === 'full-gpu') return common.allOnGpu
    if (verdict === 'partial-gpu') return common.layersOnGpu({ layers: plan.gpuLayers, total: plan.totalLayers })
    return verdict === 'cpu' ? common.cpuOnly : ''
  }
}

/** Where it runs, for places that have no speed yet. */
export function WherePill({ fit }: { fit: Pick<FitReport, 'verdict' | 'plan'> }) {
  const { common } = useMessages()
  const where = useWhere()
  const classes: Record<Verdict, string> = { 'full-gpu': 'full', 'partial-gpu': 'part', cpu: 'cpu', 'too-big': 'big' }
  return (
    <span className={`v ${classes[fit.verdict]}`}>
      <VerdictGlyph verdict={fit.verdict} />
      {fit.verdict === 'too-big' ? common.willNotRun : where(fit)}
    </span>
  )
}
